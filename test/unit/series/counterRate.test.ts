import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CounterRate } from '../../../src/core/series/counterRate.ts';

const rates = (...readings: readonly (readonly [number, number | null])[]) => {
  const counter = new CounterRate();
  return readings.map(([timeMs, value]) => counter.next({ timeMs, value }));
};

describe('the rate of a counter', () => {
  it('is the difference over the time, per second', () => {
    expect(rates([0, 100], [500, 200], [1000, 200])).toEqual([Number.NaN, 200, 0]);
  });

  it('is not known after a reset, an unknown reading or at the same instant', () => {
    expect(rates([0, 100], [1000, 20], [2000, 50])).toEqual([Number.NaN, Number.NaN, 30]);
    expect(rates([0, 1], [1000, null], [2000, 9], [3000, 10])).toEqual([
      Number.NaN,
      Number.NaN,
      Number.NaN,
      1,
    ]);
    expect(rates([0, 1], [0, 5])).toEqual([Number.NaN, Number.NaN]);
  });

  it('adds up to the growth of the counter', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(1000), { minLength: 2, maxLength: 50 }), (steps) => {
        let total = 0;
        const readings = steps.map((step, i) => {
          total += step;
          return [i * 250, total] as const;
        });
        const growth = rates(...readings)
          .slice(1)
          .reduce((sum, rate) => sum + rate / 4, 0);
        expect(growth).toBeCloseTo(total - (steps[0] ?? 0), 6);
      }),
    );
  });
});
