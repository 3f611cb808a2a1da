/** Telemetry of a run, cut to the windows of a cell and summed up. */
import { slowingReasons } from '../device/slowdown.ts';
import type { CellTelemetry } from './cellResult.ts';

/** One stream of telemetry.jsonl: a run that was resumed has several. Columns as its header names them. */
export interface TelemetrySamples {
  readonly gpuColumns: readonly string[];
  readonly hostColumns: readonly string[];
  /** Of each GPU, in the order of the samples' rows. */
  readonly gpus: readonly SampledGpu[];
  /** In order of time. */
  readonly samples: readonly TelemetrySample[];
  /** Array task on whose node it was sampled; left out: the run's own. */
  readonly part?: number;
}

export interface SampledGpu {
  readonly index: number;
  /** Most that its links carry one way; null where the host does not say it. */
  readonly pcieBytesPerSecond: number | null;
  readonly nvlinkBytesPerSecond: number | null;
  /** Left out where the host does not say it. */
  readonly smClockMaxMHz?: number;
}

export interface TelemetrySample {
  readonly wallMs: number;
  /** null: not known at this tick. */
  readonly gpus: readonly (readonly (number | null)[])[];
  readonly host: readonly (number | null)[];
}

/** Part of a run's time, on the wall clock of its host. */
export interface WallSpan {
  readonly fromMs: number;
  readonly toMs: number;
}

/** Power is interpolated between samples that are no further apart. */
const MOST_GAP_MS = 3000;

/**
 * Over all spans. `gpus`: indices of the cell's GPUs; undefined: all of the stream. `outputTokens`: that came in the spans, for energy a
 * token. Undefined where no sample lies in a span.
 */
export function summariseTelemetry(
  streams: readonly TelemetrySamples[],
  spans: readonly WallSpan[],
  gpus: readonly number[] | undefined,
  outputTokens: number | null,
): CellTelemetry | undefined {
  const parts = spans.flatMap((span) =>
    streams.flatMap((stream) => {
      const [from, to] = [lowerBound(stream.samples, span.fromMs), lowerBound(stream.samples, span.toMs)];
      return to > from ? [{ stream, span, from, to }] : [];
    }),
  );
  const [first] = parts;
  if (first === undefined) return undefined;
  const rows = first.stream.gpus.flatMap(({ index }, at) =>
    gpus === undefined || gpus.includes(index) ? [at] : [],
  );
  const of = (column: string) => columnValues(parts, column, rows);
  const mean = (column: string, scale = 1) => scaledMean(of(column), scale);
  const energies = parts.map((part) => energyOf(part, rows));
  const energyJoules = energies.every((energy) => energy !== null)
    ? energies.reduce((sum, energy) => sum + (energy ?? 0), 0)
    : undefined;
  const seconds = parts.reduce((sum, { span }) => sum + (span.toMs - span.fromMs) / 1000, 0);
  const power = mean('powerWatts');
  const meanWatts =
    energyJoules !== undefined && seconds > 0
      ? energyJoules / seconds
      : power === undefined
        ? undefined
        : power * rows.length;
  const hostCpu = scaledMean(hostValues(parts, 'cpuPercent'), 0.01);
  const throttled = throttledShares(of('throttleReasons'));
  const figures = {
    meanWatts,
    energyJoules,
    joulesPerOutputToken:
      energyJoules === undefined || outputTokens === null || outputTokens <= 0
        ? undefined
        : energyJoules / outputTokens,
    utilization: mean('utilizationPercent', 0.01),
    smActive: mean('smActivePercent', 0.01),
    tensorActive: mean('tensorActivePercent', 0.01),
    dramActive: mean('dramActivePercent', 0.01),
    memoryUsedBytes: largest(of('memoryUsedBytes')),
    smClockMHz: mean('smClockMHz'),
    temperatureCelsius: largest(of('temperatureCelsius')),
    pcieTxBytesPerSecond: mean('pcieTxBytesPerSecond'),
    pcieRxBytesPerSecond: mean('pcieRxBytesPerSecond'),
    nvlinkTxBytesPerSecond: mean('nvlinkTxBytesPerSecond'),
    nvlinkRxBytesPerSecond: mean('nvlinkRxBytesPerSecond'),
    throttled,
    hostCpu,
  };
  return {
    fromWallMs: Math.min(...parts.map(({ span }) => span.fromMs)),
    toWallMs: Math.max(...parts.map(({ span }) => span.toMs)),
    samples: parts.reduce((sum, { from, to }) => sum + to - from, 0),
    gpus: rows.length,
    ...(Object.fromEntries(
      Object.entries(figures).filter(([, value]) => value !== undefined),
    ) as Partial<CellTelemetry>),
  };
}

interface Part {
  readonly stream: TelemetrySamples;
  readonly span: WallSpan;
  readonly from: number;
  readonly to: number;
}

/** First sample at or after a time. */
function lowerBound(samples: readonly TelemetrySample[], ms: number): number {
  let [low, high] = [0, samples.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((samples[middle]?.wallMs ?? 0) < ms) low = middle + 1;
    else high = middle;
  }
  return low;
}

function columnValues(parts: readonly Part[], column: string, rows: readonly number[]): number[] {
  const values: number[] = [];
  for (const { stream, from, to } of parts) {
    const at = stream.gpuColumns.indexOf(column);
    if (at < 0) continue;
    for (let index = from; index < to; index++) {
      for (const row of rows) {
        const value = stream.samples[index]?.gpus[row]?.[at] ?? null;
        if (value !== null) values.push(value);
      }
    }
  }
  return values;
}

function hostValues(parts: readonly Part[], column: string): number[] {
  const values: number[] = [];
  for (const { stream, from, to } of parts) {
    const at = stream.hostColumns.indexOf(column);
    for (let index = from; at >= 0 && index < to; index++) {
      const value = stream.samples[index]?.host[at] ?? null;
      if (value !== null) values.push(value);
    }
  }
  return values;
}

function scaledMean(values: readonly number[], scale: number): number | undefined {
  return values.length === 0
    ? undefined
    : (scale * values.reduce((sum, value) => sum + value, 0)) / values.length;
}

function largest(values: readonly number[]): number | undefined {
  return values.length === 0 ? undefined : values.reduce((most, value) => Math.max(most, value));
}

/** Of the reasons that slow a GPU down; undefined where none was read, empty where none was set. */
function throttledShares(bits: readonly number[]): Record<string, number> | undefined {
  if (bits.length === 0) return undefined;
  const shares = slowingReasons.map(
    ([bit, words]) => [words, bits.filter((value) => (value & bit) !== 0).length / bits.length] as const,
  );
  return Object.fromEntries(shares.filter(([, share]) => share > 0));
}

/**
 * Joules of the GPUs over a span, by the trapezoidal rule, with the power at its ends interpolated from the samples around them. Null
 * where a GPU's power was not read, or two readings are more than 3 s apart.
 */
function energyOf({ stream, span }: Part, rows: readonly number[]): number | null {
  const column = stream.gpuColumns.indexOf('powerWatts');
  if (column < 0 || rows.length === 0) return null;
  let total = 0;
  for (const row of rows) {
    const energy = rowEnergy(stream, span, row, column);
    if (energy === null) return null;
    total += energy;
  }
  return total;
}

function rowEnergy(
  { samples }: TelemetrySamples,
  span: WallSpan,
  row: number,
  column: number,
): number | null {
  let joules = 0;
  let covered = span.fromMs;
  let before: { readonly ms: number; readonly watts: number } | undefined;
  const begin = Math.max(0, lowerBound(samples, span.fromMs - MOST_GAP_MS));
  for (let at = begin; at < samples.length; at++) {
    const sample = samples[at];
    const watts = sample?.gpus[row]?.[column] ?? null;
    if (sample === undefined || watts === null) continue;
    const now = { ms: sample.wallMs, watts };
    if (before !== undefined && now.ms > span.fromMs) {
      const { ms, watts: last } = before;
      if (now.ms - ms > MOST_GAP_MS) return null;
      const [from, to] = [Math.max(ms, span.fromMs), Math.min(now.ms, span.toMs)];
      const wattsAt = (time: number) => last + ((watts - last) * (time - ms)) / (now.ms - ms);
      joules += ((wattsAt(from) + wattsAt(to)) / 2) * ((to - from) / 1000);
      covered = to;
      if (now.ms >= span.toMs) return joules;
    } else if (before === undefined && now.ms > span.fromMs + MOST_GAP_MS) return null;
    else if (before === undefined && now.ms > span.fromMs) {
      // The stream begins a little after the span: its first reading stands for what was before.
      joules += watts * ((Math.min(now.ms, span.toMs) - span.fromMs) / 1000);
      covered = Math.min(now.ms, span.toMs);
    }
    before = now;
  }
  // It ends a little before the span does.
  if (before === undefined || span.toMs - covered > MOST_GAP_MS) return null;
  return joules + before.watts * ((span.toMs - covered) / 1000);
}
