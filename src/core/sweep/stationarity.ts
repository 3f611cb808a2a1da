/** Whether a trial had settled: the same figures in both halves, and nothing that drifts. */
import { batchCount, batchMeansError } from './batchMeans.ts';
import type { TrialMeasurement } from './measurement.ts';
import { figure } from './reportFigures.ts';
import { studentTCdf } from './studentT.ts';
import { batchRates, type TokenFlow } from './tokenFlow.ts';

/** Halves may differ by so much, as a share of their mean. */
export const mostHalvesDiffer = 0.05;
/** A drift over the window that matters, as a share of the mean. */
const DRIFT = { ttft: 0.25, inFlight: 0.1 } as const;
/** Chance to call a drift what is none. Two things are tested in each trial. */
const FALSE_ALARM = 0.005;

export interface Stationarity {
  /** Null: too short, or too noisy, to tell. */
  readonly verdict: boolean | null;
  readonly notes: readonly string[];
}

export interface StationarityInput {
  readonly measurement: TrialMeasurement;
  readonly flow: TokenFlow;
  readonly fromMs: number;
  readonly toMs: number;
  readonly meanE2eMs: number;
}

/**
 * False where tokens/s of the halves differ by more than 5 % and by more than their noise, or where TTFT or the requests in flight have a
 * significant slope that matters. Null where they differ by more than 5 %, but no more than noise explains.
 */
export function isStationary(input: StationarityInput): Stationarity {
  const { fromMs, toMs, meanE2eMs, flow } = input;
  const count = batchCount(toMs - fromMs, meanE2eMs);
  if (count === null) {
    const times = figure((toMs - fromMs) / meanE2eMs);
    return {
      verdict: null,
      notes: [`Too short to tell whether it was steady: ${times} times the mean E2E.`],
    };
  }
  const batches = 2 * Math.floor(count / 2);
  const rates = batchRates(flow, fromMs, toMs, batches);
  const notes: string[] = [];
  const halves = compareHalves(rates);
  if (halves.differ > mostHalvesDiffer) {
    const words = `Tokens/s of its two halves differ by ${figure(100 * halves.differ)} %`;
    notes.push(halves.significant ? `${words}.` : `${words}, which its noise alone may do: measure longer.`);
  }
  const drifts = [
    drift('TTFT', ttftBatches(input, batches), DRIFT.ttft),
    drift('The number of requests in flight', inFlightBatches(input, batches), DRIFT.inFlight),
  ].flatMap((note) => note ?? []);
  notes.push(...drifts);
  const unsteady = drifts.length > 0 || (halves.differ > mostHalvesDiffer && halves.significant);
  return { verdict: unsteady ? false : halves.differ > mostHalvesDiffer ? null : true, notes };
}

function compareHalves(rates: readonly number[]): { differ: number; significant: boolean } {
  const middle = rates.length / 2;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [first, second] = [rates.slice(0, middle), rates.slice(middle)];
  const overall = mean(rates);
  if (!(overall > 0)) return { differ: 0, significant: false };
  const difference = Math.abs(mean(first) - mean(second));
  const errors = [first, second].map(
    (half) => batchMeansError(half)?.standardError ?? Number.POSITIVE_INFINITY,
  );
  const error = Math.hypot(...errors);
  const t = error > 0 ? difference / error : Number.POSITIVE_INFINITY;
  return {
    differ: difference / overall,
    significant: studentTCdf(t, rates.length - 2) > 1 - FALSE_ALARM / 2,
  };
}

/** Words where a line through the batches' means rises or falls by a share that matters, and surely. */
function drift(name: string, means: readonly (number | null)[], matters: number): string | undefined {
  const points = means.flatMap((value, at) => (value === null ? [] : [[at, value] as const]));
  const n = points.length;
  if (n < 6) return undefined;
  const meanX = points.reduce((sum, [x]) => sum + x, 0) / n;
  const meanY = points.reduce((sum, [, y]) => sum + y, 0) / n;
  if (!(meanY > 0)) return undefined;
  const squares = points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0);
  const slope = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0) / squares;
  const rest = points.reduce((sum, [x, y]) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0);
  const change = (slope * (means.length - 1)) / meanY;
  if (Math.abs(change) < matters) return undefined;
  const error = Math.sqrt(rest / (n - 2) / squares);
  const t = error > 0 ? Math.abs(slope) / error : Number.POSITIVE_INFINITY;
  if (studentTCdf(t, n - 2) <= 1 - FALSE_ALARM / 2) return undefined;
  return `${name} ${change > 0 ? 'rises' : 'falls'} by ${figure(100 * Math.abs(change))} % over the window.`;
}

/** Mean TTFT of the requests sent in each batch, from when they were due where that is known. */
function ttftBatches({ measurement, fromMs, toMs }: StationarityInput, batches: number): (number | null)[] {
  const { sentMs, ttftMs, scheduledMs } = measurement.requests;
  const sums = new Float64Array(batches);
  const counts = new Float64Array(batches);
  for (const [at, sent] of sentMs.entries()) {
    const ttft = ttftMs[at] ?? null;
    const batch = Math.min(batches - 1, Math.floor(((sent - fromMs) / (toMs - fromMs)) * batches));
    if (ttft === null || batch < 0 || sent > toMs) continue;
    sums[batch] = (sums[batch] ?? 0) + ttft + (sent - (scheduledMs?.[at] ?? sent));
    counts[batch] = (counts[batch] ?? 0) + 1;
  }
  return Array.from(sums, (sum, at) => ((counts[at] ?? 0) > 0 ? sum / (counts[at] ?? 1) : null));
}

/** Requests in the system in the middle of each batch: sent, or due, and not answered yet. */
function inFlightBatches({ measurement, fromMs, toMs }: StationarityInput, batches: number): number[] {
  const { sentMs, e2eMs, scheduledMs } = measurement.requests;
  const length = (toMs - fromMs) / batches;
  const counts = new Array<number>(batches).fill(0);
  for (const [at, sent] of sentMs.entries()) {
    const begun = scheduledMs?.[at] ?? sent;
    const e2e = e2eMs[at] ?? null;
    if (e2e === null) continue;
    // Share of each batch that the request spent in the system.
    const first = Math.max(0, Math.floor((begun - fromMs) / length));
    const last = Math.min(batches - 1, Math.floor((sent + e2e - fromMs) / length));
    for (let batch = first; batch <= last; batch++) {
      const from = Math.max(begun, fromMs + batch * length);
      const to = Math.min(sent + e2e, fromMs + (batch + 1) * length);
      counts[batch] = (counts[batch] ?? 0) + Math.max(0, to - from) / length;
    }
  }
  return counts;
}
