import { estimate } from '../estimate/estimate.ts';
import type { DeploymentEstimate, EstimateRequest, SpeedEstimate } from '../estimate/types.ts';
import { grouped } from '../estimate/words.ts';
import { formatSignificant } from '../units.ts';
import type { Band, RankLoad, RankRejection, ServiceLevel } from './types.ts';

/** How many replicas of one kind carry the load, and what each then does. */
export interface Fleet {
  readonly replicas: number;
  /** Replicas needed where every speed is at the good and at the bad end of its band. */
  readonly replicasBand: Band;
  /** A replica under its share of the load. */
  readonly estimate: DeploymentEstimate;
  readonly outputTokensPerSecond: number;
  readonly outputTokensPerSecondBand: Band;
  readonly mostOutputTokensPerSecond: number;
  readonly surelyWithinServiceLevel: boolean;
}

export type FleetOrNot =
  | { readonly fleet: Fleet }
  | {
      readonly cause: RankRejection['cause'];
      readonly reason: string;
      /** The model cannot be split over so many GPUs: nothing is said of how it would do. */
      readonly isSplit?: boolean;
    };

/**
 * The fewest replicas of this deployment that carry the load within the service level. A request takes TTFT + (output - 1) x TPOT;
 * by Little's law a replica with b at once completes b of them in that time. Waiting for a free replica is not modelled.
 */
export function fleetFor(request: EstimateRequest, load: RankLoad, level: ServiceLevel): FleetOrNot {
  const { inputTokens, outputTokens } = load;
  const seen = new Map<number, DeploymentEstimate>();
  const at = (batch: number): DeploymentEstimate => {
    const known = seen.get(batch);
    if (known !== undefined) return known;
    const made = estimate({ ...request, load: { batch, inputTokens, outputTokens } }, { fixes: false });
    seen.set(batch, made);
    return made;
  };
  const alone = at(1);
  const { verdict } = alone;
  if (verdict.outcome === 'does-not-fit' || verdict.outcome === 'unknown') {
    const isSplit = verdict.causeFlag === 'tensor-parallel-size';
    return { cause: verdict.outcome, reason: verdict.reason, isSplit };
  }
  const tokens = inputTokens + outputTokens;
  if (tokens > alone.kv.maxModelLen) {
    return {
      cause: 'does-not-fit',
      reason: `a request of ${grouped(tokens)} tokens is longer than max-model-len ${grouped(alone.kv.maxModelLen)}`,
    };
  }
  const room = roomFor(alone, tokens);
  if (room < 1) {
    return {
      cause: 'does-not-fit',
      reason: `the KV cache holds ${grouped(alone.kv.tokens)} tokens, one request takes ${grouped(tokens)}`,
    };
  }
  const missed = missedLevel(alone.speed, level);
  if (missed !== undefined) return { cause: 'service-level', reason: `${missed} for one request alone` };
  const batches = ladder(room);
  const largest = lastWhere(batches, (batch) => missedLevel(at(batch).speed, level) === undefined);
  const rateAt = (batch: number) => batch / requestSeconds(at(batch).speed, outputTokens);
  // Where prefill sets the pace a larger batch may complete a little less: the one that completes most counts.
  const most =
    'concurrency' in load
      ? largest
      : batches
          .filter((batch) => batch <= largest)
          .reduce((best, batch) => (rateAt(batch) > rateAt(best) ? batch : best), 1);
  const share = shareOf(load, most, rateAt);
  // Up to there rates grow with the batch: the first that carries its share.
  const batch =
    'batch' in share ? share.batch : firstWhere(batches, most, (one) => rateAt(one) >= share.rate);
  const busy = at(batch);
  return { fleet: fleetOf(load, level, share.replicas, most, busy, at(most).speed) };
}

function fleetOf(
  load: RankLoad,
  level: ServiceLevel,
  replicas: number,
  most: number,
  busy: DeploymentEstimate,
  fullSpeed: SpeedEstimate,
): Fleet {
  const { outputTokens } = load;
  const { ttftMs, tpotMs } = busy.speed.bands;
  const tokens = (ends: 0 | 1) =>
    'concurrency' in load
      ? (load.concurrency * outputTokens) / requestSecondsOf(ttftMs[ends], tpotMs[ends], outputTokens)
      : load.requestsPerSecond * outputTokens;
  const needed = (ends: 0 | 1) =>
    'concurrency' in load
      ? replicas
      : Math.ceil(
          (load.requestsPerSecond / most) *
            requestSecondsOf(fullSpeed.bands.ttftMs[ends], fullSpeed.bands.tpotMs[ends], outputTokens),
        );
  return {
    replicas,
    replicasBand: [Math.min(replicas, needed(0)), Math.max(replicas, needed(1))],
    estimate: busy,
    outputTokensPerSecond:
      'concurrency' in load
        ? (load.concurrency * outputTokens) / requestSeconds(busy.speed, outputTokens)
        : load.requestsPerSecond * outputTokens,
    outputTokensPerSecondBand: [tokens(1), tokens(0)],
    mostOutputTokensPerSecond: (replicas * most * outputTokens) / requestSeconds(fullSpeed, outputTokens),
    surelyWithinServiceLevel:
      ttftMs[1] <= (level.ttftMs ?? Number.POSITIVE_INFINITY) &&
      tpotMs[1] <= (level.tpotMs ?? Number.POSITIVE_INFINITY),
  };
}

/** Replicas, and each one's part: a batch, or a rate of requests. */
function shareOf(
  load: RankLoad,
  most: number,
  rateAt: (batch: number) => number,
): { readonly replicas: number } & ({ readonly batch: number } | { readonly rate: number }) {
  if ('concurrency' in load) {
    const replicas = Math.ceil(load.concurrency / most);
    return { replicas, batch: Math.ceil(load.concurrency / replicas) };
  }
  const replicas = Math.max(1, Math.ceil(load.requestsPerSecond / rateAt(most)));
  return { replicas, rate: load.requestsPerSecond / replicas };
}

/** Requests of this length that run at once: the KV cache's room and the scheduler's limit. */
function roomFor({ kv, resolved }: DeploymentEstimate, tokens: number): number {
  const limit = Number(resolved['max-num-seqs'] ?? Number.NaN);
  const sequences = Number.isFinite(limit) ? limit : 256;
  // A model without a KV cache has no tokens to count.
  return kv.bytesPerTokenPerRank > 0 ? Math.min(sequences, Math.floor(kv.tokens / tokens)) : sequences;
}

/** Two batches a doubling: enough to find the limit within a third. */
function ladder(most: number): readonly number[] {
  const batches: number[] = [];
  for (let batch = 1; batch < most; batch *= 2) {
    batches.push(batch);
    if (batch > 1 && batch * 1.5 < most) batches.push(batch * 1.5);
  }
  return [...batches, most];
}

/** The last that holds, where all before it hold too; the first holds. */
function lastWhere(values: readonly number[], holds: (value: number) => boolean): number {
  let [low, high] = [0, values.length - 1];
  const top = values[high] ?? 1;
  if (holds(top)) return top;
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(values[middle] ?? 1)) low = middle;
    else high = middle;
  }
  return values[low] ?? 1;
}

/** The first up to `most` that holds, where all after it hold too; `most` is taken to hold. */
function firstWhere(values: readonly number[], most: number, holds: (value: number) => boolean): number {
  let [low, high] = [0, values.indexOf(most)];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    if (holds(values[middle] ?? most)) high = middle;
    else low = middle + 1;
  }
  return values[low] ?? most;
}

/** `TTFT 812 ms of 500`; undefined where it is kept. */
function missedLevel({ ttftMs, tpotMs }: SpeedEstimate, level: ServiceLevel): string | undefined {
  const over = (name: string, is: number, wanted: number | undefined) =>
    wanted !== undefined && !(is <= wanted)
      ? `${name} ${formatSignificant(is)} ms, ${formatSignificant(wanted)} wanted,`
      : undefined;
  return over('TTFT', ttftMs, level.ttftMs) ?? over('TPOT', tpotMs, level.tpotMs);
}

function requestSeconds({ ttftMs, tpotMs }: SpeedEstimate, outputTokens: number): number {
  return requestSecondsOf(ttftMs, tpotMs, outputTokens);
}

function requestSecondsOf(ttftMs: number, tpotMs: number, outputTokens: number): number {
  return (ttftMs + (outputTokens - 1) * tpotMs) / 1000;
}
