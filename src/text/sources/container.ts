/** What a container runs: an image, perhaps another program, its arguments. Compose and Kubernetes say it in the same parts. */
import { isScalar, isSeq } from 'yaml';
import { type EmbeddedText, embeddedCommands } from '../embeddedText.ts';
import type { EnvironmentVariable } from '../launch/environment.ts';
import { engineOfImage, findLaunch, isProgram, type Launch } from '../launch/programs.ts';
import type { Insertion, OffsetRange, TargetHint, UnresolvedPart, Writing } from '../located.ts';
import type { ShellWord } from '../shellWords.ts';
import { unknownUnit } from '../templates.ts';
import { indentOf } from '../yaml/flagPairs.ts';
import { quotingOf } from '../yaml/scalarText.ts';
import type { Entry, YamlTree } from '../yaml/tree.ts';
import type { FoundDeployment } from './assemble.ts';
import { commandInsertion, readLaunch } from './launchText.ts';

export interface Container {
  /** From its first key to its end. */
  readonly range: OffsetRange;
  readonly scopes: readonly OffsetRange[];
  readonly commentAt?: number;
  readonly image?: string;
  /** Takes the place of the image's own program. */
  readonly program?: Entry;
  readonly arguments?: Entry;
  /** The key that `arguments` has, to be written where there is none. */
  readonly argumentsKey: string;
  readonly environment: readonly EnvironmentVariable[];
  readonly hint?: TargetHint;
  readonly unresolved?: readonly UnresolvedPart[];
  readonly interpolated: NonNullable<Writing['interpolated']>;
  /** Fills variables in. */
  fill(text: EmbeddedText): EmbeddedText;
}

interface Command {
  readonly words: readonly ShellWord[];
  readonly writing: Writing;
}

/** Undefined where it starts no engine that we know. */
export function readContainer(
  text: string,
  tree: YamlTree,
  container: Container,
): FoundDeployment | undefined {
  const program = commandOf(tree, container, container.program);
  const given = commandOf(tree, container, container.arguments);
  const image = container.image === undefined ? undefined : engineOfImage(container.image);
  const found = started(text, program, given, image, container);
  if (!found) return undefined;
  const { launch, writing, insertion } = found;
  const read = readLaunch(text, launch, writing);
  const end = Math.max(container.range.start, launch.head.end, launch.arguments.at(-1)?.range.end ?? 0);
  return {
    ...read,
    range: { start: container.range.start, end: Math.max(end, firstLineEnd(text, container.range)) },
    scopes: container.scopes,
    ...(container.commentAt === undefined ? {} : { commentAt: container.commentAt }),
    ...(insertion ? { insertion } : {}),
    environment: [...container.environment, ...(read.environment ?? [])],
    ...(image?.version && image.engine === launch.engine ? { engineVersion: image.version } : {}),
    ...(container.hint ? { hint: container.hint } : {}),
    unresolved: [...(container.unresolved ?? []), ...read.unresolved],
  };
}

interface Started {
  readonly launch: Launch;
  readonly writing: Writing;
  readonly insertion?: Insertion;
}

function started(
  text: string,
  program: Command | undefined,
  given: Command | undefined,
  image: ReturnType<typeof engineOfImage>,
  container: Container,
): Started | undefined {
  const words = [...(program?.words ?? []), ...(given?.words ?? [])];
  const writing = (given ?? program)?.writing ?? listWriting(container);
  const script = scriptOf(text, words);
  if (script) return startedByScript(text, script, container);
  const launch = findLaunch(text, words) ?? impliedLaunch(program, words, image, container);
  if (!launch) return undefined;
  const insertion = launchInsertion(text, launch, given ?? program, container, writing);
  return { launch, writing, ...(insertion ? { insertion } : {}) };
}

/** The image's own program takes the arguments; so does one that is not known, where they are vLLM's. */
function impliedLaunch(
  program: Command | undefined,
  words: readonly ShellWord[],
  image: ReturnType<typeof engineOfImage>,
  { image: imageName = '', range }: Container,
): Launch | undefined {
  if (program) return undefined;
  const unknownImage = imageName === '' || imageName.includes(unknownUnit) || (image && !image.startsEngine);
  const telling = words.some(({ value }) =>
    /^--(?:gpu[-_]memory[-_]utilization|max[-_]model[-_]len)\b/.test(value),
  );
  if (!image?.startsEngine && !(unknownImage && telling)) return undefined;
  const start = words[0]?.range.start ?? range.start;
  return {
    engine: image?.engine ?? 'vllm',
    entrypoint: 'serve',
    head: { start, end: start },
    before: [],
    arguments: words,
    positionalModel: true,
  };
}

/** `["sh", "-c", "…"]`: the script's own text. */
function scriptOf(
  text: string,
  words: readonly ShellWord[],
): { readonly script: EmbeddedText; readonly writing: Writing['quoting'] } | undefined {
  const shell = words.findIndex((word) => isProgram(text, word, /^(?:ba|da|k|z|a)?sh$/));
  const option = words.findIndex(({ value }, index) => index > shell && /^-[a-z]*c$/.test(value));
  const word = words[option + 1];
  if (shell < 0 || shell > 2 || option < 0 || !word) return undefined;
  const starts = word.offsets;
  const ends = word.item?.ends ?? starts.map((start) => start + 1);
  return { script: { value: word.value, starts, ends }, writing: word.item?.quoting ?? 'none' };
}

function startedByScript(
  text: string,
  { script, writing: quoting }: NonNullable<ReturnType<typeof scriptOf>>,
  { interpolated, environment }: Container,
): Started | undefined {
  const variables = new Map(environment.map(({ name, value }) => [name, value]));
  const writing: Writing = { style: 'shell', quoting, interpolated };
  for (const { words } of embeddedCommands(script, variables)) {
    const launch = findLaunch(text, words);
    if (launch) return { launch, writing, insertion: commandInsertion(text, launch, writing) };
  }
  return undefined;
}

function commandOf(tree: YamlTree, container: Container, entry: Entry | undefined): Command | undefined {
  const value = entry?.value;
  if (isSeq(value)) {
    const words = tree.items(value).flatMap((item) => {
      const word = isScalar(item) ? tree.word(item, (text) => container.fill(text)) : undefined;
      return word ? [word] : [];
    });
    return { words, writing: listWriting(container) };
  }
  const written = tree.text(value);
  if (!isScalar(value) || !written) return undefined;
  const filled = container.fill(written);
  // Split into words without a shell: a line end is a blank.
  const [command] = embeddedCommands({ ...filled, value: filled.value.replace(/(?<!\\)\r?\n/g, blanks) });
  const writing: Writing = {
    style: 'shell',
    quoting: quotingOf(value),
    interpolated: container.interpolated,
  };
  return { words: command?.words ?? [], writing };
}

function blanks(lineEnd: string): string {
  return ' '.repeat(lineEnd.length);
}

function listWriting({ interpolated }: Container): Writing {
  return { style: 'items', quoting: 'double', interpolated };
}

function launchInsertion(
  text: string,
  launch: Launch,
  command: Command | undefined,
  container: Container,
  writing: Writing,
): Insertion | undefined {
  const last = command?.words.at(-1);
  if (!last) return newList(text, container);
  if (writing.style === 'shell') return commandInsertion(text, launch, writing);
  return itemInsertion(text, command?.words ?? [], writing);
}

/** Behind the last item, as the items before it are parted. */
export function itemInsertion(
  text: string,
  words: readonly ShellWord[],
  writing: Writing,
): Insertion | undefined {
  const last = words.at(-1);
  if (!last) return undefined;
  const quoting = last.item?.quoting ?? writing.quoting;
  const itemWriting: Writing = {
    ...writing,
    style: 'items',
    quoting: quoting === 'block' ? 'double' : quoting,
  };
  const lineStart = text.lastIndexOf('\n', last.range.start - 1) + 1;
  const dash = /^[ \t]*(?:[^\s#"'[{][^:]*:[ \t]+)?(?=-[ \t]+$)/.exec(text.slice(lineStart, last.range.start));
  if (dash) {
    const newline = text.includes('\r\n') ? '\r\n' : '\n';
    const end = text.indexOf('\n', last.range.end);
    const lineEnd = end < 0 ? text.length : text.charAt(end - 1) === '\r' ? end - 1 : end;
    return {
      offset: lineEnd,
      writing: itemWriting,
      separator: `${newline}${indentOf(text, last.range.start)}- `,
    };
  }
  const before = words.at(-2);
  const gap = before ? text.slice(before.range.end, last.range.start) : '';
  return {
    offset: last.range.end,
    writing: itemWriting,
    separator: /^[\s\\]*,[\s\\]*$/.test(gap) ? gap : ', ',
  };
}

/** A list that is not there yet, behind the container's last line. */
function newList(text: string, { range, argumentsKey, interpolated }: Container): Insertion | undefined {
  const first = text.slice(range.start, range.end);
  const lineStart = text.lastIndexOf('\n', range.start - 1) + 1;
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  // A service's keys stand below its name, a container's beside its dash.
  const service = /^[^\s].*:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*([ \t]+)/.exec(first)?.[1];
  const indent = service ?? ' '.repeat(range.start - lineStart);
  const end = range.start + first.trimEnd().length;
  return {
    offset: end,
    writing: { style: 'items', quoting: 'double', interpolated },
    prefix: `${newline}${indent}${argumentsKey}:`,
    separator: `${newline}${indent}  - `,
  };
}

function firstLineEnd(text: string, { start }: OffsetRange): number {
  const newline = text.indexOf('\n', start);
  return start + text.slice(start, newline < 0 ? text.length : newline).trimEnd().length;
}

/** Templates that fill whole lines below one of these keys, further in than it: items that its list may get. */
export function missingItems(
  text: string,
  missing: readonly OffsetRange[],
  entries: Iterable<Entry>,
  keys: readonly string[],
): UnresolvedPart[] {
  if (missing.length === 0) return [];
  const places = [...entries]
    .map(({ key, keyRange }) => ({ key, ...keyRange }))
    .sort((a, b) => a.start - b.start);
  return places.flatMap((place, index) => {
    if (!keys.includes(place.key)) return [];
    const until = places[index + 1]?.start ?? text.length;
    const inside = missing.filter(({ start }) => start >= place.end && start < until);
    const end = inside.findIndex(({ start }) => !isBelow(text, place, start));
    return inside
      .slice(0, end < 0 ? inside.length : end)
      .map((range) => ({ text: text.slice(range.start, range.end), range, why: 'expanded-later' as const }));
  });
}

/** Whether every line from the key's to the offset's is further in than the key. */
function isBelow(text: string, key: OffsetRange, offset: number): boolean {
  const column = key.start - (text.lastIndexOf('\n', key.start - 1) + 1);
  const lines = text
    .slice(key.end, offset + 1)
    .split('\n')
    .slice(1);
  return lines.every((line) => {
    const indent = /^[ \t]*/.exec(line)?.[0].length ?? 0;
    return line.trim() === '' || indent > column || (indent === column && line.charAt(indent) === '-');
  });
}
