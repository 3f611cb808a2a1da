/** Which part of a trial counts: after its start and before its requests run out. */
import { batchCount } from './batchMeans.ts';
import type { MeasuringWindow } from './loadResult.ts';
import type { TrialMeasurement } from './measurement.ts';
import type { LoadProfile } from './run.ts';
import { isStationary, type Stationarity } from './stationarity.ts';
import { type TokenFlow, tokenFlow } from './tokenFlow.ts';

export interface MeasuredWindow {
  readonly window: MeasuringWindow;
  readonly flow: TokenFlow;
  readonly meanE2eMs: number;
  readonly stationarity: Stationarity;
}

/** At most this share of what is left after the first wave is given up in search of a steady part. */
const MOST_CUT = 0.5;
const CUT_STEPS = 5;
/** A closed loop with fewer rounds than this is all start and end. */
const LEAST_ROUNDS = 3;

/**
 * The window of a trial; null where there is none to speak of: an offline batch, which is meant to start and run out, or a trial of a
 * few rounds. It ends with the last send, or when the last was due: from then on fewer and fewer requests run. It begins in a closed loop with the first request
 * that took the place of another (those sent together at the start meet an empty engine, and each other's prompts), in an open loop
 * one mean E2E after the start; and later where the rest is steady only then.
 */
export function measuredWindow(
  measurement: TrialMeasurement,
  profile: LoadProfile['profile'],
): MeasuredWindow | null {
  if (profile === 'offline') return null;
  const { requests } = measurement;
  const sent = requests.sentMs.toSorted((a, b) => a - b);
  const last = requests.scheduledMs?.reduce((most, due) => Math.max(most, due), 0) ?? sent.at(-1);
  const answered = requests.e2eMs.flatMap((e2e, at) =>
    e2e === null || requests.failure[at] !== null ? [] : [e2e],
  );
  if (last === undefined || answered.length === 0) return null;
  const meanE2eMs = answered.reduce((sum, value) => sum + value, 0) / answered.length;
  const start = startMs(sent, measurement, profile, meanE2eMs);
  if (start === null || last - start < LEAST_ROUNDS * meanE2eMs) return null;
  const flow = tokenFlow(measurement);
  const judged = (fromMs: number) => isStationary({ measurement, flow, fromMs, toMs: last, meanE2eMs });
  let fromMs = start;
  let stationarity = profile === 'trace' ? unknown : judged(fromMs);
  for (let step = 1; stationarity.verdict === false && step <= CUT_STEPS; step++) {
    const later = start + (step / CUT_STEPS) * MOST_CUT * (last - start);
    if (batchCount(last - later, meanE2eMs) === null) break;
    const next = judged(later);
    if (next.verdict === true) [fromMs, stationarity] = [later, next];
  }
  const window = {
    fromMs,
    toMs: last,
    warmupCutMs: fromMs - (sent[0] ?? 0),
    drainCutMs: Math.max(0, measurement.durationMs - last),
  };
  return { window, flow, meanE2eMs, stationarity };
}

/** A trace is as steady as what it was recorded from. */
const unknown: Stationarity = { verdict: null, notes: [] };

function startMs(
  sent: readonly number[],
  { concurrency }: TrialMeasurement,
  profile: LoadProfile['profile'],
  meanE2eMs: number,
): number | null {
  const [first] = sent;
  if (first === undefined) return null;
  if (profile === 'open-loop') return first + meanE2eMs;
  if (profile === 'trace') return first;
  return concurrency !== null && concurrency > 1 ? (sent[concurrency] ?? null) : first;
}
