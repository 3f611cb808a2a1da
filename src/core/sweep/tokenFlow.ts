/** When tokens came: what attributes them to a window of time, whichever requests they belong to. */
import type { RequestColumns, TrialMeasurement } from './measurement.ts';

export interface TokenFlow {
  /** Output tokens up to a time, milliseconds since the start of the trial. */
  before(ms: number): number;
}

/**
 * By the client's buckets where it kept them, else by each request's first and last token. So it is where requests failed: buckets hold
 * their tokens too, which nobody was served.
 */
export function tokenFlow(measurement: TrialMeasurement): TokenFlow {
  const { tokensInWindow, requests } = measurement;
  const failed = requests.failure.some((kind) => kind !== null);
  return tokensInWindow !== undefined && tokensInWindow.tokens.length > 0 && !failed
    ? bucketFlow(tokensInWindow.bucketMs, tokensInWindow.tokens)
    : requestFlow(measurement.requests);
}

/** Inside a bucket tokens are taken to come evenly. */
function bucketFlow(bucketMs: number, tokens: readonly number[]): TokenFlow {
  const sums = new Float64Array(tokens.length + 1);
  for (const [at, count] of tokens.entries()) sums[at + 1] = (sums[at] ?? 0) + count;
  return {
    before(ms) {
      const place = Math.min(tokens.length, Math.max(0, ms / bucketMs));
      const whole = Math.floor(place);
      return (sums[whole] ?? 0) + (place - whole) * (tokens[whole] ?? 0);
    },
  };
}

/**
 * The first token of a request at its TTFT, the others evenly from there to its last. `engine`: of one copy alone. Requests that failed,
 * and answers that were not counted, have no tokens here.
 */
export function requestFlow(requests: RequestColumns, engine?: number): TokenFlow {
  const steps: { at: number; jump: number; slope: number }[] = [];
  for (const [at, sent] of requests.sentMs.entries()) {
    const [e2e, tokens] = [requests.e2eMs[at] ?? null, requests.outputTokens[at] ?? null];
    if (requests.failure[at] !== null || e2e === null || tokens === null || tokens <= 0) continue;
    if (engine !== undefined && requests.engine?.[at] !== engine) continue;
    const ttft = requests.ttftMs[at] ?? e2e;
    if (e2e <= ttft) steps.push({ at: sent + e2e, jump: tokens, slope: 0 });
    else {
      const slope = (tokens - 1) / (e2e - ttft);
      steps.push({ at: sent + ttft, jump: 1, slope }, { at: sent + e2e, jump: 0, slope: -slope });
    }
  }
  return piecewise(steps.sort((a, b) => a.at - b.at));
}

/** A sum of jumps and slopes, by binary search in its corners. */
function piecewise(steps: readonly { at: number; jump: number; slope: number }[]): TokenFlow {
  const [times, values, slopes] = [steps.length, steps.length, steps.length].map(
    (n) => new Float64Array(n),
  ) as [Float64Array, Float64Array, Float64Array];
  let [value, slope, before] = [0, 0, 0];
  for (const [index, step] of steps.entries()) {
    value += slope * (step.at - before) + step.jump;
    slope += step.slope;
    before = step.at;
    times[index] = step.at;
    values[index] = value;
    slopes[index] = slope;
  }
  return {
    before(ms) {
      let [low, high] = [0, times.length];
      while (low < high) {
        const middle = (low + high) >> 1;
        if ((times[middle] ?? 0) <= ms) low = middle + 1;
        else high = middle;
      }
      const at = low - 1;
      return at < 0 ? 0 : (values[at] ?? 0) + (slopes[at] ?? 0) * (ms - (times[at] ?? 0));
    },
  };
}

/** Tokens per second in `count` equal batches of a window. */
export function batchRates(flow: TokenFlow, fromMs: number, toMs: number, count: number): number[] {
  const length = (toMs - fromMs) / count;
  const edges = Array.from({ length: count + 1 }, (_, at) => flow.before(fromMs + at * length));
  return edges.slice(1).map((sum, at) => ((sum - (edges[at] ?? 0)) * 1000) / length);
}
