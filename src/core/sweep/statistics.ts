/** From what the load generator stamped to the figures of a cell. */
import { batchCount, batchMeansError } from './batchMeans.ts';
import { trialChecks } from './checks.ts';
import type {
  BatchMeansError,
  EngineShare,
  IntervalMetric,
  LoadResult,
  MeasuringWindow,
  Quantiles,
} from './loadResult.ts';
import type { FailureKind, GapHistogram, RequestColumns, TrialMeasurement } from './measurement.ts';
import { median } from './repeats.ts';
import type { LoadProfile, ServiceLevel } from './run.ts';
import { batchRates, requestFlow } from './tokenFlow.ts';
import { type MeasuredWindow, measuredWindow } from './window.ts';

/**
 * Completed requests that a percentile takes before it is printed: the early-stopping floor of MLPerf Inference at 99 % confidence
 * (mlcommons/inference_policies, "Early Stopping Criterion"). It is the least n for which at most one request beyond the percentile
 * is seen with a chance of 1 %: p^n + n (1 - p) p^(n-1) <= 0.01.
 */
export const certifiedFrom = { p50: 11, p90: 64, p95: 130, p99: 662 } as const;

const quantiles = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const;
const nothing: Quantiles = { mean: null, p50: null, p90: null, p95: null, p99: null };

/**
 * Statistics of one trial. Times of failed requests do not count; the requests do, under `failed`. Where the trial has a window, times are
 * of the requests sent in it and tokens of those that came in it; counts are of the whole trial. `load`: what was asked for; left out:
 * a closed loop of the measured concurrency.
 */
export function summariseTrial(
  measurement: TrialMeasurement,
  slo: ServiceLevel | null,
  load?: LoadProfile,
): LoadResult {
  const { requests, durationMs, client } = measurement;
  const measured = measuredWindow(measurement, load?.profile ?? 'closed-loop');
  const completed = completedRequests(requests);
  const counting =
    measured === null ? completed : completed.filter(({ sentMs }) => sentMs >= measured.window.fromMs);
  const failures = requests.failure.filter((kind) => kind !== null);
  const seconds = durationMs / 1000;
  const throughput = measured === null ? overall(completed, seconds) : inWindow(measured, completed);
  // All of an offline batch is due at once: what waits there waits for the engine.
  const queueing = load?.profile === 'offline' ? {} : scheduled(counting);
  const errors = measured === null ? {} : batchErrors(measured, counting);
  const { systemTokensPerSecond: systemError } = errors;
  const perEngine = engineShares(requests, completed, measured?.window ?? { fromMs: 0, toMs: durationMs });
  return {
    requests: { ok: completed.length, failed: failures.length, byKind: counted(failures) },
    tokens: {
      input: sum(completed.map(({ input }) => input ?? 0)),
      output: sum(completed.map(({ output }) => output ?? 0)),
    },
    ttftMs: summarise(counting.flatMap(({ ttftMs }) => ttftMs ?? [])),
    tpotMs: summarise(counting.flatMap((request) => tpotOf(request) ?? [])),
    itlMs: summariseGaps(measurement.gaps, completed.length),
    e2eMs: summarise(counting.map(({ e2eMs }) => e2eMs)),
    perQueryTokensPerSecond: mean(counting.flatMap((request) => tokensPerSecondOf(request) ?? [])),
    p95HighMs: {
      ttft: upperP95(
        counting.flatMap(({ ttftMs, delayMs }) => (ttftMs === null ? [] : [ttftMs + (delayMs ?? 0)])),
      ),
      tpot: upperP95(counting.flatMap((request) => tpotOf(request) ?? [])),
    },
    ...throughput,
    goodput: slo === null ? null : goodRate(counting, slo, throughput.requestsPerSecond ?? null),
    client: {
      loopLagMs: { p99: client.loopLagP99Ms },
      cpuSeconds: client.cpuSeconds,
      events: client.events,
      eventsPerSecond: client.wallSeconds > 0 ? client.events / client.wallSeconds : 0,
      bound: client.bound,
      ...(client.boundBecause === undefined ? {} : { boundBecause: client.boundBecause }),
    },
    startedWallMs: measurement.startedWallMs,
    durationMs,
    overallTokensPerSecond: overall(completed, seconds).systemTokensPerSecond,
    tokensPerChunk: tokensPerChunk(requests),
    ...queueing,
    ...(perEngine.length > 1 ? { perEngine } : {}),
    ...(measured === null ? {} : { window: measured.window }),
    ...(systemError === undefined ? {} : { systemTokensPerSecondError: systemError }),
    ...(Object.keys(errors).length === 0 ? {} : { errors }),
    checks: trialChecks({ measurement, load, measured }),
  };
}

interface CompletedRequest {
  readonly sentMs: number;
  /** Sending after it was due; null where nothing was scheduled. */
  readonly delayMs: number | null;
  readonly engine: number | null;
  readonly ttftMs: number | null;
  readonly e2eMs: number;
  readonly input: number | null;
  readonly output: number | null;
}

function completedRequests(requests: RequestColumns): CompletedRequest[] {
  return requests.sentMs.flatMap((sentMs, at) => {
    const e2eMs = requests.e2eMs[at] ?? null;
    if (requests.failure[at] !== null || e2eMs === null) return [];
    const due = requests.scheduledMs?.[at];
    return [
      {
        sentMs,
        delayMs: due === undefined ? null : Math.max(0, sentMs - due),
        engine: requests.engine?.[at] ?? null,
        ttftMs: requests.ttftMs[at] ?? null,
        e2eMs,
        input: requests.inputTokens[at] ?? null,
        output: requests.outputTokens[at] ?? null,
      },
    ];
  });
}

type Throughput = Pick<LoadResult, 'systemTokensPerSecond' | 'inputTokensPerSecond' | 'requestsPerSecond'>;

/** A count that a server did not give would pass for 0 here. */
function overall(completed: readonly CompletedRequest[], seconds: number): Throughput {
  const per = (total: number | null) =>
    total === null || completed.length === 0 || seconds <= 0 ? null : total / seconds;
  return {
    systemTokensPerSecond: per(sumOrNull(completed.map(({ output }) => output))),
    inputTokensPerSecond: per(sumOrNull(completed.map(({ input }) => input))),
    requestsPerSecond: per(completed.length),
  };
}

/**
 * Output tokens by when they came; requests, and their prompts, by the part of their time that lies in the window: of waves that end
 * together it would else depend on its edges whether one more is counted.
 */
function inWindow({ window, flow }: MeasuredWindow, completed: readonly CompletedRequest[]): Throughput {
  const { fromMs, toMs } = window;
  const seconds = (toMs - fromMs) / 1000;
  const isCounted = completed.every(({ output }) => output !== null);
  let [requests, prompts] = [0, 0];
  for (const { sentMs, e2eMs, input } of completed) {
    const within = Math.max(0, Math.min(toMs, sentMs + e2eMs) - Math.max(fromMs, sentMs));
    const share = e2eMs > 0 ? within / e2eMs : Number(sentMs >= fromMs && sentMs < toMs);
    requests += share;
    prompts += share * (input ?? Number.NaN);
  }
  return {
    systemTokensPerSecond: isCounted ? (flow.before(toMs) - flow.before(fromMs)) / seconds : null,
    inputTokensPerSecond: Number.isNaN(prompts) ? null : prompts / seconds,
    requestsPerSecond: requests / seconds,
  };
}

/** What a schedule that could not be kept adds to each time; nothing where there was no schedule. */
function scheduled(
  completed: readonly CompletedRequest[],
): Pick<LoadResult, 'queueDelayMs' | 'ttftFromScheduleMs' | 'e2eFromScheduleMs'> {
  if (!completed.some(({ delayMs }) => delayMs !== null)) return {};
  const with_ = (of: (request: CompletedRequest) => number | null) =>
    summarise(
      completed.flatMap((request) => {
        const value = of(request);
        return value === null || request.delayMs === null ? [] : [value + request.delayMs];
      }),
    );
  return {
    queueDelayMs: with_(() => 0),
    ttftFromScheduleMs: with_(({ ttftMs }) => ttftMs),
    e2eFromScheduleMs: with_(({ e2eMs }) => e2eMs),
  };
}

/** Errors by batches over the window: of throughput by time, of the others by the requests sent in each batch. */
function batchErrors(
  { window, flow, meanE2eMs }: MeasuredWindow,
  completed: readonly CompletedRequest[],
): Partial<Record<IntervalMetric, BatchMeansError>> {
  const { fromMs, toMs } = window;
  const count = batchCount(toMs - fromMs, meanE2eMs);
  if (count === null) return {};
  const batches: CompletedRequest[][] = Array.from({ length: count }, () => []);
  for (const request of completed) {
    const at = Math.floor(((request.sentMs - fromMs) / (toMs - fromMs)) * count);
    batches[Math.min(count - 1, Math.max(0, at))]?.push(request);
  }
  const of = (
    pick: (request: CompletedRequest) => number | null,
    middle: (values: number[]) => number | null,
  ) => batchMeansError(batches.flatMap((batch) => middle(batch.flatMap((one) => pick(one) ?? [])) ?? []));
  const medianOrNull = (values: number[]) => (values.length === 0 ? null : median(values));
  const isCounted = completed.every(({ output }) => output !== null);
  const found: readonly (readonly [IntervalMetric, BatchMeansError | undefined])[] = [
    ['systemTokensPerSecond', isCounted ? batchMeansError(batchRates(flow, fromMs, toMs, count)) : undefined],
    ['perQueryTokensPerSecond', of(tokensPerSecondOf, mean)],
    ['ttftP50Ms', of(({ ttftMs }) => ttftMs, medianOrNull)],
    ['tpotP50Ms', of(tpotOf, medianOrNull)],
  ];
  return Object.fromEntries(found.filter(([, error]) => error !== undefined));
}

/** Of copies that share the load: who did how much of it. Empty where all was served by one. */
function engineShares(
  requests: RequestColumns,
  completed: readonly CompletedRequest[],
  { fromMs, toMs }: Pick<MeasuringWindow, 'fromMs' | 'toMs'>,
): EngineShare[] {
  const engines = [...new Set(completed.flatMap(({ engine }) => engine ?? []))].sort((a, b) => a - b);
  return engines.map((engine) => {
    const own = completed.filter((request) => request.engine === engine);
    const flow = requestFlow(requests, engine);
    const isCounted = own.every(({ output }) => output !== null) && toMs > fromMs;
    return {
      engine,
      requests: own.length,
      systemTokensPerSecond: isCounted
        ? (1000 * (flow.before(toMs) - flow.before(fromMs))) / (toMs - fromMs)
        : null,
      ttftP50Ms: summarise(own.flatMap(({ ttftMs }) => ttftMs ?? [])).p50,
    };
  });
}

/** Requests per second that met the service level: their share of those that count, of the rate at which requests ended. */
function goodRate(
  counting: readonly CompletedRequest[],
  slo: ServiceLevel,
  requestsPerSecond: number | null,
): number | null {
  if (requestsPerSecond === null) return null;
  const good = counting.filter((request) => isGood(request, slo)).length;
  return (requestsPerSecond * good) / Math.max(1, counting.length);
}

/** (E2E - TTFT) / (output tokens - 1); null for a single token or an uncounted answer. */
function tpotOf({ ttftMs, e2eMs, output }: CompletedRequest): number | null {
  return ttftMs === null || output === null || output < 2 ? null : (e2eMs - ttftMs) / (output - 1);
}

function tokensPerSecondOf({ e2eMs, output }: CompletedRequest): number | null {
  return output === null || e2eMs <= 0 ? null : (1000 * output) / e2eMs;
}

/** A request that met every limit of the service level by itself. What is not known is not met. */
function isGood(request: CompletedRequest, slo: ServiceLevel): boolean {
  const within = (value: number | null, limit: number | undefined) =>
    limit === undefined || (value !== null && value <= limit);
  const rate = tokensPerSecondOf(request);
  return (
    // Whoever waits for an answer waits from when it was due.
    within(request.ttftMs === null ? null : request.ttftMs + (request.delayMs ?? 0), slo.ttftP95Ms) &&
    // One token has no time between tokens to be late in.
    (within(tpotOf(request), slo.tpotP95Ms) || (request.output ?? 0) === 1) &&
    (slo.perQueryTokensPerSecond === undefined || (rate !== null && rate >= slo.perQueryTokensPerSecond))
  );
}

/** Mean and certified percentiles of a sample. */
export function summarise(sample: readonly number[]): Quantiles {
  if (sample.length === 0) return nothing;
  const sorted = Float64Array.from(sample).sort();
  const at = (name: keyof typeof quantiles) =>
    sample.length >= certifiedFrom[name] ? nearestRank(sorted, quantiles[name]) : null;
  return { mean: mean(sample), p50: at('p50'), p90: at('p90'), p95: at('p95'), p99: at('p99') };
}

/**
 * Upper end of a one-sided 95 % interval of the 95th percentile, by order statistics: the smallest value that so many of the sample do not
 * exceed as would exceed the true percentile with a chance of 5 % at most. Null below 59 values, where none is.
 */
export function upperP95(sample: readonly number[]): number | null {
  const n = sample.length;
  const [p, chance] = [0.95, 0.05];
  // Chance that exactly k of n are below the true percentile, from k = n downwards: by its logarithm, for 0.95^15000 is no double.
  let logExactly = n * Math.log(p);
  let sum = Math.exp(logExactly);
  if (sum > chance) return null;
  let rank = n;
  for (let k = n; k > 1; k--) {
    logExactly += Math.log((k / (n - k + 1)) * ((1 - p) / p));
    sum += Math.exp(logExactly);
    if (sum > chance) break;
    rank = k - 1;
  }
  return Float64Array.from(sample).sort()[rank - 1] ?? null;
}

/** The smallest value that at least a share `p` of the sample does not exceed: always a value that was measured. */
function nearestRank(sorted: Float64Array, p: number): number | null {
  return sorted[rankOf(sorted.length, p) - 1] ?? null;
}

/** Rank from 1. The share is taken down a hair, so that 0.95 x 140 is 133 whatever its last binary digit. */
function rankOf(count: number, p: number): number {
  return Math.min(count, Math.max(1, Math.ceil(p * count - 1e-9)));
}

/**
 * Percentiles over all gaps between stream events. Gaps of one request are not independent of each other, so completed requests are
 * what certifies them. Each value is off by half a bucket at most.
 */
export function summariseGaps(gaps: GapHistogram, completedRequests: number): Quantiles {
  const total = sum(gaps.counts.map(([, count]) => count));
  if (total === 0) return nothing;
  const at = (name: keyof typeof quantiles): number | null => {
    if (completedRequests < certifiedFrom[name]) return null;
    let rank = rankOf(total, quantiles[name]);
    for (const [bucket, count] of gaps.counts) {
      rank -= count;
      if (rank <= 0) return bucketMiddleMs(gaps, bucket);
    }
    return null;
  };
  const weighted = sum(gaps.counts.map(([bucket, count]) => count * bucketMiddleMs(gaps, bucket)));
  return { mean: weighted / total, p50: at('p50'), p90: at('p90'), p95: at('p95'), p99: at('p99') };
}

/** The middle in the logarithm: equally far from both ends in ratio. */
export function bucketMiddleMs({ minMs, ratio }: GapHistogram, bucket: number): number {
  return minMs * ratio ** (bucket + 0.5);
}

/** Of the requests that ended well; null where a server counted none of them. */
function tokensPerChunk({ outputTokens, chunks, failure }: RequestColumns): number | null {
  let [tokens, events] = [0, 0];
  for (const [at, kind] of failure.entries()) {
    const output = outputTokens[at] ?? null;
    if (kind !== null || output === null) continue;
    tokens += output;
    events += chunks[at] ?? 0;
  }
  return events > 0 && tokens > 0 ? tokens / events : null;
}

function counted(failures: readonly FailureKind[]): Partial<Record<FailureKind, number>> {
  const byKind: Partial<Record<FailureKind, number>> = {};
  for (const kind of failures) byKind[kind] = (byKind[kind] ?? 0) + 1;
  return byKind;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function sumOrNull(values: readonly (number | null)[]): number | null {
  return values.some((value) => value === null) ? null : sum(values.map((value) => value ?? 0));
}

function mean(values: readonly number[]): number | null {
  return values.length === 0 ? null : sum(values) / values.length;
}
