/** Options of `loadline load` as a load profile. */
import { meanTokens } from '../core/sweep/load.ts';
import type {
  LengthDistribution,
  LoadBase,
  LoadProfile,
  OpenLoopProfile,
  ServiceLevel,
  TraceEntry,
} from '../core/sweep/run.ts';
import { BadInput } from './badInput.ts';
import type { ParsedOptions } from './options.ts';

export const loadOptionKinds = {
  concurrency: { type: 'string' },
  rate: { type: 'string' },
  arrivals: { type: 'string' },
  'max-concurrency': { type: 'string' },
  offline: { type: 'boolean' },
  trace: { type: 'string' },
  speed: { type: 'string' },
  ramp: { type: 'string' },
  requests: { type: 'string' },
  seconds: { type: 'string' },
  warmup: { type: 'string' },
  input: { type: 'string' },
  output: { type: 'string' },
  api: { type: 'string' },
  prompt: { type: 'string' },
  'shared-prefix': { type: 'string' },
  turns: { type: 'string' },
  think: { type: 'string' },
  seed: { type: 'string' },
  processes: { type: 'string' },
  'slo-ttft-ms': { type: 'string' },
  'slo-tpot-ms': { type: 'string' },
  'slo-tokens': { type: 'string' },
} as const;

const leastRequests = 256;
/** Of each in flight in a closed loop: fewer leave no window between start and drain. */
const rounds = 8;
/** Where time ends the load and not a count. */
const mostRequests = 1_000_000;
const defaultConcurrency = 32;
const defaultWarmup = 8;

/** `trace`: what the file of `--trace` holds. Throws BadInput. */
export function loadProfileOf(given: ParsedOptions, trace?: readonly TraceEntry[]): LoadProfile {
  const seconds = given.positive('seconds');
  const rate = given.positive('rate');
  const concurrency = given.whole('concurrency', 1);
  const offline = given.isSet('offline');
  const kinds = [rate !== undefined, concurrency !== undefined, offline, trace !== undefined];
  if (kinds.filter(Boolean).length > 1)
    throw new BadInput(
      'loadline load: --concurrency (closed loop), --rate (open loop), --trace or --offline, not two.',
    );
  for (const name of ['arrivals', 'max-concurrency'])
    if (given.text(name) !== undefined && rate === undefined)
      throw new BadInput(`--${name}: it belongs to an open loop; give --rate too.`);
  if (given.text('speed') !== undefined && trace === undefined)
    throw new BadInput('--speed: it belongs to a trace; give --trace too.');
  const isClosed = rate === undefined && !offline && trace === undefined;
  if (given.text('ramp') !== undefined && !isClosed && rate === undefined)
    throw new BadInput('--ramp: it belongs to --concurrency or --rate.');
  const base = baseOf(given, seconds, isClosed ? (concurrency ?? defaultConcurrency) : 0);
  if (trace !== undefined) return traceProfile(given, trace, base);
  if (offline) return { profile: 'offline', ...base };
  if (rate === undefined) {
    const rampSeconds = given.positive('ramp');
    return {
      profile: 'closed-loop',
      concurrency: concurrency ?? defaultConcurrency,
      ...(rampSeconds === undefined ? {} : { rampSeconds }),
      ...base,
    };
  }
  const most = given.whole('max-concurrency', 1);
  const ramp = given.text('ramp');
  return {
    profile: 'open-loop',
    requestsPerSecond: rate,
    ...arrivalsOf(given.text('arrivals') ?? 'poisson'),
    ...(most === undefined ? {} : { maxConcurrency: most }),
    ...(ramp === undefined ? {} : { ramp: rampOf(ramp) }),
    ...base,
  };
}

/** Limits that goodput counts by; null where none is given. Throws BadInput. */
export function serviceLevelOf(given: ParsedOptions): ServiceLevel | null {
  const [ttftP95Ms, tpotP95Ms] = [given.positive('slo-ttft-ms'), given.positive('slo-tpot-ms')];
  const perQueryTokensPerSecond = given.positive('slo-tokens');
  if (ttftP95Ms === undefined && tpotP95Ms === undefined && perQueryTokensPerSecond === undefined)
    return null;
  return {
    ...(ttftP95Ms === undefined ? {} : { ttftP95Ms }),
    ...(tpotP95Ms === undefined ? {} : { tpotP95Ms }),
    ...(perQueryTokensPerSecond === undefined ? {} : { perQueryTokensPerSecond }),
  };
}

/** Lengths and times are the trace's. */
function traceProfile(given: ParsedOptions, trace: readonly TraceEntry[], base: LoadBase): LoadProfile {
  for (const name of ['input', 'output', 'shared-prefix', 'turns'])
    if (given.text(name) !== undefined)
      throw new BadInput(`--${name}: a trace says that itself; leave it out.`);
  const speed = given.positive('speed');
  const lengths = (of: (entry: TraceEntry) => number): LengthDistribution => ({
    kind: 'fixed',
    tokens: Math.max(1, Math.round(meanTokens({ kind: 'empirical', values: trace.map(of) }))),
  });
  return {
    profile: 'trace',
    entries: trace,
    ...(speed === undefined || speed === 1 ? {} : { speed }),
    ...base,
    requests: given.whole('requests', 1) ?? trace.length,
    warmupRequests: given.whole('warmup', 0) ?? 0,
    input: lengths(({ inputTokens }) => inputTokens),
    output: lengths(({ outputTokens }) => outputTokens),
  };
}

/** `FROM,SECONDS` or `FROM,SECONDS,exponential`. */
function rampOf(text: string): NonNullable<OpenLoopProfile['ramp']> {
  const [, from, seconds, shape = 'linear'] =
    /^(\d+(?:\.\d+)?),(\d+(?:\.\d+)?)(?:,(linear|exponential))?$/.exec(text) ?? [];
  const [fromRequestsPerSecond, over] = [Number(from), Number(seconds)];
  if (fromRequestsPerSecond > 0 && over > 0)
    return {
      fromRequestsPerSecond,
      seconds: over,
      shape: shape === 'exponential' ? 'exponential' : 'linear',
    };
  throw new BadInput(
    `--ramp: of a rate it is FROM,SECONDS or FROM,SECONDS,exponential (FROM in requests a second), not "${text}".`,
  );
}

/** `users`: in flight of a closed loop, else 0. */
function baseOf(given: ParsedOptions, seconds: number | undefined, users: number): LoadBase {
  const api = oneOf(given, 'api', ['completions', 'chat'], 'completions');
  const prompt = oneOf(given, 'prompt', ['token-ids', 'text'], api === 'chat' ? 'text' : 'token-ids');
  if (api === 'chat' && prompt === 'token-ids')
    throw new BadInput('--prompt: the chat route takes no token ids; give text, or --api completions.');
  const prefix = given.text('shared-prefix');
  const turns = given.whole('turns', 1);
  const thinkMs = given.positive('think');
  if (thinkMs !== undefined && (turns ?? 1) < 2)
    throw new BadInput('--think: it is between the turns of a conversation; give --turns too.');
  const processes = given.whole('processes', 1);
  return {
    requests:
      given.whole('requests', 1) ??
      (seconds === undefined ? Math.max(leastRequests, rounds * users) : mostRequests),
    ...(seconds === undefined ? {} : { seconds }),
    warmupRequests: given.whole('warmup', 0) ?? (users || defaultWarmup),
    input: lengthsOf(given, 'input', 'normal:200,40'),
    output: lengthsOf(given, 'output', 'normal:100,10'),
    api,
    prompt,
    seed: given.whole('seed', 0) ?? 1,
    ...(prefix === undefined ? {} : { sharedPrefix: prefixOf(prefix) }),
    ...(turns === undefined || turns === 1
      ? {}
      : { turns: { count: turns, ...(thinkMs === undefined ? {} : { thinkMs }) } }),
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
