import { MinMaxPyramid, type RowTotals } from './minMaxPyramid.ts';

/** Points of one line, ready to draw. A NaN in `y` is a gap: the line stops there and starts anew after it. */
export interface DrawnLine {
  readonly x: number[];
  readonly y: number[];
}

/** Figures of one column between two times, over the samples that are known. */
export interface WindowStatistics {
  readonly count: number;
  readonly last: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

/**
 * The newest `capacity` rows of some columns that share one time axis. Row numbers count from the first row
 * ever appended, so that row 1234 stays row 1234 while the window slides. Values are kept as 32-bit floats
 * (seven digits), times as given. NaN is a value that is not known; it is never drawn over.
 */
export class TimeSeries {
  readonly #times: Float64Array;
  readonly #values: readonly Float32Array[];
  readonly #pyramids: readonly MinMaxPyramid[];
  #end = 0;

  constructor(
    readonly columns: number,
    readonly capacity: number,
  ) {
    if (!Number.isInteger(capacity) || capacity < 1)
      throw new RangeError('capacity is a whole number above 0');
    this.#times = new Float64Array(capacity);
    this.#values = Array.from({ length: columns }, () => new Float32Array(capacity));
    this.#pyramids = this.#values.map((values) => new MinMaxPyramid(values));
  }

  /** Number of the oldest row that is still held. */
  get start(): number {
    return Math.max(0, this.#end - this.capacity);
  }

  /** Number that the next row will have. */
  get end(): number {
    return this.#end;
  }

  get lastTime(): number | undefined {
    return this.#end > 0 ? this.time(this.#end - 1) : undefined;
  }

  get firstTime(): number | undefined {
    return this.#end > 0 ? this.time(this.start) : undefined;
  }

  /** Time must not run backwards; `values[c]` is column `c`, missing ones are not known. */
  append(time: number, values: readonly (number | null | undefined)[]): void {
    const last = this.lastTime;
    if (!Number.isFinite(time) || (last !== undefined && time < last))
      throw new RangeError(`time ${time} does not follow ${last}`);
    const slot = this.#end % this.capacity;
    this.#times[slot] = time;
    for (const [column, stored] of this.#values.entries()) stored[slot] = values[column] ?? Number.NaN;
    for (const pyramid of this.#pyramids) pyramid.appended(this.#end);
    this.#end += 1;
  }

  /** Every column is unknown from here until the next row: lines break. */
  appendGap(time: number): void {
    this.append(time, []);
  }

  time(row: number): number {
    return this.#times[row % this.capacity] ?? Number.NaN;
  }

  value(row: number, column: number): number {
    return this.#values[column]?.[row % this.capacity] ?? Number.NaN;
  }

  /** First held row at or after `time`; `end` where there is none. */
  rowAt(time: number): number {
    return this.#firstRow((at) => at >= time);
  }

  /** First held row after `time`; `end` where there is none. */
  rowAfter(time: number): number {
    return this.#firstRow((at) => at > time);
  }

  /** Of a column at a time: the newest sample up to then; NaN where it is not known. */
  valueAt(column: number, time: number): number {
    const row = this.rowAfter(time) - 1;
    return row < this.start ? Number.NaN : this.value(row, column);
  }

  /** Of a column over the rows `[first, last)`, all of them still held. */
  totals(column: number, first: number, last: number): RowTotals {
    const from = Math.max(first, this.start);
    const none = { count: 0, sum: 0, min: Number.POSITIVE_INFINITY, max: Number.NEGATIVE_INFINITY };
    return this.#pyramids[column]?.totals(from, Math.max(from, last)) ?? none;
  }

  /** `reached` stays true once it is. */
  #firstRow(reached: (time: number) => boolean): number {
    let [low, high] = [this.start, this.#end];
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      if (reached(this.time(middle))) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  /**
   * The line of a column between two times, one sample beyond each side so that it reaches the edges, in at
   * most `maxPoints` points (8 or more): every peak and trough of its bucket is kept, where it stood.
   */
  line(column: number, from: number, to: number, maxPoints: number): DrawnLine {
    const first = Math.max(this.start, this.rowAt(from) - 1);
    const last = Math.min(this.#end, this.rowAt(to) + 1);
    const rows = this.#pyramids[column]?.rows(first, last, this.start, maxPoints) ?? [];
    return { x: rows.map((row) => this.time(row)), y: rows.map((row) => this.value(row, column)) };
  }

  /** Over the samples with `from <= time <= to`; undefined where none of them is known. */
  statistics(column: number, from: number, to: number): WindowStatistics | undefined {
    const first = this.rowAt(from);
    const end = this.rowAfter(to);
    const totals = this.#pyramids[column]?.totals(first, end);
    if (totals === undefined || totals.count === 0) return undefined;
    let last = end - 1;
    while (Number.isNaN(this.value(last, column))) last -= 1;
    const { count, sum, min, max } = totals;
    return { count, last: this.value(last, column), min, mean: sum / count, max };
  }
}
