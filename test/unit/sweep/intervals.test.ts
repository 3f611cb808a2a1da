import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { batchCount, batchMeansError } from '../../../src/core/sweep/batchMeans.ts';
import { compareRuns } from '../../../src/core/sweep/compare.ts';
import type { LoadResult } from '../../../src/core/sweep/loadResult.ts';
import { cellInterval, outlyingTrials } from '../../../src/core/sweep/repeats.ts';
import type { CellResult, RunResults } from '../../../src/core/sweep/run.ts';
import { summariseTrial } from '../../../src/core/sweep/statistics.ts';
import { studentTCdf, studentTQuantile } from '../../../src/core/sweep/studentT.ts';
import { madeCell } from './madeCells.ts';
import { closedLoop, normalFrom, randomFrom } from './simulatedLoad.ts';

describe("Student's t", () => {
  it('has the quantiles of the tables', () => {
    for (const [degrees, quantile] of [
      [1, 12.7062],
      [2, 4.30265],
      [4, 2.77645],
      [9, 2.26216],
      [29, 2.04523],
      [1000, 1.96234],
    ] as const)
      expect(studentTQuantile(0.975, degrees)).toBeCloseTo(quantile, 4);
  });

  it('is the inverse of its distribution, and symmetric', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 0.001, max: 0.999, noNaN: true }),
        fc.integer({ min: 1, max: 200 }),
        (p, n) => {
          expect(studentTCdf(studentTQuantile(p, n), n)).toBeCloseTo(p, 9);
          expect(studentTQuantile(1 - p, n)).toBeCloseTo(-studentTQuantile(p, n), 5);
        },
      ),
    );
  });
});

/** Share of `runs` seeds for which `covers` holds. */
function coverage(runs: number, covers: (seed: number) => boolean): number {
  let held = 0;
  for (let seed = 1; seed <= runs; seed++) if (covers(seed)) held++;
  return held / runs;
}

describe('the error by batch means', () => {
  it('covers the mean of a correlated series about as often as it says, where a variance over its values does not', () => {
    const [values, correlation] = [2400, 0.95];
    const series = (seed: number) => {
      const normal = normalFrom(randomFrom(seed));
      let state = normal() / Math.sqrt(1 - correlation ** 2);
      return Array.from({ length: values }, () => {
        state = correlation * state + normal();
        return 100 + state;
      });
    };
    const batched = (all: readonly number[], count: number) =>
      Array.from({ length: count }, (_, at) => {
        const part = all.slice((at * values) / count, ((at + 1) * values) / count);
        return part.reduce((sum, value) => sum + value, 0) / part.length;
      });
    const covers = (error: { low: number; high: number } | undefined) =>
      error !== undefined && error.low <= 100 && error.high >= 100;
    const byBatches = coverage(400, (seed) => covers(batchMeansError(batched(series(seed), 20))));
    const naive = coverage(400, (seed) => {
      const all = series(seed);
      const mean = all.reduce((sum, value) => sum + value, 0) / values;
      const deviation = Math.sqrt(all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values - 1));
      const half = (1.96 * deviation) / Math.sqrt(values);
      return covers({ low: mean - half, high: mean + half });
    });
    expect(byBatches).toBeGreaterThan(0.9);
    expect(byBatches).toBeLessThanOrEqual(1);
    expect(naive).toBeLessThan(0.4);
  });

  it("covers a batching server's true rate in a trial of the default length: ten rounds of 16 users", () => {
    // Every step gives each of 16 requests a token: 16 / stepMs whatever the noise of single steps.
    const [stepMs, concurrency] = [10, 16];
    const truth = (1000 * concurrency) / stepMs;
    const rate = coverage(200, (seed) => {
      const { systemTokensPerSecondError: error } = summariseTrial(
        closedLoop({ concurrency, requests: 160, seed, stepMs, correlation: 0.98, noise: 0.3 }),
        null,
      );
      return error !== undefined && error.low <= truth && error.high >= truth;
    });
    expect(rate).toBeGreaterThan(0.85);
  });

  it('takes ten batches at least, of one mean E2E where the window is long enough, and none where it is far too short', () => {
    expect(batchCount(4000, 1000)).toBeNull();
    expect(batchCount(9000, 1000)).toBe(10);
    expect(batchCount(17_500, 1000)).toBe(17);
    expect(batchCount(1e9, 1000)).toBe(30);
    expect(batchCount(0, 0)).toBeNull();
  });
});

const trialOf = (system: number): LoadResult => ({
  requests: { ok: 100, failed: 0, byKind: {} },
  tokens: { input: 1, output: 1 },
  ttftMs: { mean: 1, p50: 1, p90: null, p95: null, p99: null },
  tpotMs: { mean: 1, p50: 1, p90: null, p95: null, p99: null },
  itlMs: { mean: 1, p50: 1, p90: null, p95: null, p99: null },
  e2eMs: { mean: 1, p50: 1, p90: null, p95: null, p99: null },
  perQueryTokensPerSecond: 1,
  systemTokensPerSecond: system,
  goodput: null,
  client: null,
});

describe('repeats', () => {
  it('have an interval that covers the truth in 95 of 100 runs', () => {
    for (const n of [3, 5]) {
      const rate = coverage(1000, (seed) => {
        const normal = normalFrom(randomFrom(seed + 7919 * n));
        const trials = Array.from({ length: n }, () => trialOf(1000 + 30 * normal()));
        const interval = cellInterval(trials)?.systemTokensPerSecond;
        return interval !== undefined && interval.low <= 1000 && interval.high >= 1000;
      });
      expect(rate).toBeGreaterThan(0.93);
      expect(rate).toBeLessThan(0.97);
    }
  });

  it('of three at a deviation of 3 % cannot support a claim of 5 %', () => {
    const { low = 0, high = 0 } = cellInterval([970, 1000, 1030].map(trialOf))?.systemTokensPerSecond ?? {};
    expect((high - low) / 2 / 1000).toBeCloseTo(0.0745, 3);
  });

  it('flag the one that stands apart, and keep it in the mean', () => {
    const trials = [1000, 1004, 997, 1001, 640].map(trialOf);
    expect(outlyingTrials(trials)).toEqual([{ trial: 4, why: expect.stringContaining('640') }]);
    expect(cellInterval(trials)?.systemTokensPerSecond?.mean).toBeCloseTo(928.4, 6);
    expect(outlyingTrials([1000, 1000, 1000, 1000, 1001].map(trialOf))).toEqual([]);
    expect(outlyingTrials([1000, 640].map(trialOf))).toEqual([]);
  });
});

const runOf = (run: string, cells: readonly CellResult[]): RunResults => ({
  schema: 1,
  run,
  name: run,
  mode: 'measured',
  host: 'gpu-01',
  engine: { name: 'vllm', version: '0.26.0' },
  model: 'm',
  device: 'h100-sxm-80gb',
  outcome: 'completed',
  serviceLevel: null,
  cells,
  answer: null,
  warnings: [],
});

describe('two runs', () => {
  it('that are the same have no real difference in about 95 of 100 pairs', () => {
    for (const n of [2, 3, 5]) {
      const rate = coverage(600, (seed) => {
        const normal = normalFrom(randomFrom(seed + 104_729 * n));
        const draw = () => Array.from({ length: n }, () => 1000 + 30 * normal());
        const { cells } = compareRuns(
          runOf('a', [madeCell('c', draw())]),
          runOf('b', [madeCell('c', draw())]),
        );
        return cells[0]?.metrics.systemTokensPerSecond?.verdict === 'no-real-difference';
      });
      expect(rate).toBeGreaterThan(0.92);
    }
  });

  it('of the same seeds show a difference that is smaller than either interval', () => {
    const noise = [-60, 10, 80];
    const a = runOf('a', [
      madeCell(
        'c',
        noise.map((off) => 1000 + off),
      ),
    ]);
    const b = runOf('b', [
      madeCell(
        'c',
        noise.map((off, at) => 1030 + off + at),
      ),
    ]);
    const difference = compareRuns(a, b).cells[0]?.metrics.systemTokensPerSecond;
    expect(difference).toMatchObject({ method: 'paired', verdict: 'higher', difference: 31 });
    const [one, other] = [a, b].map(({ cells }) => cells[0]?.interval?.systemTokensPerSecond);
    expect(one?.high).toBeGreaterThan(other?.low ?? 0);
  });

  it('are paired by content, else by label; what one alone has is named', () => {
    const a = runOf('a', [madeCell('one', [1, 1]), madeCell('two', [1, 1])]);
    const b = runOf('b', [madeCell('two', [1, 1]), madeCell('three', [1, 1])]);
    expect(compareRuns(a, b)).toMatchObject({ pairedBy: 'cell', onlyFirst: ['one'], onlySecond: ['three'] });
    const renamed = runOf('b', [{ ...madeCell('two', [1, 1]), cell: 'other' }]);
    expect(compareRuns(a, renamed)).toMatchObject({ pairedBy: 'label', onlyFirst: ['one'], onlySecond: [] });
    expect(compareRuns(a, runOf('c', [])).pairedBy).toBe('none');
  });

  it('say nothing of a single trial without an error, and nothing of cells that do not count', () => {
    const single = compareRuns(runOf('a', [madeCell('c', [1000])]), runOf('b', [madeCell('c', [2000])]));
    expect(single.cells[0]?.metrics.systemTokensPerSecond).toMatchObject({
      verdict: 'uncertain',
      low: null,
      method: 'none',
    });
    const failed = compareRuns(
      runOf('a', [madeCell('c', [1000, 1001])]),
      runOf('b', [madeCell('c', [], { state: 'failed' })]),
    );
    expect(failed.cells[0]).toMatchObject({ notCompared: 'the second is failed', metrics: {} });
    const checks = {
      stationary: true,
      littleResidual: 0.3,
      consistent: false,
      clientBound: false,
      inputLengthMiss: null,
      outputLengthMiss: null,
      notes: [],
    };
    const untrue = compareRuns(
      runOf('a', [madeCell('c', [1000], {}, { checks })]),
      runOf('b', [madeCell('c', [1000])]),
    );
    expect(untrue.cells[0]).toMatchObject({ notCompared: "the first is against Little's law", metrics: {} });
  });

  it('together show a change that no cell shows alone', () => {
    const normal = normalFrom(randomFrom(3));
    const cells = (factor: number) =>
      Array.from({ length: 12 }, (_, at) =>
        madeCell(
          `c${at}`,
          [0, 1].map(() => factor * (100 * (at + 1)) * (1 + 0.02 * normal())),
        ),
      );
    const { overall } = compareRuns(runOf('a', cells(1)), runOf('b', cells(1.04)));
    expect(overall.systemTokensPerSecond).toMatchObject({ verdict: 'higher', cells: 12 });
    expect(overall.systemTokensPerSecond?.relative).toBeCloseTo(0.04, 1);
  });
});
