import type { FailureKind } from './measurement.ts';

/** Milliseconds. A percentile is null where the sample is too small to certify it (see statistics.ts). */
export interface Quantiles {
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** A cell in `results.json`, and `loadline load --json`. */
export interface LoadResult {
  /** The tool whose own aggregates these figures are; left out where they were computed here, from single requests. */
  readonly aggregatedBy?: string;
  /** null: another load generator's file does not say it. */
  readonly requests: {
    readonly ok: number | null;
    readonly failed: number | null;
    readonly byKind: Readonly<Partial<Record<FailureKind, number>>>;
  };
  /** Of the completed requests; null where they were not counted. */
  readonly tokens: { readonly input: number | null; readonly output: number | null };
  /** Time to first token. */
  readonly ttftMs: Quantiles;
  /** Time per output token after the first, per request: (E2E - TTFT) / (output tokens - 1). */
  readonly tpotMs: Quantiles;
  /** Inter-token latency: gaps between stream events, over all requests. */
  readonly itlMs: Quantiles;
  readonly e2eMs: Quantiles;
  /** Mean over requests of output tokens / E2E. */
  readonly perQueryTokensPerSecond: number | null;
  /** All output tokens / duration. */
  readonly systemTokensPerSecond: number | null;
  /** Requests per second that met the SLO; null where there is no SLO. */
  readonly goodput: number | null;
  /** What the load generator says of itself; null where it says nothing. */
  readonly client: {
    readonly loopLagMs: { readonly p99: number };
    readonly cpuSeconds: number;
    readonly events: number;
    readonly eventsPerSecond: number;
    readonly bound: boolean;
  } | null;
}
