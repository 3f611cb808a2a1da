/** docker-compose: services whose image or command starts an engine. */
import { isMap, isScalar, type YAMLMap } from 'yaml';
import { type Directive, findDirectives } from '../directives.ts';
import { interpolateCompose } from '../interpolation.ts';
import type { EnvironmentVariable } from '../launch/environment.ts';
import { startsEngine } from '../launch/mention.ts';
import type {
  DocumentDeployments,
  LocatedDeployment,
  LocatedProblem,
  OffsetRange,
  TargetHint,
  UnresolvedPart,
} from '../located.ts';
import { maskTemplates } from '../templates.ts';
import { type ComposeSlice, composeSlices } from '../yaml/composeSlices.ts';
import { longestRead, mostDeployments, notRead, parsePiece, tornAt } from '../yaml/pieces.ts';
import { type Entry, YamlTree } from '../yaml/tree.ts';
import { assembleDeployment, directiveProblems, type FoundDeployment } from './assemble.ts';
import { missingItems, readContainer } from './container.ts';
import { lineStartAt, variable } from './launchText.ts';
import { type DocumentSource, hasTopLevelKey, isYaml } from './source.ts';
import { withoutProblemsOnLine } from './vllmConfig.ts';

export const compose: DocumentSource = {
  name: 'docker-compose',
  recognises(identity, text) {
    return isYaml(identity) && hasTopLevelKey(text, 'services') && startsEngine(text);
  },
  read: readCompose,
};

function readCompose(text: string): DocumentDeployments {
  const directives = findDirectives(text);
  const problems: LocatedProblem[] = directiveProblems(directives);
  const deployments: LocatedDeployment[] = [];
  const { text: masked, missing } = maskTemplates(text);
  const context = { text, missing, directives };
  let length = 0;
  for (const slice of composeSlices(masked)) {
    length += slice.ranges.reduce((sum, { start, end }) => sum + end - start, 0);
    const last = slice.ranges.at(-1);
    if (last && (length > longestRead || deployments.length >= mostDeployments)) {
      problems.push(notRead(last));
      break;
    }
    for (const piece of parsePiece(masked, slice.ranges, { version: '1.2' })) {
      const tree = new YamlTree(piece);
      const found = readSlice(context, tree, slice);
      if (found.length === 0) continue;
      const torn = tornAt(text, piece);
      if (torn && !problems.some(({ range }) => range.start === torn.range.start)) problems.push(torn);
      deployments.push(...found.map((each) => (torn ? withoutProblemsOnLine(text, each, torn.range) : each)));
    }
  }
  return { deployments, problems };
}

interface Context {
  readonly text: string;
  readonly missing: readonly OffsetRange[];
  readonly directives: readonly Directive[];
}

function readSlice(context: Context, tree: YamlTree, slice: ComposeSlice): LocatedDeployment[] {
  const services = tree.at(tree.root, 'services');
  if (!isMap(services)) return [];
  const found: LocatedDeployment[] = [];
  for (const entry of tree.entries(services).values()) {
    if (!slice.wanted(entry.keyRange.start) || !isMap(entry.value)) continue;
    const deployment = readService(context, tree, services, entry, entry.value);
    if (deployment) found.push(assembleDeployment(context.text, context.directives, deployment));
  }
  return found;
}

function readService(
  { text, missing }: Context,
  tree: YamlTree,
  services: YAMLMap,
  { keyRange, written }: Entry,
  service: YAMLMap,
): FoundDeployment | undefined {
  const { entries, unresolved } = withBase(tree, services, tree.entries(service), new Set());
  const end = tree.rangeOf(written)?.end ?? keyRange.end;
  const range = { start: keyRange.start, end };
  const image = tree.text(entries.get('image')?.value);
  const environment = environmentOf(tree, entries.get('environment'));
  const hint = gpusOf(tree, entries);
  const program = entries.get('entrypoint');
  const argumentsEntry = entries.get('command');
  return readContainer(text, tree, {
    range,
    scopes: [{ start: commentsAbove(text, keyRange.start), end: lineEndAt(text, end) }],
    commentAt: lineStartAt(text, keyRange.start),
    ...(image ? { image: interpolateCompose(image).value } : {}),
    ...(program?.value ? { program } : {}),
    ...(argumentsEntry ? { arguments: argumentsEntry } : {}),
    argumentsKey: 'command',
    environment,
    ...(hint ? { hint } : {}),
    unresolved: [
      ...unresolved,
      ...missingItems(text, missing, tree.entries(service).values(), ['command', 'entrypoint']),
    ],
    interpolated: 'compose',
    fill: interpolateCompose,
  });
}

/** A service with what it takes from another of this file; one of another file is said. */
function withBase(
  tree: YamlTree,
  services: YAMLMap,
  entries: Map<string, Entry>,
  seen: Set<string>,
): { readonly entries: Map<string, Entry>; readonly unresolved: readonly UnresolvedPart[] } {
  const extended = entries.get('extends');
  if (!extended) return { entries, unresolved: [] };
  const file = tree.string(tree.at(tree.map(extended.value), 'file'));
  const name = isScalar(extended.value)
    ? tree.string(extended.value)
    : tree.string(tree.at(tree.map(extended.value), 'service'));
  if (file !== undefined) {
    return { entries, unresolved: [{ text: file, range: extended.keyRange, why: 'other-file' }] };
  }
  const base = name === undefined || seen.has(name) ? undefined : tree.at(services, name);
  if (!isMap(base) || name === undefined) return { entries, unresolved: [] };
  const below = withBase(tree, services, tree.entries(base), seen.add(name));
  return { entries: new Map([...below.entries, ...entries]), unresolved: below.unresolved };
}

/** A map or a list of `A=b`. */
function environmentOf(tree: YamlTree, entry: Entry | undefined): EnvironmentVariable[] {
  const value = entry?.value;
  if (isMap(value)) {
    return [...tree.entries(value).values()].map(({ key, keyRange, value: node }) => {
      const text = tree.text(node);
      return variable(key, text && interpolateCompose(text).value, keyRange);
    });
  }
  return tree.items(value).flatMap((item) => {
    const text = tree.text(item);
    const place = tree.rangeOf(item);
    const filled = text && interpolateCompose(text).value;
    const equals = filled?.indexOf('=') ?? -1;
    if (!place || filled === undefined || equals < 0) return [];
    return [variable(filled.slice(0, equals), filled.slice(equals + 1), place)];
  });
}

/** `deploy.resources.reservations.devices` with a count or ids, or `gpus:`; `all` says no number. */
function gpusOf(tree: YamlTree, entries: ReadonlyMap<string, Entry>): TargetHint | undefined {
  const deploy = tree.map(entries.get('deploy')?.value);
  const reserved = tree.items(tree.at(deploy, 'resources', 'reservations', 'devices'));
  const gpus = entries.get('gpus')?.value;
  for (const device of [...reserved, ...tree.items(gpus)]) {
    if (!isMap(device)) continue;
    const count = tree.at(device, 'count');
    const ids = tree.at(device, 'device_ids');
    const capabilities = tree.items(tree.at(device, 'capabilities')).map((each) => tree.string(each));
    const driver = tree.string(tree.at(device, 'driver'));
    if (capabilities.length > 0 && !capabilities.includes('gpu') && driver !== 'nvidia') continue;
    const range = tree.rangeOf(ids ?? count);
    const number = ids ? tree.items(ids).length : Number(interpolated(tree, count));
    if (!range || number <= 0 || !Number.isInteger(number)) continue;
    const gpuIds = tree.items(ids).flatMap((id) => interpolated(tree, id) || []);
    return { gpuCount: { count: number, range }, ...(gpuIds.length === number ? { gpuIds } : {}) };
  }
  const range = tree.rangeOf(gpus);
  const number = isScalar(gpus) ? Number(interpolated(tree, gpus)) : 0;
  return range && number > 0 && Number.isInteger(number) ? { gpuCount: { count: number, range } } : undefined;
}

function interpolated(tree: YamlTree, node: Parameters<YamlTree['text']>[0]): string {
  const text = tree.text(node);
  return text ? interpolateCompose(text).value : '';
}

/** Start of the comment lines that stand right above a line. */
export function commentsAbove(text: string, offset: number): number {
  let first = lineStartAt(text, offset);
  while (first > 0) {
    const above = lineStartAt(text, first - 1);
    if (!/^[ \t]*#/.test(text.slice(above, first))) break;
    first = above;
  }
  return first;
}

export function lineEndAt(text: string, offset: number): number {
  const newline = text.indexOf('\n', offset);
  return newline < 0 ? text.length : newline;
}
