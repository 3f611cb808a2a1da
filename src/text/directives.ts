/** `# loadline: gpu=h200-sxm-141gb x2 engine=vllm@0.26.0`: what a comment says of the deployments near it. */
import { closest } from '../core/closest.ts';
import type { Target } from '../core/engine/deployment.ts';
import { engineNames, findEngine } from '../core/engine/engines.ts';
import { failure, type Result, success } from '../core/result.ts';
import type { LocatedProblem, OffsetRange } from './located.ts';

export interface NamedEngine {
  /** Folder name in core/engine. */
  readonly name: string;
  readonly version?: string;
}

export interface Directive {
  /** The comment, from `#` to the line's end. */
  readonly range: OffsetRange;
  /** The number left out where only the GPU is named. */
  readonly target?: Pick<Target, 'gpu'> & Partial<Target> & { readonly range: OffsetRange };
  readonly engine?: NamedEngine;
  /** Stands where the document names no model. Its range has the quotes. */
  readonly model?: { readonly name: string; readonly range: OffsetRange };
  readonly problems: readonly LocatedProblem[];
}

/** What holds for one deployment. */
export interface Said extends Pick<Directive, 'target' | 'model'> {
  /** Nearest first. */
  readonly engines: readonly NamedEngine[];
}

/** All directives of a document, in order. Cheap: one regular expression over the text. */
export function findDirectives(text: string): Directive[] {
  if (!text.includes('loadline:')) return [];
  // At a line's start or after a blank, as YAML and shells both take a comment.
  return [...text.matchAll(/(?<=^|[ \t])#[ \t]*loadline:([^\r\n]*)/gm)].map((match) => {
    const start = match.index;
    const end = start + match[0].length;
    return readDirective(match[1] ?? '', end - (match[1] ?? '').length, { start, end });
  });
}

function readDirective(body: string, bodyStart: number, range: OffsetRange): Directive {
  const problems: LocatedProblem[] = [];
  let gpu: { name: string; range: OffsetRange } | undefined;
  let count: { value: number; range: OffsetRange } | undefined;
  let engine: NamedEngine | undefined;
  let model: Directive['model'];
  for (const match of body.matchAll(/[^\s"']*(?:"[^"]*"|'[^']*')|[^\s"']+/g)) {
    const word = match[0];
    const place = { start: bodyStart + match.index, end: bodyStart + match.index + word.length };
    const [, key, value] = /^(\w+)=["']?(.+?)["']?$/.exec(word) ?? [];
    const copies = /^[xX×](\d{1,5})$/.exec(word)?.[1];
    if (key === 'gpu' && value) gpu = { name: value, range: place };
    else if (key === 'model' && value) {
      model = { name: value, range: { start: place.start + 'model='.length, end: place.end } };
    } else if (key === 'engine' && value) {
      const named = readEngine(value);
      if (named.ok) engine = named.value;
      else problems.push(...named.problems.map((each) => ({ ...each, range: place })));
    } else if (copies && Number(copies) > 0) count = { value: Number(copies), range: place };
    else {
      problems.push({
        code: 'directive.unknown-word',
        message: `Loadline does not understand "${word}" here: write gpu=<name>, x<number of GPUs>, engine=<name>@<version> or model=<name>.`,
        range: place,
      });
    }
  }
  if (count && !gpu) {
    problems.push({
      code: 'directive.count-without-gpu',
      message: 'The number of GPUs needs the GPU beside it: gpu=<name> x<number>.',
      range: count.range,
    });
  }
  const target = gpu && {
    gpu: gpu.name,
    ...(count ? { gpuCount: count.value } : {}),
    range: { start: gpu.range.start, end: Math.max(gpu.range.end, count?.range.end ?? 0) },
  };
  return {
    range,
    problems,
    ...(target ? { target } : {}),
    ...(engine ? { engine } : {}),
    ...(model ? { model } : {}),
  };
}

const versionPattern = /^v?\d+(?:\.[\w+-]+)*$/;

/** `static-batch`, `vllm@0.26.0`; a version alone is one of vLLM. */
function readEngine(value: string): Result<NamedEngine> {
  if (versionPattern.test(value)) return success({ name: 'vllm', version: value });
  const at = value.indexOf('@');
  const written = at < 0 ? value : value.slice(0, at);
  const version = at < 0 ? undefined : value.slice(at + 1);
  const engine = findEngine(written);
  const refuse = (message: string) => failure<NamedEngine>({ code: 'directive.unknown-engine', message });
  if (!engine) {
    const near = closest(written.toLowerCase(), engineNames());
    const hint = near === undefined ? `There is ${engineNames().join(', ')}.` : `Did you mean ${near}?`;
    return refuse(`The engine "${written}" is not known. ${hint} A version alone is one of vLLM.`);
  }
  if (version === undefined) return success({ name: engine.name });
  if (versionPattern.test(version)) return success({ name: engine.name, version });
  return refuse(
    `"${version}" is no version: write engine=${engine.name}@${engine.defaultVersion}, or engine=${engine.name} alone.`,
  );
}

/**
 * What holds for a deployment: the last directive of its own block (the lines around it up to a blank one) that does not
 * begin after its last line; where the block says nothing, the last one at the head of the file (before anything but
 * comments). Where a format has blocks of its own, `scopes` names them, nearest first. GPU, engine and
 * model are looked for one by one.
 */
export function directivesFor(
  text: string,
  directives: readonly Directive[],
  deployment: OffsetRange,
  scopes?: readonly OffsetRange[],
): Said {
  if (directives.length === 0) return { engines: [] };
  const around = scopes ?? [
    { start: blockAround(text, deployment).start, end: lineEnd(text, deployment.end) },
  ];
  const ordered = [...around, { start: 0, end: headLength(text) }].flatMap(({ start, end }) =>
    directives.filter(({ range }) => range.start >= start && range.start < end).toReversed(),
  );
  const target = ordered.find((directive) => directive.target)?.target;
  const model = ordered.find((directive) => directive.model)?.model;
  const engines = ordered.flatMap(({ engine }) => engine ?? []);
  return { ...(target ? { target } : {}), ...(model ? { model } : {}), engines };
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline;
}

function blockAround(text: string, { start, end }: OffsetRange): OffsetRange {
  let first = text.lastIndexOf('\n', start - 1) + 1;
  while (first > 0) {
    const above = first < 2 ? 0 : text.lastIndexOf('\n', first - 2) + 1;
    if (text.slice(above, first).trim() === '') break;
    first = above;
  }
  return { start: first, end: lineEnd(text, end) };
}

/** Length of the leading lines that are blank, comments or a YAML document start. */
function headLength(text: string): number {
  let at = 0;
  while (at < text.length) {
    const end = lineEnd(text, at);
    const line = text.slice(at, end).trim();
    if (line !== '' && !line.startsWith('#') && line !== '---') return at;
    at = end + 1;
  }
  return text.length;
}
