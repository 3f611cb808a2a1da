/** Measurements of a simulated server, for the statistics' own tests: what is true of them is known. */
import type { TrialMeasurement } from '../../../src/core/sweep/measurement.ts';

/** A small deterministic generator (mulberry32): the same seed, the same numbers. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}

export function normalFrom(random: () => number): () => number {
  return () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
}

export interface SimulatedServer {
  readonly concurrency: number;
  readonly requests: number;
  readonly seed: number;
  /** Mean of one step: every running request gets a token in it. */
  readonly stepMs: number;
  /** Lag-1 correlation of the steps' noise, and its deviation relative to the step. */
  readonly correlation?: number;
  readonly noise?: number;
  readonly outputMean?: number;
  readonly outputDeviation?: number;
  /** Factor on the step's time at a share of the requests that were sent. */
  readonly drift?: (share: number) => number;
  /** Of the first requests, which all come at once. */
  readonly firstWaveTtftMs?: number;
}

/** A server that runs all requests in one batch, step by step: tokens of all requests are late together. */
export function closedLoop({
  concurrency,
  requests,
  seed,
  stepMs,
  correlation = 0.9,
  noise = 0.2,
  outputMean = 100,
  outputDeviation = 10,
  drift = () => 1,
  firstWaveTtftMs,
}: SimulatedServer): TrialMeasurement {
  const random = randomFrom(seed);
  const normal = normalFrom(random);
  const draw = () => Math.max(1, Math.round(outputMean + outputDeviation * normal()));
  const columns = {
    sentMs: [] as number[],
    ttftMs: [] as number[],
    e2eMs: [] as number[],
    inputTokens: [] as number[],
    outputTokens: [] as number[],
    chunks: [] as number[],
    failure: [] as null[],
  };
  interface Running {
    at: number;
    left: number;
    first: boolean;
  }
  const running: Running[] = [];
  let clock = 0;
  const send = () => {
    const tokens = draw();
    running.push({ at: columns.sentMs.length, left: tokens, first: true });
    columns.sentMs.push(clock);
    columns.ttftMs.push(0);
    columns.e2eMs.push(0);
    columns.inputTokens.push(200);
    columns.outputTokens.push(tokens);
    columns.chunks.push(tokens);
    columns.failure.push(null);
  };
  while (columns.sentMs.length < Math.min(concurrency, requests)) send();
  if (firstWaveTtftMs !== undefined) clock += firstWaveTtftMs;
  let shock = 0;
  const bucketMs = stepMs * 4;
  const tokens: number[] = [];
  while (running.length > 0) {
    shock = correlation * shock + Math.sqrt(1 - correlation ** 2) * normal();
    const share = columns.sentMs.length / requests;
    clock += Math.max(0.05, stepMs * drift(share) * (1 + noise * shock));
    const bucket = Math.floor(clock / bucketMs);
    while (tokens.length <= bucket) tokens.push(0);
    tokens[bucket] = (tokens[bucket] ?? 0) + running.length;
    for (const request of [...running]) {
      const elapsed = clock - (columns.sentMs[request.at] ?? 0);
      if (request.first) columns.ttftMs[request.at] = elapsed;
      request.first = false;
      request.left--;
      if (request.left > 0) continue;
      columns.e2eMs[request.at] = elapsed;
      running.splice(running.indexOf(request), 1);
      if (columns.sentMs.length < requests) send();
    }
  }
  return {
    startedWallMs: 1_700_000_000_000,
    durationMs: clock,
    concurrency,
    requests: columns,
    gaps: { minMs: 0.01, ratio: 1.01, counts: [[500, 100]] },
    failureExamples: [],
    client: { loopLagP99Ms: 0.2, cpuSeconds: 0.1, wallSeconds: 1, events: 1000, bound: false },
    warmupRequests: 0,
    tokensInWindow: { bucketMs, tokens },
  };
}
