/** Checks of the measurement itself: whether its figures can be true together. */
import { batchMeansError, leastBatches } from './batchMeans.ts';
import { meanTokens } from './load.ts';
import type { LoadResult, TrialChecks } from './loadResult.ts';
import type { TrialMeasurement } from './measurement.ts';
import { figure } from './reportFigures.ts';
import type { LengthDistribution, LoadProfile } from './run.ts';
import type { MeasuredWindow } from './window.ts';

/** Beyond this share Little's law says that the measurement is broken, or all start and end. */
export const mostResidual = 0.05;
/** What a client takes between an answer and the next request is no contradiction. */
const LEAST_MISSED_MS = 10;
/** Requests in flight are sampled, and so are off by chance. */
const SAMPLING_ERRORS = 3;
/** Above it the gaps between stream events are not those between tokens. */
const MOST_TOKENS_PER_CHUNK = 1.25;
/** Mean lengths may miss what was asked for by so much, and by what chance does to so many draws. */
const MOST_LENGTH_MISS = 0.02;

export interface TrialCheckInput {
  readonly measurement: TrialMeasurement;
  readonly load: LoadProfile | undefined;
  readonly measured: MeasuredWindow | null;
}

export function trialChecks({ measurement, load, measured }: TrialCheckInput): TrialChecks {
  const { client, requests } = measurement;
  const notes = [...(measured?.stationarity.notes ?? [])];
  const little = measured === null ? null : littlesLaw(measurement, measured, load);
  if (little?.consistent === false)
    notes.push(
      `Little's law is missed by ${figure(100 * little.residual)} % (limit ${100 * mostResidual} %): throughput x time does not give the requests in flight.`,
    );
  if (client.bound)
    notes.push(`Client-bound: ${client.boundBecause?.join('; ') || 'the load generator was too busy'}.`);
  // Later turns also carry what was said before them.
  const firstTurns = requests.inputTokens.map((count, at) =>
    (requests.turn?.[at] ?? 0) === 0 ? count : null,
  );
  const input = lengthMiss(firstTurns, requests.failure, load?.input);
  const output = lengthMiss(requests.outputTokens, requests.failure, load?.output);
  for (const [what, miss] of [
    ['Prompts', input],
    ['Answers', output],
  ] as const)
    if (miss?.matters === true)
      notes.push(
        `${what} were ${figure(miss.measured)} tokens long in the mean, ${figure(miss.asked)} were asked for.`,
      );
  return {
    stationary: measured?.stationarity.verdict ?? null,
    littleResidual: little?.residual ?? null,
    consistent: little?.consistent ?? null,
    clientBound: client.bound,
    inputLengthMiss: input?.share ?? null,
    outputLengthMiss: output?.share ?? null,
    notes,
  };
}

/** ITL is not to be trusted where many tokens come in one event. */
export function chunksHideGaps({ tokensPerChunk }: LoadResult): boolean {
  return (tokensPerChunk ?? 1) > MOST_TOKENS_PER_CHUNK;
}

interface LittlesLaw {
  readonly residual: number;
  readonly consistent: boolean;
}

/**
 * |N - X R| / N in the window. X R, throughput times time in the system, is what the requests' times that lie in the window add up to,
 * over its length: with requests at its edges counted by their part in it, for waves that end together would else be counted whole or
 * not at all. N is the concurrency of a closed loop without pauses, else what the client counted; null where it counted nothing, or
 * requests failed, whose time is not known.
 */
function littlesLaw(
  measurement: TrialMeasurement,
  { window: { fromMs, toMs }, meanE2eMs }: MeasuredWindow,
  load: LoadProfile | undefined,
): LittlesLaw | null {
  const { requests } = measurement;
  const failed = requests.failure.filter((kind) => kind !== null).length;
  if (failed > mostFailedShare * requests.failure.length) return null;
  const counted = meanInFlight(measurement, fromMs, toMs, load);
  if (counted === null || !(counted.mean > 0)) return null;
  let timeMs = 0;
  for (const [at, sent] of requests.sentMs.entries()) {
    const e2e = requests.failure[at] === null ? (requests.e2eMs[at] ?? 0) : 0;
    timeMs += Math.max(0, Math.min(toMs, sent + e2e) - Math.max(fromMs, sent));
  }
  const missed = Math.abs(counted.mean - timeMs / (toMs - fromMs));
  const residual = missed / counted.mean;
  const consistent =
    residual <= mostResidual ||
    residual * meanE2eMs <= LEAST_MISSED_MS ||
    missed <= SAMPLING_ERRORS * counted.standardError;
  return { residual, consistent };
}

/** Requests in flight over the window, and how far sampling them may be off: 0 where their number is set. */
function meanInFlight(
  { concurrency, inFlight }: TrialMeasurement,
  fromMs: number,
  toMs: number,
  load: LoadProfile | undefined,
): { readonly mean: number; readonly standardError: number } | null {
  const pauses = load?.turns?.thinkMs !== undefined && load.turns.thinkMs > 0;
  if ((load === undefined || load.profile === 'closed-loop') && !pauses) {
    return concurrency === null ? null : { mean: concurrency, standardError: 0 };
  }
  if (inFlight === undefined) return null;
  const { bucketMs, values } = inFlight;
  const within = values.filter((_, at) => at * bucketMs >= fromMs && (at + 1) * bucketMs <= toMs);
  const meanOf = (sample: readonly number[]) => sample.reduce((sum, value) => sum + value, 0) / sample.length;
  if (within.length < 2 * leastBatches) return null;
  const length = within.length / leastBatches;
  const batches = Array.from({ length: leastBatches }, (_, at) =>
    meanOf(within.slice(Math.floor(at * length), Math.floor((at + 1) * length))),
  );
  return { mean: meanOf(within), standardError: batchMeansError(batches)?.standardError ?? 0 };
}

interface LengthMiss {
  readonly asked: number;
  readonly measured: number;
  readonly share: number;
  /** More than chance, and more than a little. */
  readonly matters: boolean;
}

function lengthMiss(
  counts: readonly (number | null)[],
  failure: TrialMeasurement['requests']['failure'],
  lengths: LengthDistribution | undefined,
): LengthMiss | undefined {
  const known = counts.flatMap((count, at) => (count === null || failure[at] !== null ? [] : [count]));
  if (lengths === undefined || known.length === 0) return undefined;
  const asked = meanTokens(lengths);
  const measured = known.reduce((sum, value) => sum + value, 0) / known.length;
  const variance = known.reduce((sum, value) => sum + (value - measured) ** 2, 0) / known.length;
  const share = Math.abs(measured - asked) / asked;
  const chance = (4 * Math.sqrt(variance / known.length)) / asked;
  return { asked, measured, share, matters: share > MOST_LENGTH_MISS + chance };
}

/** A service level speaks of the requests that were answered; beyond this share of failures it is missed, however fast the rest was. */
export const mostFailedShare = 0.01;

/** Failed requests, as a share of all. Failures that a file does not count are none here. */
export function failedShare({ requests }: LoadResult): number {
  const failed = requests.failed ?? 0;
  return failed / Math.max(1, (requests.ok ?? 0) + failed);
}

export function failsTooOften(trials: readonly LoadResult[]): boolean {
  return trials.some((trial) => failedShare(trial) > mostFailedShare);
}
