import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeSeries } from '../../../src/core/series/timeSeries.ts';

/** Values that a 32-bit float holds exactly, with gaps. */
const value = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -1000, max: 1000 }) },
  { weight: 1, arbitrary: fc.constant(null) },
);

function filled(values: readonly (number | null)[], capacity: number): TimeSeries {
  const series = new TimeSeries(1, capacity);
  for (const [time, y] of values.entries()) series.append(time, [y]);
  return series;
}

describe('a time series', () => {
  it('keeps the newest rows under the numbers they were given', () => {
    const series = filled([10, 11, 12, 13, 14], 3);
    expect([series.start, series.end, series.firstTime, series.lastTime]).toEqual([2, 5, 2, 4]);
    expect([series.value(2, 0), series.value(4, 0)]).toEqual([12, 14]);
  });

  it('refuses time that runs backwards', () => {
    const series = filled([1, 2], 8);
    expect(() => series.append(0.5, [3])).toThrow(RangeError);
    expect(series.end).toBe(2);
  });

  it('draws every sample where there are few, a gap as NaN', () => {
    const line = filled([1, null, 3], 8).line(0, 0, 10, 100);
    expect(line.x).toEqual([0, 1, 2]);
    expect(line.y).toEqual([1, Number.NaN, 3]);
  });

  it('reaches one sample beyond each side of the window', () => {
    expect(filled([0, 1, 2, 3, 4, 5, 6], 8).line(0, 2, 4, 100).x).toEqual([1, 2, 3, 4]);
  });

  it('never draws more points than asked for, in time order, each a sample that was taken', () => {
    fc.assert(
      fc.property(
        fc.array(value, { minLength: 1, maxLength: 600 }),
        fc.integer({ min: 8, max: 400 }),
        fc.integer({ min: 8, max: 120 }),
        (values, capacity, maxPoints) => {
          const line = filled(values, capacity).line(0, 0, values.length, maxPoints);
          expect(line.x.length).toBeLessThanOrEqual(maxPoints);
          for (const [i, x] of line.x.entries()) {
            expect(line.y[i]).toEqual(values[x] ?? Number.NaN);
            if (i > 0) expect(x).toBeGreaterThan(line.x[i - 1] ?? Number.POSITIVE_INFINITY);
          }
        },
      ),
    );
  });

  it('keeps the highest and the lowest sample of what is drawn', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 64, maxLength: 900 }),
        (values) => {
          const { y } = filled(values, 1024).line(0, 0, values.length, 60);
          expect(Math.max(...y)).toBe(Math.max(...values));
          expect(Math.min(...y)).toBe(Math.min(...values));
        },
      ),
    );
  });

  it('breaks the line between two samples that stand in buckets on either side of a gap', () => {
    const values: (number | null)[] = Array.from({ length: 512 }, (_, i) => i % 7);
    for (let row = 200; row < 260; row++) values[row] = null;
    const { x, y } = filled(values, 512).line(0, 0, 512, 100);
    const before = x.findLastIndex((time) => time < 200);
    expect(y.slice(before + 1).findIndex((drawn) => Number.isNaN(drawn))).toBe(0);
    expect(x.filter((_, i) => Number.isNaN(y[i] ?? 0)).every((time) => time >= 200 && time < 260)).toBe(true);
  });

  it('tells the same figures of any window as counting its samples one by one does', () => {
    const window = fc.tuple(fc.integer({ min: -5, max: 1200 }), fc.integer({ min: -5, max: 1200 }));
    fc.assert(
      fc.property(
        fc.array(fc.option(fc.integer({ min: -1000, max: 1000 }), { freq: 4 }), {
          minLength: 1,
          maxLength: 1200,
        }),
        fc.constantFrom(64, 300, 2048),
        window,
        (values, capacity, [from, to]) => {
          const series = filled(values, capacity);
          const known = values.flatMap((one, time) =>
            one !== null && time >= from && time <= to && time >= values.length - capacity ? [one] : [],
          );
          const figures = series.statistics(0, from, to);
          if (known.length === 0) return figures === undefined;
          expect(figures).toMatchObject({
            count: known.length,
            last: known.at(-1),
            min: Math.min(...known),
            max: Math.max(...known),
          });
          expect(figures?.mean).toBeCloseTo(known.reduce((sum, one) => sum + one, 0) / known.length, 6);
          return true;
        },
      ),
    );
  });

  it('tells the figures of a window over what is known, and none where nothing is', () => {
    const series = filled([1, null, 5, 3, 100], 8);
    expect(series.statistics(0, 0, 3)).toEqual({ count: 3, last: 3, min: 1, mean: 3, max: 5 });
    expect(series.statistics(0, 1, 1)).toBeUndefined();
  });
});
