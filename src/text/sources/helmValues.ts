/** Values of charts that start vLLM: the production stack's `modelSpec`, and lists of arguments beside an image. */
import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml';
import { findEngine } from '../../core/engine/engines.ts';
import { type Directive, findDirectives } from '../directives.ts';
import { interpolateKubernetes } from '../interpolation.ts';
import { ArgumentReader } from '../launch/argumentReader.ts';
import { startsEngine } from '../launch/mention.ts';
import { engineOfImage } from '../launch/programs.ts';
import type {
  DocumentDeployments,
  Insertion,
  LocatedDeployment,
  OffsetRange,
  TargetHint,
} from '../located.ts';
import type { ShellWord } from '../shellWords.ts';
import { maskTemplates } from '../templates.ts';
import type { WrittenFlag } from '../writtenFlags.ts';
import { readFlagPairs } from '../yaml/flagPairs.ts';
import { parsePiece, tornAt } from '../yaml/pieces.ts';
import { type Entry, YamlTree } from '../yaml/tree.ts';
import { assembleDeployment, directiveProblems, type FoundDeployment } from './assemble.ts';
import { commentsAbove, lineEndAt } from './compose.ts';
import { itemInsertion, readContainer } from './container.ts';
import { isManifest } from './kubernetes.ts';
import { lineStartAt } from './launchText.ts';
import { gpuLimit, gpuOfTerms, listedEnvironment, type PodContext, readPods } from './podSpecs.ts';
import { type DocumentSource, hasTopLevelKey, isYaml } from './source.ts';

export const helmValues: DocumentSource = {
  name: 'helm-values',
  recognises(identity, text) {
    return isYaml(identity) && startsEngine(text) && !isManifest(text) && !hasTopLevelKey(text, 'services');
  },
  read: readHelmValues,
};

function readHelmValues(text: string): DocumentDeployments {
  const directives = findDirectives(text);
  const problems = directiveProblems(directives);
  const { text: masked, missing } = maskTemplates(text);
  const scope = { start: 0, end: text.length };
  const deployments: LocatedDeployment[] = [];
  for (const piece of parsePiece(masked, [scope], { version: '1.2' })) {
    const tree = new YamlTree(piece);
    const context = { text, missing, scope, directives };
    const found = valuesIn(context, tree, tree.root, 12);
    deployments.push(...found.map((each) => assembleDeployment(text, directives, each)));
    const torn = found.length > 0 ? tornAt(text, piece) : undefined;
    if (torn) problems.push(torn);
  }
  return { deployments, problems };
}

interface Context extends PodContext {
  readonly directives: readonly Directive[];
}

function valuesIn(
  context: Context,
  tree: YamlTree,
  node: Node | null | undefined,
  depth: number,
): FoundDeployment[] {
  if (depth === 0) return [];
  if (isSeq(node)) return tree.items(node).flatMap((item) => valuesIn(context, tree, item, depth - 1));
  if (!isMap(node)) return [];
  const entries = tree.entries(node);
  if (isSeq(entries.get('containers')?.value)) return readPods(context, tree, node);
  const own = entries.has('modelURL')
    ? readModelSpec(context, tree, node, entries)
    : readArguments(context, tree, node, entries);
  if (own) return [own];
  return [...entries.values()].flatMap(({ written }) => valuesIn(context, tree, written, depth - 1));
}

/**
 * One model of vLLM's production stack: `vllmConfig` holds some flags in camel case, its `extraArgs` the others
 * (vllm-project/production-stack, helm/templates/deployment-vllm-multi.yaml).
 */
function readModelSpec(
  { text, scope }: Context,
  tree: YamlTree,
  spec: YAMLMap,
  entries: ReadonlyMap<string, Entry>,
): FoundDeployment | undefined {
  const range = tree.rangeOf(spec);
  const engine = findEngine('vllm');
  if (!range || !engine) return undefined;
  const config = entries.get('vllmConfig');
  const configEntries = isMap(config?.value) ? tree.entries(config.value) : undefined;
  const pairs = isMap(config?.value) ? readFlagPairs(text, tree, config.value) : undefined;
  const words = wordsOf(tree, configEntries?.get('extraArgs'));
  const writing = { style: 'items', quoting: 'double', interpolated: 'kubernetes' } as const;
  const launch = {
    engine: 'vllm',
    entrypoint: 'serve',
    head: { start: range.start, end: range.start },
    before: [],
    arguments: words,
    positionalModel: false,
  } as const;
  const reader = new ArgumentReader(text, engine, launch, writing);
  reader.readAll();
  const url = entries.get('modelURL');
  const model = tree.string(url?.value);
  const modelRange = tree.rangeOf(url?.written);
  const tag = tree.string(entries.get('tag')?.value);
  const repository = tree.string(entries.get('repository')?.value);
  const image = repository && tag ? engineOfImage(`${repository}:${tag}`) : undefined;
  const hint = gpuHint(tree, entries);
  const insertion =
    itemInsertion(text, words, writing) ?? newExtraArguments(text, range, config, pairs?.insertion);
  return {
    entrypoint: 'serve',
    range: { start: range.start, end: lineEndTrimmed(text, range) },
    scopes: [{ start: commentsAbove(text, range.start), end: lineEndAt(text, range.end) }, scope],
    commentAt: lineStartAt(text, range.start),
    ...(model && modelRange
      ? { model: { range: modelRange, value: model, writing: { style: 'yaml', quoting: 'none' } } }
      : {}),
    // The template writes its own flags first, so that those of extraArgs win.
    written: [...(pairs?.written ?? []).flatMap(chartFlag), ...reader.written],
    ...(insertion ? { insertion } : {}),
    environment: listedEnvironment(tree, entries.get('env')),
    ...(image?.version ? { engineVersion: image.version } : {}),
    ...(hint ? { hint } : {}),
    unresolved: reader.unresolved,
  };
}

const chartFlags = new Set([
  'enable-prefix-caching',
  'enable-chunked-prefill',
  'max-model-len',
  'dtype',
  'tensor-parallel-size',
  'max-num-seqs',
  'max-loras',
  'gpu-memory-utilization',
  'runner',
  'convert',
]);

function chartFlag(flag: WrittenFlag): WrittenFlag[] {
  const name = flag.name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  return chartFlags.has(name) ? [{ ...flag, name }] : [];
}

function gpuHint(tree: YamlTree, entries: ReadonlyMap<string, Entry>): TargetHint | undefined {
  const requested = entries.get('requestGPU')?.value;
  const count = Number(tree.string(requested));
  const range = tree.rangeOf(requested);
  const gpuCount =
    gpuLimit(tree, entries.get('resources')) ??
    (range && count > 0 && Number.isInteger(count) ? { count, range } : undefined);
  const gpu = gpuOfTerms(tree, entries.get('nodeSelectorTerms')?.value);
  return gpu || gpuCount ? { ...(gpu ? { gpu } : {}), ...(gpuCount ? { gpuCount } : {}) } : undefined;
}

/** `extraArgs:` as the last key of `vllmConfig`; neither is there where the model has no config. */
function newExtraArguments(
  text: string,
  range: OffsetRange,
  config: Entry | undefined,
  pair: Insertion | undefined,
): Insertion {
  const writing = { style: 'items', quoting: 'double', interpolated: 'kubernetes' } as const;
  if (pair && config && text.charAt(pair.offset) !== '}' && pair.separator.includes('\n')) {
    const { offset, separator } = pair;
    return { offset, writing, prefix: `${separator}extraArgs:`, separator: `${separator}  - ` };
  }
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  const indent = ' '.repeat(range.start - lineStartAt(text, range.start));
  return {
    offset: range.end,
    writing,
    prefix: `${newline}${indent}vllmConfig:${newline}${indent}  extraArgs:`,
    separator: `${newline}${indent}    - `,
  };
}

/** A chart of one's own: an image beside a list of arguments, under whatever names charts give them. */
function readArguments(
  { text, scope }: Context,
  tree: YamlTree,
  map: YAMLMap,
  entries: ReadonlyMap<string, Entry>,
): FoundDeployment | undefined {
  const range = tree.rangeOf(map);
  const key = ['args', 'extraArgs', 'arguments'].find(
    (name) => isSeq(entries.get(name)?.value) || isScalar(entries.get(name)?.value),
  );
  const program = entries.get('command');
  if (!range || (!key && !program?.value)) return undefined;
  const given = key === undefined ? undefined : entries.get(key);
  const image = imageOf(tree, entries.get('image')?.value);
  const environment = listedEnvironment(tree, entries.get('env'));
  const gpuCount = gpuLimit(tree, entries.get('resources'));
  const known = new Map(
    environment.flatMap(({ name, value }) => (value === undefined ? [] : [[name, value]])),
  );
  return readContainer(text, tree, {
    range,
    scopes: [{ start: commentsAbove(text, range.start), end: lineEndAt(text, range.end) }, scope],
    commentAt: lineStartAt(text, range.start),
    ...(image === undefined ? {} : { image }),
    ...(program?.value ? { program } : {}),
    ...(given ? { arguments: given } : {}),
    argumentsKey: key ?? 'args',
    environment,
    ...(gpuCount ? { hint: { gpuCount } } : {}),
    interpolated: 'kubernetes',
    fill: (written) => interpolateKubernetes(written, known),
  });
}

/** `image: a/b:c`, or a mapping of repository and tag. */
function imageOf(tree: YamlTree, node: Node | null | undefined): string | undefined {
  if (!isMap(node)) return tree.string(node);
  const repository = tree.string(tree.at(node, 'repository')) ?? tree.string(tree.at(node, 'name'));
  const tag = tree.string(tree.at(node, 'tag'));
  return repository === undefined ? undefined : tag ? `${repository}:${tag}` : repository;
}

function wordsOf(tree: YamlTree, entry: Entry | undefined): ShellWord[] {
  return tree.items(entry?.value).flatMap((item) => {
    const word = isScalar(item) ? tree.word(item, (text) => text) : undefined;
    return word ? [word] : [];
  });
}

function lineEndTrimmed(text: string, { start, end }: OffsetRange): number {
  return start + text.slice(start, end).trimEnd().length;
}
