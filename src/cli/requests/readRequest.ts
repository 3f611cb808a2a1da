/** One line of `loadline fit --requests`: the options as keys -> a deployment and what it is to run on. */
import { closest } from '../../core/closest.ts';
import { closestDeviceName, findDevice } from '../../core/device/catalogue.ts';
import type { Device } from '../../core/device/device.ts';
import type { Deployment, FlagValue } from '../../core/engine/deployment.ts';
import { engineNames, findEngine } from '../../core/engine/engines.ts';
import type { EstimateLoad } from '../../core/estimate/types.ts';
import { failure, type Problem, type Result, success } from '../../core/result.ts';
import type { OffsetRange } from '../../text/located.ts';
import { readFlags, type WrittenFlag } from '../../text/writtenFlags.ts';

/** A request as it can be estimated, its model still to be looked for. */
export interface FitRequest {
  readonly deployment: Deployment;
  readonly device: Device;
  readonly gpuCount: number;
  readonly load: EstimateLoad | undefined;
  readonly weightsBytes: number | undefined;
  readonly cudaTotalBytes: number | undefined;
  /** A config.json that stands in the request itself. */
  readonly config: unknown;
}

const texts = ['model', 'gpu', 'engine', 'engine-version', 'entrypoint'] as const;
const counts = ['gpu-count', 'batch', 'input', 'output', 'weights-bytes', 'cuda-total-bytes'] as const;
const known: readonly string[] = [...texts, ...counts, 'set', 'config'];

/** Values by the names of the command line's options; a line's own stand over them. */
export type RequestDefaults = Readonly<Record<string, unknown>>;

/** The object of a line. Problems: `request.…`, `gpu.unknown`, `engine.not-covered`, and those of flags. */
export function readRequest(document: unknown, defaults: RequestDefaults): Result<FitRequest> {
  if (typeof document !== 'object' || document === null || Array.isArray(document)) {
    return problem('request.not-an-object', 'A request is an object: {"model": …, "gpu": …}.');
  }
  const values = new Map(Object.entries(defaults).filter(([, value]) => value !== undefined));
  const written = new Set<string>();
  for (const [key, value] of Object.entries(document)) {
    const name = optionName(key);
    if (!known.includes(name)) {
      const near = closest(name, known);
      return problem(
        'request.unknown-key',
        `There is no option "${key.slice(0, 80)}". ${near === undefined ? `There is ${known.join(', ')}.` : `Did you mean ${near}?`}`,
        key,
      );
    }
    if (written.has(name)) return problem('request.duplicate-key', `${name} is given twice.`, key);
    written.add(name);
    // JSON's nothing leaves the default.
    if (value !== null) values.set(name, value);
  }
  return readValues(values);
}

function readValues(values: ReadonlyMap<string, unknown>): Result<FitRequest> {
  for (const name of texts) {
    const value = values.get(name);
    if (value !== undefined && (typeof value !== 'string' || value.trim() === '')) {
      return problem('request.bad-value', `${name}: a text, not ${shown(value)}.`, name);
    }
  }
  const text = (name: (typeof texts)[number]) => values.get(name) as string | undefined;
  const numbers = new Map<string, number>();
  for (const name of counts) {
    const value = values.get(name);
    if (value === undefined) continue;
    const number = typeof value === 'string' && /^\d+$/.test(value) ? Number(value) : value;
    if (typeof number !== 'number' || !Number.isSafeInteger(number) || number < 1) {
      return problem(
        'request.bad-value',
        `${name}: a whole number of at least 1, not ${shown(value)}.`,
        name,
      );
    }
    numbers.set(name, number);
  }
  const config = values.get('config');
  const model = text('model');
  if (model === undefined && config === undefined) {
    return problem('request.no-model', 'model is missing: a folder, config.json, known name or hub id.');
  }
  const gpu = text('gpu');
  if (gpu === undefined)
    return problem('gpu.not-chosen', 'gpu is missing: the GPU that the model is to fit.');
  const device = findDevice(gpu);
  if (device === undefined) {
    const near = closestDeviceName(gpu);
    return problem(
      'gpu.unknown',
      `The GPU ${shown(gpu)} is not known.${near === undefined ? '' : ` Did you mean ${near}?`}`,
      'gpu',
    );
  }
  const engine = findEngine(text('engine') ?? 'vllm');
  if (engine === undefined) {
    return problem(
      'engine.not-covered',
      `The engine ${shown(text('engine'))} is not covered; there is ${engineNames().join(', ')}.`,
      'engine',
    );
  }
  const entrypoint = text('entrypoint') ?? 'serve';
  if (entrypoint !== 'serve' && entrypoint !== 'llm') {
    return problem('request.bad-value', `entrypoint: serve or llm, not ${shown(entrypoint)}.`, 'entrypoint');
  }
  const flags = readSet(values.get('set'), engine.name);
  if (!flags.ok) return flags;
  const engineVersion = text('engine-version');
  return success({
    deployment: {
      engine: engine.name,
      entrypoint,
      ...(model === undefined ? {} : { model }),
      ...(engineVersion === undefined ? {} : { engineVersion }),
      flags: flags.value,
    },
    device,
    gpuCount: numbers.get('gpu-count') ?? 1,
    load: loadOf(numbers),
    weightsBytes: numbers.get('weights-bytes'),
    cudaTotalBytes: numbers.get('cuda-total-bytes'),
    config,
  });
}

function loadOf(numbers: ReadonlyMap<string, number>): EstimateLoad | undefined {
  const [batch, input, output] = ['batch', 'input', 'output'].map((name) => numbers.get(name));
  if (batch === undefined && input === undefined && output === undefined) return undefined;
  return { batch: batch ?? 1, inputTokens: input ?? 1024, outputTokens: output ?? 128 };
}

const nowhere: OffsetRange = { start: 0, end: 0 };

/** `{"max-model-len": 8192, "enforce-eager": true}`, or `["max-model-len=8192", "enforce-eager"]` as on a command line. */
function readSet(set: unknown, engineName: string): Result<Readonly<Record<string, FlagValue>>> {
  if (set === undefined) return success({});
  if (typeof set !== 'object' || set === null) {
    return problem('request.bad-value', `set: an object of flags, not ${shown(set)}.`, 'set');
  }
  const entries: (readonly [string, unknown])[] = Array.isArray(set)
    ? set.map((item) => {
        const [name = '', ...rest] = String(item).split('=');
        return [name, rest.length === 0 ? true : rest.join('=')];
      })
    : Object.entries(set);
  const written: WrittenFlag[] = [];
  for (const [name, value] of entries) {
    if (name.replace(/^-+/, '') === '')
      return problem('request.bad-value', 'set: a flag has no name.', 'set');
    written.push({
      name: name.replace(/^-+/, ''),
      key: nowhere,
      whole: nowhere,
      writing: { style: 'shell', quoting: 'none' },
      values: flagValues(value),
    });
  }
  const { flags, problems } = readFlags(findEngine(engineName), written, '');
  const [first] = problems;
  return first === undefined ? success(flags) : problem(first.code, first.message, 'set');
}

function flagValues(value: unknown): WrittenFlag['values'] {
  if (typeof value === 'boolean' || value === null) return value;
  if (Array.isArray(value)) return value.map(wordOf);
  return [wordOf(value)];
}

function wordOf(value: unknown): string {
  return typeof value === 'object' ? JSON.stringify(value) : String(value);
}

/** `gpuCount` and `gpu_count` are the option `gpu-count`. */
function optionName(key: string): string {
  return key
    .replace(/^--/, '')
    .replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)
    .replaceAll('_', '-');
}

function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 80 ? `${text.slice(0, 77)}…` : text;
}

function problem<T>(code: string, message: string, key?: string): Result<T> {
  const found: Problem = { code, message, ...(key === undefined ? {} : { path: [key] }) };
  return failure(found);
}
