import type { FailureKind } from './measurement.ts';

/** Milliseconds. A percentile is null where the sample is too small to certify it (see statistics.ts). */
export interface Quantiles {
  readonly mean: number | null;
  readonly p50: number | null;
  readonly p90: number | null;
  readonly p95: number | null;
  readonly p99: number | null;
}

/** A cell in `results.json`, and `loadline load --json`. Fields that a later version added may be missing from older files. */
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
  /**
   * Output tokens, of requests that ended well, whose time lies in the window / its length; of the whole duration where there is no
   * window.
   */
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
    /** What makes it so, in words. */
    readonly boundBecause?: readonly string[];
  } | null;
  readonly startedWallMs?: number;
  readonly durationMs?: number;
  /** Requests that ended well, by the part of their time that lies in the window, / its length. */
  readonly requestsPerSecond?: number | null;
  readonly inputTokensPerSecond?: number | null;
  /** All output tokens / the whole duration, start and drain included: what other tools print. */
  readonly overallTokensPerSecond?: number | null;
  /** Output tokens per stream event: above 1 the gaps between events are not those between tokens. */
  readonly tokensPerChunk?: number | null;
  /** From when a request was due to when it was sent: what a schedule that was not kept hides (coordinated omission). */
  readonly queueDelayMs?: Quantiles;
  readonly ttftFromScheduleMs?: Quantiles;
  readonly e2eFromScheduleMs?: Quantiles;
  /**
   * What the p95 is surely not above (95 %, of requests that were independent of each other), of the TTFT that users wait for and of
   * TPOT; null where the sample is too small.
   */
  readonly p95HighMs?: { readonly ttft: number | null; readonly tpot: number | null };
  /** Each copy of the engine by itself. */
  readonly perEngine?: readonly EngineShare[];
  readonly window?: MeasuringWindow;
  /** Left out where the window is too short for it. */
  readonly systemTokensPerSecondError?: BatchMeansError;
  /** As the throughput's: by batches over the window. */
  readonly errors?: Readonly<Partial<Record<IntervalMetric, BatchMeansError>>>;
  readonly checks?: TrialChecks;
}

/** Figures that have an interval. */
export const intervalMetrics = [
  'systemTokensPerSecond',
  'perQueryTokensPerSecond',
  'ttftP50Ms',
  'tpotP50Ms',
] as const;
export type IntervalMetric = (typeof intervalMetrics)[number];

export interface EngineShare {
  /** Index of the copy. */
  readonly engine: number;
  readonly requests: number;
  readonly systemTokensPerSecond: number | null;
  readonly ttftP50Ms: number | null;
}

/** The part of a trial that counts, milliseconds since its start. */
export interface MeasuringWindow {
  readonly fromMs: number;
  readonly toMs: number;
  /** Cut off at the start: ramp, first wave, and what was not steady yet. */
  readonly warmupCutMs: number;
  /** Cut off at the end, where requests only ran out. */
  readonly drainCutMs: number;
}

/** Standard error of a mean by batches over time: requests of one running batch are no independent sample. */
export interface BatchMeansError {
  readonly standardError: number;
  /** 95 %. */
  readonly low: number;
  readonly high: number;
  readonly batches: number;
}

/** What was checked of the measurement itself. */
export interface TrialChecks {
  /** Two halves of the window agree and nothing drifts; null where the window is too short, or too noisy, to tell. */
  readonly stationary: boolean | null;
  /** |N - X R| / N: by how much requests in flight and throughput x time in the system miss each other. */
  readonly littleResidual: number | null;
  /**
   * False where that is more than 5 %, more than 10 ms a request, and more than sampling the requests in flight explains: the figures
   * cannot be true together. Null where it could not be checked.
   */
  readonly consistent?: boolean | null;
  readonly clientBound: boolean;
  /** Mean length as counted by the server against the one asked for, as a share of it. */
  readonly inputLengthMiss: number | null;
  readonly outputLengthMiss: number | null;
  /** What was found, a sentence each. */
  readonly notes: readonly string[];
}
