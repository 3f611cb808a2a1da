/** Each level's bucket covers this many of the level below. */
const factor = 4;

/** Sums are kept from this width up: the rows at the edges of a stretch are few enough to be added one by one. */
const summedWidth = 64;

/** What is known of a stretch of rows. */
export interface RowTotals {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

/** Where, counted from the bucket's first row, its extremes and its first and last gap stand; -1 for none. */
interface Level {
  /** Rows that one bucket covers. */
  readonly width: number;
  readonly min: Int32Array;
  readonly max: Int32Array;
  readonly firstGap: Int32Array;
  readonly lastGap: Int32Array;
  /** Over the values that are known; undefined below `summedWidth`. */
  readonly totals: { readonly sum: Float64Array; readonly count: Int32Array } | undefined;
}

/**
 * Row numbers of minimum, maximum and gaps in buckets of 4, 16, 64 … rows over a ring of values. A row costs
 * O(levels) to add; a drawing costs its points, whatever the length of the history.
 */
export class MinMaxPyramid {
  readonly #levels: readonly Level[];

  /** `ring[row % ring.length]` is row `row`. */
  constructor(readonly ring: Float32Array) {
    const levels: Level[] = [];
    for (let width = factor; width * factor <= ring.length; width *= factor) {
      // One more than fit, for the bucket that is half overwritten while a new one fills.
      const buckets = Math.ceil(ring.length / width) + 1;
      const places = () => new Int32Array(buckets);
      levels.push({
        width,
        min: places(),
        max: places(),
        firstGap: places(),
        lastGap: places(),
        totals:
          width < summedWidth
            ? undefined
            : { sum: new Float64Array(buckets), count: new Int32Array(buckets) },
      });
    }
    this.#levels = levels;
  }

  /** Row `row` has just been written to the ring. */
  appended(row: number): void {
    const value = this.#value(row);
    for (const { width, min, max, firstGap, lastGap, totals } of this.#levels) {
      const within = row % width;
      const slot = Math.floor(row / width) % min.length;
      const first = row - within;
      if (totals !== undefined) {
        const known = !Number.isNaN(value);
        const [sum, count] = within === 0 ? [0, 0] : [totals.sum[slot] ?? 0, totals.count[slot] ?? 0];
        totals.sum[slot] = known ? sum + value : sum;
        totals.count[slot] = known ? count + 1 : count;
      }
      if (within === 0) {
        min[slot] = max[slot] = Number.isNaN(value) ? -1 : 0;
        firstGap[slot] = lastGap[slot] = Number.isNaN(value) ? 0 : -1;
      } else if (Number.isNaN(value)) {
        if (firstGap[slot] === -1) firstGap[slot] = within;
        lastGap[slot] = within;
      } else {
        const [lowest, highest] = [min[slot] ?? -1, max[slot] ?? -1];
        if (lowest < 0 || value < this.#value(first + lowest)) min[slot] = within;
        if (highest < 0 || value > this.#value(first + highest)) max[slot] = within;
      }
    }
  }

  /** Over the known values of the rows `[first, last)`, all of them still held. */
  totals(first: number, last: number): RowTotals {
    let [count, sum, min, max] = [0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let row = first; row < last; ) {
      const level = this.#widestFrom(row, last);
      const slot = level === undefined ? 0 : Math.floor(row / level.width) % level.min.length;
      if (level?.totals === undefined) {
        const value = this.#value(row);
        row += 1;
        if (Number.isNaN(value)) continue;
        count += 1;
        sum += value;
        min = Math.min(min, value);
        max = Math.max(max, value);
        continue;
      }
      const [lowest, highest] = [level.min[slot] ?? -1, level.max[slot] ?? -1];
      count += level.totals.count[slot] ?? 0;
      sum += level.totals.sum[slot] ?? 0;
      if (lowest >= 0) min = Math.min(min, this.#value(row + lowest));
      if (highest >= 0) max = Math.max(max, this.#value(row + highest));
      row += level.width;
    }
    return { count, sum, min, max };
  }

  /** The widest summed level with a bucket that begins at `row` and ends by `last`. */
  #widestFrom(row: number, last: number): Level | undefined {
    if (row % summedWidth !== 0) return undefined;
    return this.#levels.findLast(
      ({ width, totals }) => totals !== undefined && row % width === 0 && row + width <= last,
    );
  }

  /** Rows of `[first, last)` to draw, ascending: all of them where they are few, else each bucket's marks. */
  rows(first: number, last: number, oldest: number, maxPoints: number): number[] {
    if (last - first <= maxPoints)
      return Array.from({ length: Math.max(0, last - first) }, (_, i) => first + i);
    for (const level of this.#levels) {
      if ((2 * (last - first)) / level.width > maxPoints) continue;
      const rows = this.#marks(level, first, last, oldest);
      if (rows.length <= maxPoints) return rows;
    }
    return thinned(first, last, maxPoints);
  }

  #marks(level: Level, first: number, last: number, oldest: number): number[] {
    const rows: number[] = [];
    // The extremes of a bucket whose oldest rows are overwritten may be gone: it is left out.
    const firstBucket = Math.max(Math.floor(first / level.width), Math.ceil(oldest / level.width));
    for (let bucket = firstBucket; bucket * level.width < last; bucket++) {
      const slot = bucket % level.min.length;
      const places = [level.min[slot], level.max[slot], level.firstGap[slot], level.lastGap[slot]]
        .filter((place) => place !== undefined && place >= 0)
        .sort((a, b) => Number(a) - Number(b));
      for (const place of new Set(places)) rows.push(bucket * level.width + Number(place));
    }
    return rows;
  }

  #value(row: number): number {
    return this.ring[row % this.ring.length] ?? Number.NaN;
  }
}

/** So few points are wanted that no level is coarse enough: evenly spaced rows. */
function thinned(first: number, last: number, points: number): number[] {
  return Array.from({ length: points }, (_, i) => first + Math.floor((i * (last - first)) / points));
}
