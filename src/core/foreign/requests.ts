/** From the single requests of a foreign file to the figures of a trial: by our formulas, with our certification floors. */
import type { LoadResult } from '../sweep/loadResult.ts';
import type { FailureKind, GapHistogram, TrialMeasurement } from '../sweep/measurement.ts';
import { summariseTrial } from '../sweep/statistics.ts';

/** Times are milliseconds. null: the file does not say it. */
export interface ForeignRequest {
  /** On any clock that the requests share. */
  readonly sentMs: number | null;
  /** When it was due, on the same clock: an open loop's schedule. */
  readonly scheduledMs?: number | null;
  /** First token after sending. */
  readonly ttftMs: number | null;
  /** Last token after sending. */
  readonly e2eMs: number | null;
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  /** Between stream events. */
  readonly gapsMs: readonly number[] | null;
  /** Why it failed, in the tool's words ('' where it gives none); null: it completed. */
  readonly failure: string | null;
}

export interface ForeignSample {
  readonly requests: readonly ForeignRequest[];
  /** As the tool gives it; null: from the first send to the last token. */
  readonly durationMs: number | null;
  /** Epoch milliseconds. */
  readonly startedWallMs: number | null;
  readonly concurrency: number | null;
}

/** Gaps are binned this finely: a percentile of theirs is off by a thousandth at most. */
const gapBuckets = { minMs: 0.001, ratio: 1.001 } as const;

/** null where the file has no completed and no failed request. */
export function resultOfRequests(sample: ForeignSample): LoadResult | null {
  const { requests } = sample;
  if (requests.length === 0) return null;
  const timed = requests.every(({ sentMs }) => sentMs !== null);
  const durationMs = sample.durationMs ?? (timed ? spanMs(requests) : null);
  const origin = requests.reduce(
    (least, { sentMs }) => Math.min(least, sentMs ?? least),
    Number.POSITIVE_INFINITY,
  );
  const sent = timed ? inSendingOrder(requests) : requests;
  const due = sent.map(({ scheduledMs }) => scheduledMs ?? null);
  const scheduledMs = due.flatMap((at) => (at === null ? [] : [at - origin]));
  const gaps = sent.flatMap(({ gapsMs, failure }) => (failure === null ? (gapsMs ?? []) : []));
  const measurement: TrialMeasurement = {
    startedWallMs: sample.startedWallMs ?? 0,
    durationMs: durationMs ?? 0,
    concurrency: sample.concurrency ?? 0,
    requests: {
      sentMs: sent.map((request) => (timed ? (request.sentMs ?? 0) - origin : 0)),
      ttftMs: sent.map(({ ttftMs }) => ttftMs),
      e2eMs: sent.map(({ e2eMs }) => e2eMs),
      inputTokens: sent.map(({ inputTokens }) => inputTokens),
      outputTokens: sent.map(({ outputTokens }) => outputTokens),
      chunks: sent.map(({ gapsMs }) => (gapsMs === null ? 0 : gapsMs.length + 1)),
      failure: sent.map(({ failure }) => (failure === null ? null : (failureKind(failure) ?? 'protocol'))),
      ...(timed && scheduledMs.length === due.length ? { scheduledMs } : {}),
    },
    gaps: histogram(gaps),
    failureExamples: [],
    client: { loopLagP99Ms: 0, cpuSeconds: 0, wallSeconds: 0, events: 0, bound: false },
    warmupRequests: 0,
  };
  const result = summariseTrial(measurement, null);
  const known = (of: (request: ForeignRequest) => number | null) =>
    requests.some((request) => request.failure === null && of(request) !== null);
  return {
    ...result,
    requests: { ...result.requests, byKind: kindsOf(requests) },
    tokens: {
      input: known(({ inputTokens }) => inputTokens) ? result.tokens.input : null,
      output: known(({ outputTokens }) => outputTokens) ? result.tokens.output : null,
    },
    // The file says nothing of the client that made it.
    client: null,
  };
}

function spanMs(requests: readonly ForeignRequest[]): number {
  let first = Number.POSITIVE_INFINITY;
  let last = Number.NEGATIVE_INFINITY;
  for (const { sentMs, e2eMs } of requests) {
    if (sentMs === null) continue;
    first = Math.min(first, sentMs);
    last = Math.max(last, sentMs + (e2eMs ?? 0));
  }
  return Math.max(0, last - first);
}

function inSendingOrder(requests: readonly ForeignRequest[]): readonly ForeignRequest[] {
  return [...requests].sort((a, b) => (a.sentMs ?? 0) - (b.sentMs ?? 0));
}

function histogram(gapsMs: readonly number[]): GapHistogram {
  const { minMs, ratio } = gapBuckets;
  const counts = new Map<number, number>();
  for (const gap of gapsMs) {
    const bucket = gap <= minMs ? 0 : Math.floor(Math.log(gap / minMs) / Math.log(ratio));
    counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
  }
  return { minMs, ratio, counts: [...counts].sort(([a], [b]) => a - b) };
}

/** Kinds that can be told from the tool's words. Their sum may be less than the failures. */
function kindsOf(requests: readonly ForeignRequest[]): LoadResult['requests']['byKind'] {
  const kinds: Partial<Record<FailureKind, number>> = {};
  for (const { failure } of requests) {
    const kind = failure === null ? undefined : failureKind(failure);
    if (kind !== undefined) kinds[kind] = (kinds[kind] ?? 0) + 1;
  }
  return kinds;
}

const kindWords: readonly (readonly [RegExp, FailureKind])[] = [
  [/time[d-]? ?out/i, 'timeout'],
  [/never received a valid chunk|no (valid )?(tokens?|content)/i, 'no-tokens'],
  [/connect|refused|reset by peer|disconnected|name resolution/i, 'connect'],
  [/incomplete|payload is not completed|broken stream/i, 'incomplete-stream'],
  [
    /\b[45]\d\d\b|bad request|not found|unauthori[sz]ed|too many requests|internal server error/i,
    'http-status',
  ],
];

function failureKind(words: string): FailureKind | undefined {
  return kindWords.find(([pattern]) => pattern.test(words))?.[1];
}
