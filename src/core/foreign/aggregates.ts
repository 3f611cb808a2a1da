/** Figures that a tool aggregated itself, where its file has no single requests. */
import type { LoadResult, Quantiles } from '../sweep/loadResult.ts';
import { certifiedFrom } from '../sweep/statistics.ts';

export const unknownQuantiles: Quantiles = { mean: null, p50: null, p90: null, p95: null, p99: null };

export interface ForeignAggregates {
  /** The tool, as it is said beside the figures. */
  readonly tool: string;
  readonly ok: number | null;
  readonly failed: number | null;
  readonly inputTokens?: number | null;
  readonly outputTokens?: number | null;
  readonly ttftMs?: Quantiles;
  readonly tpotMs?: Quantiles;
  readonly itlMs?: Quantiles;
  readonly e2eMs?: Quantiles;
  readonly perQueryTokensPerSecond?: number | null;
  readonly systemTokensPerSecond?: number | null;
  readonly requestsPerSecond?: number | null;
  readonly inputTokensPerSecond?: number | null;
  readonly goodput?: number | null;
}

/** A percentile that the sample cannot certify is left out, as of our own runs; where the sample's size is not known, it stays. */
export function resultOfAggregates(given: ForeignAggregates): LoadResult {
  const certified = (quantiles: Quantiles | undefined) => certify(quantiles ?? unknownQuantiles, given.ok);
  return {
    aggregatedBy: given.tool,
    requests: { ok: given.ok, failed: given.failed, byKind: {} },
    tokens: { input: given.inputTokens ?? null, output: given.outputTokens ?? null },
    ttftMs: certified(given.ttftMs),
    tpotMs: certified(given.tpotMs),
    itlMs: certified(given.itlMs),
    e2eMs: certified(given.e2eMs),
    perQueryTokensPerSecond: given.perQueryTokensPerSecond ?? null,
    systemTokensPerSecond: given.systemTokensPerSecond ?? null,
    goodput: given.goodput ?? null,
    requestsPerSecond: given.requestsPerSecond ?? null,
    inputTokensPerSecond: given.inputTokensPerSecond ?? null,
    client: null,
  };
}

function certify(quantiles: Quantiles, completed: number | null): Quantiles {
  if (completed === null) return quantiles;
  const kept = (name: keyof typeof certifiedFrom) =>
    completed >= certifiedFrom[name] ? quantiles[name] : null;
  return {
    mean: completed > 0 ? quantiles.mean : null,
    p50: kept('p50'),
    p90: kept('p90'),
    p95: kept('p95'),
    p99: kept('p99'),
  };
}

/** `factor`: to milliseconds. */
export function quantilesFrom(
  of: (name: 'mean' | 'p50' | 'p90' | 'p95' | 'p99') => number | null,
  factor: number,
): Quantiles {
  const scaled = (value: number | null) => (value === null ? null : value * factor);
  return {
    mean: scaled(of('mean')),
    p50: scaled(of('p50')),
    p90: scaled(of('p90')),
    p95: scaled(of('p95')),
    p99: scaled(of('p99')),
  };
}
