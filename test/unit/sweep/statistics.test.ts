import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bucketMiddleMs,
  certifiedFrom,
  summarise,
  summariseGaps,
  summariseTrial,
  upperP95,
} from '../../../src/core/sweep/statistics.ts';
import { type MadeRequest, measurementOf, sameRequests } from './plans.ts';
import { randomFrom } from './simulatedLoad.ts';

const time = fc.double({ min: 0.01, max: 1e6, noNaN: true });
const sample = fc.array(time, { minLength: 1, maxLength: 900 });

describe('percentiles', () => {
  it('are certified by the least sample that shows one outlier with a chance of 1 %', () => {
    for (const [name, p] of [
      ['p50', 0.5],
      ['p90', 0.9],
      ['p95', 0.95],
      ['p99', 0.99],
    ] as const) {
      const atMostOneBeyond = (n: number) => p ** n + n * (1 - p) * p ** (n - 1);
      expect(atMostOneBeyond(certifiedFrom[name]), name).toBeLessThanOrEqual(0.01);
      expect(atMostOneBeyond(certifiedFrom[name] - 1), name).toBeGreaterThan(0.01);
    }
  });

  it.each(Object.entries(certifiedFrom))('%s needs %d values, not one less', (name, count) => {
    const values = Array.from({ length: count }, (_, at) => at + 1);
    expect(summarise(values)).toHaveProperty(name, expect.any(Number));
    expect(summarise(values.slice(1))).toHaveProperty(name, null);
  });

  it('are the values at their ranks', () => {
    const thousand = Array.from({ length: 1000 }, (_, at) => 1000 - at);
    expect(summarise(thousand)).toEqual({ mean: 500.5, p50: 500, p90: 900, p95: 950, p99: 990 });
  });

  it('are values of the sample, in order, and do not depend on its order', () => {
    fc.assert(
      fc.property(sample, fc.infiniteStream(fc.nat()), (values, random) => {
        const result = summarise(values);
        const given = [result.p50, result.p90, result.p95, result.p99].filter((value) => value !== null);
        for (const value of given) expect(values).toContain(value);
        expect(given).toEqual([...given].sort((a, b) => a - b));
        const shuffled = values
          .map((value) => [value, random.next().value as number] as const)
          .sort((a, b) => a[1] - b[1])
          .map(([value]) => value);
        const { mean, ...rest } = summarise(shuffled);
        expect(rest).toEqual({ p50: result.p50, p90: result.p90, p95: result.p95, p99: result.p99 });
        expect(mean).toBeCloseTo(result.mean ?? Number.NaN, 4);
      }),
    );
  });

  it('bound the share of the sample on either side', () => {
    fc.assert(
      fc.property(sample, (values) => {
        const result = summarise(values);
        for (const [value, p] of [
          [result.p50, 0.5],
          [result.p90, 0.9],
          [result.p95, 0.95],
          [result.p99, 0.99],
        ] as const) {
          if (value === null) continue;
          expect(values.filter((other) => other <= value).length).toBeGreaterThanOrEqual(
            p * values.length - 1e-6,
          );
          expect(values.filter((other) => other < value).length).toBeLessThanOrEqual(
            p * values.length + 1e-6,
          );
        }
      }),
    );
  });

  it('rise when the sample does', () => {
    fc.assert(
      fc.property(sample, fc.double({ min: 0, max: 1e6, noNaN: true }), (values, by) => {
        const before = summarise(values);
        const after = summarise(values.map((value) => value + by));
        for (const name of ['p50', 'p90', 'p95', 'p99'] as const) {
          if (before[name] !== null) expect(after[name]).toBeGreaterThanOrEqual(before[name]);
        }
      }),
    );
  });
});

describe('gaps between tokens', () => {
  const histogramOf = (gaps: readonly number[], minMs: number, ratio: number) => {
    const counts = new Map<number, number>();
    for (const gap of gaps) {
      const bucket = Math.max(0, Math.floor(Math.log(gap / minMs) / Math.log(ratio)));
      counts.set(bucket, (counts.get(bucket) ?? 0) + 1);
    }
    return { minMs, ratio, counts: [...counts].sort(([a], [b]) => a - b) };
  };

  it('have the percentiles of the gaps themselves within a bucket', () => {
    const gaps = fc.array(fc.double({ min: 0.02, max: 1e5, noNaN: true }), {
      minLength: 662,
      maxLength: 1500,
    });
    fc.assert(
      fc.property(gaps, fc.double({ min: 1.001, max: 1.2, noNaN: true }), (values, ratio) => {
        const exact = summarise(values);
        const estimated = summariseGaps(histogramOf(values, 0.01, ratio), 662);
        for (const name of ['p50', 'p90', 'p95', 'p99'] as const) {
          const [real, ours] = [exact[name] ?? Number.NaN, estimated[name] ?? Number.NaN];
          expect(Math.max(real / ours, ours / real)).toBeLessThanOrEqual(ratio * (1 + 1e-9));
        }
        const [realMean, ourMean] = [exact.mean ?? Number.NaN, estimated.mean ?? Number.NaN];
        expect(Math.max(realMean / ourMean, ourMean / realMean)).toBeLessThanOrEqual(ratio);
      }),
      { numRuns: 40 },
    );
  });

  it('weigh each gap, not each bucket', () => {
    const gaps = {
      minMs: 1,
      ratio: 2,
      counts: [
        [0, 99],
        [10, 1],
      ] as const,
    };
    const result = summariseGaps(gaps, 1000);
    expect(result.p95).toBe(bucketMiddleMs(gaps, 0));
    expect(result.mean).toBeCloseTo(0.99 * Math.SQRT2 + 0.01 * 1024 * Math.SQRT2, 6);
  });

  it('are certified by requests: a few long answers are no sample', () => {
    const gaps = { minMs: 1, ratio: 1.1, counts: [[5, 100_000]] as const };
    expect(summariseGaps(gaps, 10)).toMatchObject({ p50: null, p95: null });
    expect(summariseGaps(gaps, 130).p95).not.toBeNull();
  });
});

describe('the upper end of a p95', () => {
  it('is not exceeded by the true percentile in 95 of 100 samples, and is no value of a small one', () => {
    const random = randomFrom(5);
    for (const size of [130, 300, 1000]) {
      let held = 0;
      for (let run = 0; run < 1000; run++) {
        const bound = upperP95(Array.from({ length: size }, () => random()));
        if ((bound ?? 0) >= 0.95) held++;
      }
      expect(held).toBeGreaterThan(935);
    }
    expect(upperP95(Array.from({ length: 58 }, () => 1))).toBeNull();
    expect(upperP95(Array.from({ length: 59 }, (_, at) => at))).toBe(58);
  });

  it.each([1_000, 20_000, 300_000])('comes close to the percentile itself in a sample of %d', (size) => {
    const bound = (upperP95(Array.from({ length: size }, (_, at) => at + 1)) ?? 0) / size;
    // By the normal approximation of the binomial.
    const expected = 0.95 + 1.645 * Math.sqrt((0.95 * 0.05) / size);
    expect(Math.abs(bound - expected)).toBeLessThan(2 / size + 0.001 * (1 - expected));
  });
});

describe('a trial', () => {
  it('has TPOT without the first token and rates over the whole request', () => {
    const result = summariseTrial(
      measurementOf(sameRequests(140, { ttftMs: 50, tpotMs: 10, outputTokens: 96 })),
      null,
    );
    expect(result.ttftMs.p95).toBe(50);
    expect(result.tpotMs.p95).toBeCloseTo(10, 9);
    expect(result.e2eMs.p50).toBe(1000);
    expect(result.perQueryTokensPerSecond).toBeCloseTo(96, 9);
    expect(result.systemTokensPerSecond).toBeCloseTo(96, 9);
    expect(result.ttftMs.p99).toBeNull();
    expect(result.goodput).toBeNull();
  });

  it('counts failures by kind and leaves their times out', () => {
    const requests: MadeRequest[] = [
      ...sameRequests(20, { ttftMs: 10, tpotMs: 1, outputTokens: 11 }),
      ...sameRequests(3, { ttftMs: 9000, tpotMs: 1, outputTokens: 11, failed: true }),
    ];
    const result = summariseTrial(measurementOf(requests), null);
    expect(result.requests).toEqual({ ok: 20, failed: 3, byKind: { 'http-status': 3 } });
    expect(result.ttftMs.mean).toBe(10);
    expect(result.tokens).toEqual({ input: 4000, output: 220 });
  });

  it('counts only requests that keep every limit as goodput', () => {
    const requests = [
      ...sameRequests(30, { ttftMs: 100, tpotMs: 10, outputTokens: 91 }),
      ...sameRequests(10, { ttftMs: 600, tpotMs: 10, outputTokens: 41 }),
      ...sameRequests(10, { ttftMs: 100, tpotMs: 200, outputTokens: 5 }),
    ];
    const result = summariseTrial(measurementOf(requests), { ttftP95Ms: 500, perQueryTokensPerSecond: 10 });
    expect(result.requestsPerSecond).toBeGreaterThan(0.9);
    expect(result.goodput).toBeCloseTo((30 / 50) * (result.requestsPerSecond ?? 0), 9);
  });

  it('does not take an answer without a token count for one without tokens', () => {
    const requests = [
      ...sameRequests(20, { ttftMs: 10, tpotMs: 1, outputTokens: 11 }),
      { ttftMs: 10, tpotMs: 1, outputTokens: null },
    ];
    const result = summariseTrial(measurementOf(requests), null);
    expect(result.systemTokensPerSecond).toBeNull();
    expect(result.perQueryTokensPerSecond).toBeCloseTo(550, 6);
  });

  it('of nothing but failures has no figure at all', () => {
    const result = summariseTrial(
      measurementOf(sameRequests(5, { ttftMs: 1, tpotMs: 1, outputTokens: 2, failed: true })),
      { ttftP95Ms: 500 },
    );
    expect(result.ttftMs).toEqual({ mean: null, p50: null, p90: null, p95: null, p99: null });
    expect(result.systemTokensPerSecond).toBeNull();
    expect(result.perQueryTokensPerSecond).toBeNull();
  });
});
