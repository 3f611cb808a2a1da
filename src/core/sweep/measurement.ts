/** What the agent's load generator reports of one trial, before any statistics. Times are milliseconds. */

/** Failure kinds of a request. An error inside a 200 stream is one; so is a stream without its end. */
export type FailureKind =
  | 'connect'
  | 'http-status'
  | 'error-in-stream'
  | 'incomplete-stream'
  | 'protocol'
  | 'timeout'
  | 'no-tokens';

/** Columns, one entry a request, in order of sending. Relative to `startedWallMs`. */
export interface RequestColumns {
  readonly sentMs: readonly number[];
  /** First token after sending; null where none came. */
  readonly ttftMs: readonly (number | null)[];
  /** Last token after sending; null where none came. */
  readonly e2eMs: readonly (number | null)[];
  /** From `usage`; null where the server gave none. */
  readonly inputTokens: readonly (number | null)[];
  readonly outputTokens: readonly (number | null)[];
  /** Stream events that carried at least one token. */
  readonly chunks: readonly number[];
  readonly failure: readonly (FailureKind | null)[];
  /** When it was due: open loop and trace. */
  readonly scheduledMs?: readonly number[];
  /** Copy of the engine that served it, from 0. */
  readonly engine?: readonly number[];
  /** Turn of its conversation, from 0. */
  readonly turn?: readonly number[];
  /** Of the prompt, from `usage`; null where the server gave none. */
  readonly cachedTokens?: readonly (number | null)[];
}

/**
 * Gaps between stream events in logarithmic buckets: a gap of `g` ms falls in bucket
 * `floor(log(g / minMs) / log(ratio))`, gaps under `minMs` in bucket 0. Error: under `ratio - 1`.
 */
export interface GapHistogram {
  readonly minMs: number;
  readonly ratio: number;
  /** `[bucket, count]`, ascending. */
  readonly counts: readonly (readonly [number, number])[];
}

export interface ClientReport {
  readonly loopLagP99Ms: number;
  readonly cpuSeconds: number;
  readonly wallSeconds: number;
  readonly events: number;
  /** True where the client, not the server, may have set the result. */
  readonly bound: boolean;
  /** Why, in words. */
  readonly boundBecause?: readonly string[];
  readonly processes?: number;
  /** Share of the reads whose time is the kernel's, 0 to 1. */
  readonly stampedReads?: number;
}

export interface TrialMeasurement {
  readonly startedWallMs: number;
  /** From the first measured send to the last event, milliseconds. */
  readonly durationMs: number;
  /** null where something else sets the load. */
  readonly concurrency: number | null;
  readonly requests: RequestColumns;
  readonly gaps: GapHistogram;
  /** One example a kind, secrets removed. */
  readonly failureExamples: readonly { readonly kind: FailureKind; readonly message: string }[];
  readonly client: ClientReport;
  readonly warmupRequests: number;
  /** How words became tokens: given as ids, counted by the server's tokenizer, by `usage` of two short requests, or a word a token. */
  readonly promptSizing?: 'token-ids' | 'tokenize' | 'usage' | 'words';
  /** Due before the load's time was over, and never sent: there was no place for them. */
  readonly unsentRequests?: number;
  /** Tokens that came in each bucket since `startedWallMs`: events, times the tokens an event carried on the whole. */
  readonly tokensInWindow?: { readonly bucketMs: number; readonly tokens: readonly number[] };
  /** Requests in flight, on the whole of each bucket. */
  readonly inFlight?: { readonly bucketMs: number; readonly values: readonly number[] };
}
