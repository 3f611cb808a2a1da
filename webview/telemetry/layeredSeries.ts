import { type DrawnLine, TimeSeries, type WindowStatistics } from '../../src/core/series/timeSeries.ts';
import { rowNumbers, type TelemetrySlice } from '../../src/protocol/telemetryHistory.ts';
import type { TimeWindow } from './timeWindow.ts';

/** A line has about so many buckets a pixel where the extension is asked for more detail. */
const bucketsAPixel = 0.5;

/**
 * The samples that came while the page was there, over what the extension says of the time before: all of it in buckets, and a stretch of
 * it finer. Host's times.
 */
export class LayeredSeries extends TimeSeries {
  #past: PastSeries | undefined;
  #detail: PastSeries | undefined;

  /** All that the extension has of the time before the page was there. */
  restore(slice: TelemetrySlice): void {
    this.#past = new PastSeries(slice);
  }

  /** A part of it in more detail. */
  refine(slice: TelemetrySlice): void {
    this.#detail = new PastSeries(slice);
  }

  /** The part of the window that `pixels` could show in more detail than it is known here; undefined: none. */
  wanting({ fromMs, toMs }: TimeWindow, pixels: number): TimeWindow | undefined {
    const past = this.#past;
    if (past === undefined || fromMs >= past.toMs || toMs <= past.fromMs) return undefined;
    const wantedMs = (toMs - fromMs) / (bucketsAPixel * pixels);
    const part = { fromMs: Math.max(fromMs, past.fromMs), toMs: Math.min(toMs, past.toMs) };
    const known = this.#pastOf(part);
    return known.bucketMs <= wantedMs ? undefined : part;
  }

  override get firstTime(): number | undefined {
    return this.#past?.fromMs ?? super.firstTime;
  }

  override get lastTime(): number | undefined {
    return super.lastTime ?? this.#past?.toMs;
  }

  override valueAt(column: number, time: number): number {
    const live = super.firstTime;
    if (live !== undefined && time >= live) return super.valueAt(column, time);
    return this.#past === undefined
      ? Number.NaN
      : this.#pastOf({ fromMs: time, toMs: time }).valueAt(column, time);
  }

  override line(column: number, from: number, to: number, maxPoints: number): DrawnLine {
    const past = this.#past;
    if (past === undefined || from > past.toMs) return super.line(column, from, to, maxPoints);
    const edge = Math.min(to, past.toMs);
    const [first, last] = [Math.max(from, past.fromMs), Math.min(to, this.lastTime ?? to)];
    const share = last > first ? Math.max(0, edge - first) / (last - first) : 1;
    const points = Math.max(8, Math.round(maxPoints * share));
    const before = this.#pastOf({ fromMs: from, toMs: edge }).line(
      column,
      from,
      edge,
      Math.min(points, maxPoints),
    );
    if (to <= past.toMs || super.lastTime === undefined) return before;
    const after = super.line(column, past.toMs, to, Math.max(8, maxPoints - points));
    return { x: [...before.x, ...after.x], y: [...before.y, ...after.y] };
  }

  override statistics(column: number, from: number, to: number): WindowStatistics | undefined {
    const past = this.#past;
    if (past === undefined || from > past.toMs) return super.statistics(column, from, to);
    const before = this.#pastOf({ fromMs: from, toMs: Math.min(to, past.toMs) }).statisticsOf(
      column,
      from,
      to,
    );
    const after = super.lastTime === undefined ? undefined : super.statistics(column, from, to);
    if (before === undefined || after === undefined) return before ?? after;
    const count = before.count + after.count;
    return {
      count,
      last: after.last,
      min: Math.min(before.min, after.min),
      mean: (before.mean * before.count + after.mean * after.count) / count,
      max: Math.max(before.max, after.max),
    };
  }

  /** The finest that covers a part of the past. */
  #pastOf({ fromMs, toMs }: TimeWindow): PastSeries {
    const [past, detail] = [this.#past, this.#detail];
    if (past === undefined) throw new Error('there is no past');
    const [from, to] = [Math.max(fromMs, past.fromMs), Math.min(toMs, past.toMs)];
    // A bucket's width of slack at the edges: a window that moves on with the time asks no more for what it has.
    const slack = past.bucketMs;
    const covers = detail !== undefined && detail.fromMs <= from + slack && detail.toMs >= to - slack;
    return covers ? detail : past;
  }
}

/** A slice, as a series: of a bucket its least, then its most, so that every peak is drawn; sums beside it. */
class PastSeries extends TimeSeries {
  readonly fromMs: number;
  readonly toMs: number;
  readonly bucketMs: number;
  readonly #slice: TelemetrySlice;

  constructor(slice: TelemetrySlice) {
    const { header, times, bucketMs, gaps } = slice;
    const columns = rowNumbers(header);
    const perBucket = bucketMs === 0 ? 1 : 2;
    super(columns, Math.max(1, times.length * perBucket + gaps.length));
    this.#slice = slice;
    this.fromMs = slice.fromMs;
    this.toMs = slice.toMs;
    this.bucketMs = bucketMs;
    const breaks = bucketMs === 0 ? [] : gaps.map(({ fromMs }) => Math.max(fromMs, slice.fromMs));
    const row = (values: ArrayLike<number>, at: number) =>
      Array.from({ length: columns }, (_, column) => values[at * columns + column] ?? Number.NaN);
    for (let at = 0; at < times.length; at++) {
      const time = times[at] ?? Number.NaN;
      while (breaks[0] !== undefined && breaks[0] <= time)
        this.appendGap(Math.max(breaks.shift() ?? time, this.lastTime ?? 0));
      if (bucketMs === 0) this.append(time, row(slice.mean, at));
      else {
        this.append(time, row(slice.low, at));
        this.append(time + bucketMs / 2, row(slice.high, at));
      }
    }
  }

  /** As `statistics`; of buckets, those that begin in the time, at least one. */
  statisticsOf(column: number, from: number, to: number): WindowStatistics | undefined {
    const { bucketMs, times, mean, low, high, counts } = this.#slice;
    if (bucketMs === 0) return this.statistics(column, from, to);
    let [count, sum, min, max, last] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, Number.NaN];
    for (let bucket = 0; bucket < times.length; bucket++) {
      const time = times[bucket] ?? Number.NaN;
      const at = bucket * this.columns + column;
      const known = counts[at] ?? 0;
      if (known === 0 || time + bucketMs <= from || time > to) continue;
      const value = mean[at] ?? Number.NaN;
      count += known;
      sum += known * value;
      min = Math.min(min, low[at] ?? value);
      max = Math.max(max, high[at] ?? value);
      last = value;
    }
    return count === 0 ? undefined : { count, last, min, mean: sum / count, max };
  }
}
