/** From what the load generator stamped to the figures of a cell. */
import type { LoadResult, Quantiles } from './loadResult.ts';
import type { FailureKind, GapHistogram, RequestColumns, TrialMeasurement } from './measurement.ts';
import type { ServiceLevel } from './run.ts';

/**
 * Completed requests that a percentile takes before it is printed: the early-stopping floor of MLPerf Inference at 99 % confidence
 * (mlcommons/inference_policies, "Early Stopping Criterion"). It is the least n for which at most one request beyond the percentile
 * is seen with a chance of 1 %: p^n + n (1 - p) p^(n-1) <= 0.01.
 */
export const certifiedFrom = { p50: 11, p90: 64, p95: 130, p99: 662 } as const;

const quantiles = { p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99 } as const;
const nothing: Quantiles = { mean: null, p50: null, p90: null, p95: null, p99: null };

/** Statistics of one trial. Times of failed requests do not count; the requests do, under `failed`. */
export function summariseTrial(measurement: TrialMeasurement, slo: ServiceLevel | null): LoadResult {
  const { requests, durationMs, client } = measurement;
  const completed = completedRequests(requests);
  const failures = requests.failure.filter((kind) => kind !== null);
  const outputTokens = sumOrNull(completed.map(({ output }) => output));
  const seconds = durationMs / 1000;
  return {
    requests: { ok: completed.length, failed: failures.length, byKind: counted(failures) },
    tokens: {
      input: sum(completed.map(({ input }) => input ?? 0)),
      output: sum(completed.map(({ output }) => output ?? 0)),
    },
    ttftMs: summarise(completed.flatMap(({ ttftMs }) => ttftMs ?? [])),
    tpotMs: summarise(completed.flatMap((request) => tpotOf(request) ?? [])),
    itlMs: summariseGaps(measurement.gaps, completed.length),
    e2eMs: summarise(completed.map(({ e2eMs }) => e2eMs)),
    perQueryTokensPerSecond: mean(completed.flatMap((request) => tokensPerSecondOf(request) ?? [])),
    // A count that a server did not give would pass for 0 here.
    systemTokensPerSecond:
      outputTokens === null || completed.length === 0 || seconds <= 0 ? null : outputTokens / seconds,
    goodput:
      slo === null || seconds <= 0
        ? null
        : completed.filter((request) => isGood(request, slo)).length / seconds,
    client: {
      loopLagMs: { p99: client.loopLagP99Ms },
      cpuSeconds: client.cpuSeconds,
      events: client.events,
      eventsPerSecond: client.wallSeconds > 0 ? client.events / client.wallSeconds : 0,
      bound: client.bound,
    },
  };
}

interface CompletedRequest {
  readonly ttftMs: number | null;
  readonly e2eMs: number;
  readonly input: number | null;
  readonly output: number | null;
}

function completedRequests(requests: RequestColumns): CompletedRequest[] {
  return requests.sentMs.flatMap((_, at) => {
    const e2eMs = requests.e2eMs[at] ?? null;
    if (requests.failure[at] !== null || e2eMs === null) return [];
    return [
      {
        ttftMs: requests.ttftMs[at] ?? null,
        e2eMs,
        input: requests.inputTokens[at] ?? null,
        output: requests.outputTokens[at] ?? null,
      },
    ];
  });
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
    within(request.ttftMs, slo.ttftP95Ms) &&
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
