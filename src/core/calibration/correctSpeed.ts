import type { SpeedEstimate } from '../estimate/types.ts';
import { formatSignificant } from '../units.ts';
import type { CalibrationEntry, SpeedResidual } from './calibration.ts';

/**
 * How many times longer or shorter a time may be for its residual to carry over in proportion. Further away something else sets the
 * pace: the host where the model is small, the memory's bandwidth where it is large.
 */
const LIKE_FACTOR = 2;

/** Predictions of then and now that differ by less are of the same load. */
const SAME_LOAD = 0.01;

/** Half width of the band of a time that was measured, at the least: runs of another day differ by so much. */
const LEAST_BAND = 0.03;

type Time = 'ttftMs' | 'tpotMs';

interface Sample {
  readonly batch: number;
  readonly predictedMs: number;
  /** Measured over predicted. */
  readonly ratio: number;
  /** Predicted for the same load as is asked for now. */
  readonly same: boolean;
  /** Half width of the measurement's own interval, as a share. */
  readonly halfWidth: number;
  readonly source: string;
}

interface Correction {
  readonly ratio: number;
  /** Half width of the band, as a share; undefined: the estimate's own. */
  readonly band: number | undefined;
  readonly source: string;
}

/**
 * Speeds as the measured loads correct them: TPOT and TTFT by the ratio of measured to predicted at that many requests at once, between
 * two of them along the logarithm of their number; throughput follows from both. Unchanged where no load was like this one.
 */
export function correctedSpeed(
  speed: SpeedEstimate,
  model: string,
  entries: readonly CalibrationEntry[],
): SpeedEstimate {
  const tpot = correctionOf('tpotMs', speed, model, entries);
  const ttft = correctionOf('ttftMs', speed, model, entries);
  if (tpot === undefined && ttft === undefined) return speed;
  const [decode, first] = [tpot?.ratio ?? 1, ttft?.ratio ?? 1];
  const tpotMs = speed.tpotMs * decode;
  const ttftMs = speed.ttftMs * first;
  const later = Math.max(0, speed.outputTokens - 1);
  const slower = (ttftMs + later * tpotMs) / (speed.ttftMs + later * speed.tpotMs);
  const bands = {
    tpotMs: bandOf(speed.bands.tpotMs, tpotMs, decode, tpot),
    ttftMs: bandOf(speed.bands.ttftMs, ttftMs, first, ttft),
    prefillTokensPerSecond: speed.bands.prefillTokensPerSecond,
  };
  const perSecond = (value: number, name: 'decodeTokensPerSecond' | 'systemTokensPerSecond', by: number) => ({
    value: value / by,
    band: bandOf(speed.bands[name], value / by, 1 / by, tpot),
  });
  const decoding = perSecond(speed.decodeTokensPerSecond, 'decodeTokensPerSecond', decode);
  const system = perSecond(speed.systemTokensPerSecond, 'systemTokensPerSecond', slower);
  const words = [
    ...(tpot === undefined ? [] : [`TPOT x ${formatSignificant(decode, 3)}`]),
    ...(ttft === undefined ? [] : [`TTFT x ${formatSignificant(first, 3)}`]),
  ];
  return {
    ...speed,
    ttftMs,
    ttftAllAtOnceMs: Math.max(ttftMs, speed.ttftAllAtOnceMs),
    tpotMs,
    decodeTokensPerSecond: decoding.value,
    systemTokensPerSecond: system.value,
    dollarsPerMillionTokens: scaled(speed.dollarsPerMillionTokens, slower),
    dollarsPerMillionOutputTokens: scaled(speed.dollarsPerMillionOutputTokens, slower),
    bands: { ...bands, decodeTokensPerSecond: decoding.band, systemTokensPerSecond: system.band },
    evidence: 'measured',
    formula: `${speed.formula}; ${words.join(', ')} as measured`,
    source: `${(tpot ?? ttft)?.source}; ${speed.source}`,
  };
}

function scaled(dollars: number | null, by: number): number | null {
  return dollars === null ? null : dollars * by;
}

/** Around a measured value by how well it is known; elsewhere the estimate's band, moved. */
function bandOf(
  [low, high]: readonly [number, number],
  value: number,
  ratio: number,
  correction: Correction | undefined,
): readonly [number, number] {
  const band = correction?.band;
  return band === undefined ? [low * ratio, high * ratio] : [value * (1 - band), value * (1 + band)];
}

function correctionOf(
  time: Time,
  speed: SpeedEstimate,
  model: string,
  entries: readonly CalibrationEntry[],
): Correction | undefined {
  const own = entries.filter((entry) => entry.model === model);
  const samplesOf = (some: readonly CalibrationEntry[]) =>
    some.flatMap((entry) =>
      (entry.speed ?? []).flatMap((residual) => sampleOf(time, speed, entry.source, residual) ?? []),
    );
  const mine = samplesOf(own);
  const samples = mine.length > 0 ? mine : samplesOf(entries);
  const loads = atEachBatch(samples);
  const below = loads.findLast(({ batch }) => batch <= speed.batch);
  const above = loads.find(({ batch }) => batch >= speed.batch);
  const [low, high] = [below ?? above, above ?? below];
  if (low === undefined || high === undefined) return undefined;
  const span = Math.log(high.batch / low.batch);
  const share = span === 0 ? 0 : Math.log(speed.batch / low.batch) / span;
  const ratio = low.ratio ** (1 - share) * high.ratio ** share;
  const apart = Math.abs(Math.log(high.ratio / low.ratio)) / 2;
  const least = low.same && high.same ? LEAST_BAND : 2 * LEAST_BAND;
  // Of the same deployment a load between two others has a time between theirs; other flags or lengths show there.
  const isBetween =
    speed[time] >= (1 - SAME_LOAD) * Math.min(low.predictedMs, high.predictedMs) &&
    speed[time] <= (1 + SAME_LOAD) * Math.max(low.predictedMs, high.predictedMs);
  const isWithin = below !== undefined && above !== undefined && mine.length > 0 && isBetween;
  return {
    ratio,
    // Beyond what was measured, with other flags, or on another model of the family, nothing is known better than before.
    band: isWithin ? Math.max(least, apart, low.halfWidth, high.halfWidth) : undefined,
    source: low.source,
  };
}

/** The measured load, as far as it is like the one that is asked for. */
function sampleOf(
  time: Time,
  speed: SpeedEstimate,
  source: string,
  residual: SpeedResidual,
): Sample | undefined {
  const found = residual[time];
  if (found === null || found.predicted <= 0 || found.measured <= 0) return undefined;
  const scale = speed[time] / found.predicted;
  if (scale > LIKE_FACTOR || scale < 1 / LIKE_FACTOR) return undefined;
  return {
    batch: residual.batch,
    predictedMs: found.predicted,
    ratio: found.measured / found.predicted,
    same: residual.batch === speed.batch && Math.abs(scale - 1) <= SAME_LOAD,
    halfWidth: (found.halfWidth ?? 0) / found.measured,
    source,
  };
}

/** One for each number of requests at once, fewest first: the middle of several, those of the same load before others. */
function atEachBatch(samples: readonly Sample[]): readonly Sample[] {
  return [...new Set(samples.map(({ batch }) => batch))]
    .toSorted((one, other) => one - other)
    .flatMap((batch) => {
      const all = samples.filter((sample) => sample.batch === batch);
      const same = all.filter((sample) => sample.same);
      const some = (same.length > 0 ? same : all).toSorted((one, other) => one.ratio - other.ratio);
      const [middle, first, last] = [some[Math.floor(some.length / 2)], some[0], some.at(-1)];
      if (middle === undefined || first === undefined || last === undefined) return [];
      const scatter = (last.ratio - first.ratio) / 2 / middle.ratio;
      const halfWidth = Math.max(middle.halfWidth, scatter);
      const source = some.length === 1 ? middle.source : `median of ${some.length}, ${middle.source} …`;
      return [{ ...middle, halfWidth, source }];
    });
}
