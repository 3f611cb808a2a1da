/** Options of `loadline load` as a load profile. */
import type { LengthDistribution, LoadBase, LoadProfile } from '../core/sweep/run.ts';
import { BadInput } from './badInput.ts';
import type { ParsedOptions } from './options.ts';

export const loadOptionKinds = {
  concurrency: { type: 'string' },
  rate: { type: 'string' },
  arrivals: { type: 'string' },
  'max-concurrency': { type: 'string' },
  offline: { type: 'boolean' },
  requests: { type: 'string' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  input: { type: 'string' },
  output: { type: 'string' },
  api: { type: 'string' },
  prompt: { type: 'string' },
  'shared-prefix': { type: 'string' },
  turns: { type: 'string' },
  seed: { type: 'string' },
  processes: { type: 'string' },
} as const;

const defaultRequests = 256;
/** Where time ends the load and not a count. */
const mostRequests = 1_000_000;
const defaultConcurrency = 32;
const defaultWarmup = 8;

/** Throws BadInput. */
export function loadProfileOf(given: ParsedOptions): LoadProfile {
  const seconds = given.positive('seconds');
  const rate = given.positive('rate');
  const concurrency = given.whole('concurrency', 1);
  const offline = given.isSet('offline');
  if ([rate !== undefined, concurrency !== undefined, offline].filter(Boolean).length > 1)
    throw new BadInput(
      'loadline load: --concurrency (closed loop), --rate (open loop) or --offline, not two.',
    );
  for (const name of ['arrivals', 'max-concurrency'])
    if (given.text(name) !== undefined && rate === undefined)
      throw new BadInput(`--${name}: it belongs to an open loop; give --rate too.`);
  const base = baseOf(
    given,
    seconds,
    concurrency ?? (rate === undefined ? defaultConcurrency : defaultWarmup),
  );
  if (offline) return { profile: 'offline', ...base };
  if (rate === undefined)
    return { profile: 'closed-loop', concurrency: concurrency ?? defaultConcurrency, ...base };
  const most = given.whole('max-concurrency', 1);
  return {
    profile: 'open-loop',
    requestsPerSecond: rate,
    ...arrivalsOf(given.text('arrivals') ?? 'poisson'),
    ...(most === undefined ? {} : { maxConcurrency: most }),
    ...base,
  };
}

function baseOf(given: ParsedOptions, seconds: number | undefined, warmup: number): LoadBase {
  const api = oneOf(given, 'api', ['completions', 'chat'], 'completions');
  const prompt = oneOf(given, 'prompt', ['token-ids', 'text'], api === 'chat' ? 'text' : 'token-ids');
  if (api === 'chat' && prompt === 'token-ids')
    throw new BadInput('--prompt: the chat route takes no token ids; give text, or --api completions.');
  const prefix = given.text('shared-prefix');
  const turns = given.whole('turns', 1);
  const processes = given.whole('processes', 1);
  return {
    requests: given.whole('requests', 1) ?? (seconds === undefined ? defaultRequests : mostRequests),
    ...(seconds === undefined ? {} : { seconds }),
    warmupRequests: given.whole('warmup', 0) ?? warmup,
    input: lengthsOf(given, 'input', 'normal:200,40'),
    output: lengthsOf(given, 'output', 'normal:100,10'),
    api,
    prompt,
    seed: given.whole('seed', 0) ?? 1,
    ...(prefix === undefined ? {} : { sharedPrefix: prefixOf(prefix) }),
    ...(turns === undefined || turns === 1 ? {} : { turns: { count: turns } }),
    ...(processes === undefined ? {} : { processes }),
  };
}

/** `200`, `fixed:200`, `normal:200,40`, `lognormal:200,40`, `uniform:100,300`, `empirical:120,180,300`. */
function lengthsOf(given: ParsedOptions, name: string, otherwise: string): LengthDistribution {
  const text = given.text(name) ?? otherwise;
  const [, kind = 'fixed', list = ''] = /^(?:([a-z]+):)?([\d.,]+)$/.exec(text) ?? [];
  const numbers = list.split(',').map((part) => (/^\d+(\.\d+)?$/.test(part) ? Number(part) : Number.NaN));
  const lengths = distributionOf(kind, numbers);
  if (lengths !== undefined && numbers.every((value) => value <= 2 ** 24)) return lengths;
  throw new BadInput(
    `--${name}: tokens as 200, normal:MEAN,DEVIATION, lognormal:MEAN,DEVIATION, uniform:LEAST,MOST or empirical:A,B,…, not "${text}".`,
  );
}

function distributionOf(kind: string, numbers: readonly number[]): LengthDistribution | undefined {
  const [first = Number.NaN, second = Number.NaN] = numbers;
  const counts = numbers.every((value) => Number.isInteger(value) && value >= 1);
  switch (kind) {
    case 'fixed':
      return counts && numbers.length === 1 ? { kind, tokens: first } : undefined;
    case 'normal':
    case 'lognormal':
      return numbers.length === 2 && first >= 1 && second >= 0
        ? { kind, mean: first, deviation: second }
        : undefined;
    case 'uniform':
      return counts && numbers.length === 2 && second >= first
        ? { kind, least: first, most: second }
        : undefined;
    case 'empirical':
      return counts ? { kind, values: numbers } : undefined;
    default:
      return undefined;
  }
}

/** `poisson`, `constant`, `burst`, `burst:10`, `gamma:0.5`. */
function arrivalsOf(text: string): {
  readonly arrivals: 'poisson' | 'constant' | 'gamma' | 'burst';
  readonly burstiness?: number;
} {
  const [, kind, shape] = /^(poisson|constant|gamma|burst)(?::(\d+(?:\.\d+)?))?$/.exec(text) ?? [];
  const burstiness = shape === undefined ? undefined : Number(shape);
  const takesShape = kind === 'gamma' ? burstiness !== undefined && burstiness > 0 : kind === 'burst';
  const isShape =
    burstiness === undefined ||
    (takesShape && (kind === 'gamma' || (Number.isInteger(burstiness) && burstiness >= 1)));
  if (
    (kind === 'poisson' || kind === 'constant' || kind === 'burst' || (kind === 'gamma' && takesShape)) &&
    isShape
  )
    return { arrivals: kind, ...(burstiness === undefined ? {} : { burstiness }) };
  throw new BadInput(
    `--arrivals: poisson, constant, gamma:SHAPE (1 is Poisson, less is burstier), burst or burst:SIZE, not "${text}".`,
  );
}

/** `TOKENS` or `TOKENS,GROUPS`. */
function prefixOf(text: string): { readonly tokens: number; readonly groups: number } {
  const [, tokens, groups = '1'] = /^(\d+)(?:,(\d+))?$/.exec(text) ?? [];
  if (tokens !== undefined && Number(tokens) >= 1 && Number(groups) >= 1 && Number(tokens) <= 2 ** 24)
    return { tokens: Number(tokens), groups: Number(groups) };
  throw new BadInput(`--shared-prefix: TOKENS or TOKENS,GROUPS, not "${text}".`);
}

function oneOf<Choice extends string>(
  given: ParsedOptions,
  name: string,
  choices: readonly Choice[],
  otherwise: Choice,
): Choice {
  const text = given.text(name);
  if (text === undefined) return otherwise;
  const choice = choices.find((one) => one === text);
  if (choice === undefined) throw new BadInput(`--${name}: ${choices.join(' or ')}, not "${text}".`);
  return choice;
}
