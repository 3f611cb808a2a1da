/**
 * `config.pbtxt` of a model in Triton. Of its vLLM backend the engine's arguments stand in `model.json` beside it; a model of the
 * python backend is the user's own program, and a comment says its engine and its model.
 */
import type { Engine } from '../../core/engine/engine.ts';
import { findEngine } from '../../core/engine/engines.ts';
import { type Directive, directivesFor, findDirectives } from '../directives.ts';
import { modelOptions, truthOf } from '../launch/ownOptions.ts';
import { hasNoProgram, namesOwnProgram } from '../launch/ownProgram.ts';
import type { DocumentDeployments, LocatedDeployment, OffsetRange, TargetHint, Writing } from '../located.ts';
import { readFlagName, type WrittenFlag } from '../writtenFlags.ts';
import { assembleDeployment, directiveProblems, type FoundDeployment, type FoundModel } from './assemble.ts';
import { type DocumentSource, extensionOf, headLength } from './source.ts';

const backend = /^[ \t]*backend[ \t]*:[ \t]*(["'])(vllm|python)\1/m;

export const tritonConfig: DocumentSource = {
  name: 'triton-config',
  recognises({ path }, text) {
    if (extensionOf(path) !== 'pbtxt') return false;
    const [, , name] = backend.exec(text.slice(0, headLength)) ?? [];
    return name === 'vllm' || (name === 'python' && namesOwnProgram(text));
  },
  read: readTritonConfig,
};

function readTritonConfig(text: string): DocumentDeployments {
  const directives = findDirectives(text);
  const plain = withoutComments(text);
  const match = backend.exec(plain);
  const problems = directiveProblems(directives);
  if (!match) return { deployments: [], problems };
  const start = match.index + (/^[ \t]*/.exec(match[0])?.[0].length ?? 0);
  const range = { start, end: match.index + match[0].length };
  const place = { range, scopes: [{ start: 0, end: text.length }], commentAt: match.index };
  const deployment =
    match[2] === 'vllm'
      ? readVllm(text, plain, directives, place)
      : readPython(text, plain, directives, place);
  return { deployments: deployment ? [deployment] : [], problems };
}

type Place = Required<Pick<FoundDeployment, 'range' | 'scopes' | 'commentAt'>>;

function readVllm(
  text: string,
  plain: string,
  directives: readonly Directive[],
  place: Place,
): LocatedDeployment {
  const hint = gpusOf(plain.slice(0, headLength));
  return assembleDeployment(text, directives, {
    ...place,
    entrypoint: 'serve',
    written: [],
    ...(hint ? { hint } : {}),
    unresolved: [{ text: '1/model.json', range: place.range, why: 'other-file' }],
  });
}

/** Undefined where no comment names an engine for it. */
function readPython(
  text: string,
  plain: string,
  directives: readonly Directive[],
  place: Place,
): LocatedDeployment | undefined {
  const [named] = directivesFor(text, directives, place.range, place.scopes).engines;
  const engine = named && hasNoProgram(named) ? findEngine(named.name) : undefined;
  if (!engine) return undefined;
  const parameters = parametersOf(plain);
  const model = parameters.find(({ name }) => modelOptions.test(name.replaceAll('_', '-')));
  const hint = gpusOf(plain.slice(0, headLength));
  const written = [...batchOf(plain), ...parameters.flatMap((each) => optionOf(engine, each) ?? [])];
  const located = assembleDeployment(text, directives, {
    ...place,
    engine: engine.name,
    entrypoint: 'serve',
    ...(model ? { model: modelOf(model) } : {}),
    range: around([place.range, ...written.map(({ whole }) => whole)]),
    written,
    ...(hint ? { hint } : {}),
    unresolved: [],
  });
  const copies = copiesOf(plain);
  return copies ? { ...located, problems: [...located.problems, copies] } : located;
}

/** A scalar in place: the text between the quotes where it has some. */
const writing: Writing = { style: 'yaml', quoting: 'none' };

/** `max_batch_size: 8`; 0 is a model that takes one request at a time. */
function batchOf(plain: string): WrittenFlag[] {
  const match = /^([ \t]*)(max_batch_size)([ \t]*:[ \t]*)(\d+)/m.exec(plain);
  const [, indent = '', name = '', colon = '', digits = ''] = match ?? [];
  if (!match) return [];
  const start = match.index + indent.length;
  const key = { start, end: start + name.length };
  const valueRange = { start: key.end + colon.length, end: key.end + colon.length + digits.length };
  const whole = { start, end: valueRange.end };
  return [{ name, key, valueRange, whole, writing, values: [/^0+$/.test(digits) ? '1' : digits] }];
}

type Parameter = WrittenFlag & { readonly valueRange: OffsetRange; readonly values: readonly string[] };

/** `parameters { key: "max_new_tokens" value: { string_value: "64" } }`: what the backend hands to the user's program. */
function parametersOf(plain: string): Parameter[] {
  const pattern =
    /\bparameters\s*:?\s*\{\s*key\s*:\s*"([^"\n]*)"\s*,?\s*value\s*:?\s*\{\s*string_value\s*:\s*"([^"\n\\]*)"\s*\}\s*\}/dg;
  return [...plain.matchAll(pattern)].flatMap((match) => {
    const [, name = '', value = ''] = match;
    const [whole, key, valueAt] = match.indices ?? [];
    if (!whole || !key || !valueAt) return [];
    return [
      {
        name,
        key: rangeOf(key),
        valueRange: rangeOf(valueAt),
        whole: rangeOf(whole),
        writing,
        values: [value],
      },
    ];
  });
}

/** Undefined where the parameter is between the user and the program. */
function optionOf(engine: Engine, parameter: Parameter): WrittenFlag | undefined {
  const { definition } = readFlagName(engine, parameter.name);
  if (!definition) return undefined;
  const truth = definition.kind === 'switch' ? truthOf(parameter.values) : undefined;
  return { ...parameter, values: truth ?? parameter.values };
}

function around(ranges: readonly OffsetRange[]): OffsetRange {
  return {
    start: Math.min(...ranges.map(({ start }) => start)),
    end: Math.max(...ranges.map(({ end }) => end)),
  };
}

function rangeOf([start, end]: readonly [number, number]): OffsetRange {
  return { start, end };
}

function modelOf({ valueRange, values }: Parameter): FoundModel {
  const [value] = values;
  return { range: valueRange, writing, ...(value === undefined ? {} : { value }) };
}

/** `instance_group [{ count: 2 }]`: copies on each of its GPUs, of which the estimate is of one. */
function copiesOf(plain: string) {
  const match = /\binstance_group\b[^\]]*?\b(count\s*:\s*)(\d+)/.exec(plain);
  const [whole = '', key = '', digits = ''] = match ?? [];
  const count = Number(digits);
  if (!match || count < 2) return undefined;
  const end = match.index + whole.length;
  return {
    code: 'triton.instances',
    message: `${count} instances run on each GPU, and each holds the model and a batch of its own: what is estimated is one of them.`,
    range: { start: end - key.length - digits.length, end },
  };
}

/** Comments as blanks of the same length. Quotes hide a `#`. */
function withoutComments(text: string): string {
  return text.replace(/"(?:[^"\\\n]|\\.)*"|'(?:[^'\\\n]|\\.)*'|#[^\n]*/g, (part) =>
    part.startsWith('#') ? part.replace(/[^\r]/g, ' ') : part,
  );
}

/** `gpus: [ 0, 1 ]` of an instance group, or the backend's own GPU_DEVICE_IDS: what one engine gets. */
function gpusOf(text: string): TargetHint | undefined {
  const ids =
    /key[ \t]*:[ \t]*"GPU_DEVICE_IDS"\s*,?\s*value\s*:?\s*\{\s*string_value[ \t]*:[ \t]*"([\d, ]+)"/.exec(
      text,
    );
  // KIND_GPU starts one engine on each of its GPUs.
  const group = /\binstance_group\b[^\]]*?\bgpus\s*:?\s*\[([\d,\s]+)\]/.exec(text);
  const kindGpu = /\bkind\s*:\s*KIND_GPU\b/.test(text);
  const match = ids ?? group;
  if (!match) return undefined;
  const count = !ids && kindGpu ? 1 : (match[1] ?? '').split(',').filter((id) => id.trim() !== '').length;
  const range: OffsetRange = { start: match.index, end: match.index + match[0].length };
  return count > 0 ? { gpuCount: { count, range } } : undefined;
}
