import { describe, expect, it } from 'vitest';
import { gainMap } from '../../../src/core/sweep/answers/mps.ts';
import type { Question } from '../../../src/core/sweep/planSchema.ts';
import type { CellResult, RunResults } from '../../../src/core/sweep/run.ts';
import { createFormatter } from '../../../webview/common/format.ts';
import {
  cellFigures,
  groupLabels,
  missingReason,
  standingWords,
} from '../../../webview/sweep/cellFigures.ts';
import { sweptDimensions } from '../../../webview/sweep/dimensions.ts';
import { cellFilter } from '../../../webview/sweep/filter.ts';
import { heatMap } from '../../../webview/sweep/heatMap.ts';
import { metricOf } from '../../../webview/sweep/metrics.ts';
import { plot } from '../../../webview/sweep/plot.ts';
import { type KeptChoice, plotChoice } from '../../../webview/sweep/plotChoice.ts';
import { plotSummary } from '../../../webview/sweep/plotSummary.ts';
import { headline } from '../../../webview/sweep/state.ts';
import {
  cellResult,
  loadResult,
  memoryLimitResults,
  mpsResults,
  runResults,
} from '../../webview/examples.ts';

const format = createFormatter('en-US');
const context = { dollarsPerGpuHour: 3.6 };

function input(results: RunResults, kept: KeptChoice = {}, question: Question | null = 'chat') {
  const dimensions = sweptDimensions(results.cells);
  return {
    results,
    figures: cellFigures(results, context),
    dimensions,
    choice: plotChoice(kept, question, dimensions),
    picked: null,
    format,
  };
}
const drawn = (results = runResults(), kept: KeptChoice = {}, question: Question | null = 'chat') =>
  plot(input(results, kept, question)).chart;
const at = (concurrency: number, results = runResults()) => {
  const found = cellFigures(results, context).find(({ cell }) => cell.concurrency === concurrency);
  if (found === undefined) throw new Error(`no cell of concurrency ${concurrency}`);
  return found;
};

describe('cells in figures', () => {
  it('gives the mean over trials, their spread, and the interval where there is one', () => {
    const interval = { mean: 860, low: 800, high: 920, n: 2, standardError: 15 };
    const cell = cellResult(8, {
      trials: [loadResult(8), loadResult(8, { systemTokensPerSecond: 1000 })],
      interval: { systemTokensPerSecond: interval },
    });
    const figure = at(8, runResults({ cells: [cell] })).figure('system');
    expect(figure).toMatchObject({ mean: (720 + 1000) / 2, min: 720, max: 1000, trials: 2 });
    expect(figure?.interval).toMatchObject({ low: 800, high: 920, how: 't interval over 2 trials' });
  });

  it('gives no percentile that one of the trials can’t certify, and says why', () => {
    expect(at(2).figure('ttft-p50')).not.toBeNull();
    expect(at(2).figure('ttft-p95')).toBeNull();
    expect(missingReason(at(2))).toMatch(/too small to certify/);
    expect(missingReason(at(128))).toBe('the cell failed before it could be measured');
  });

  it('costs more where throughput is less: 3.6 dollars an hour over 1,000 tokens a second is a dollar a million', () => {
    const cell = cellResult(8, { trials: [loadResult(8, { systemTokensPerSecond: 1000 })], gpuCount: 1 });
    expect(at(8, runResults({ cells: [cell] })).figure('dollars')?.mean).toBeCloseTo(1, 12);
  });

  it('tells what each cell is', () => {
    expect([1, 48, 64, 128].map((concurrency) => standingWords(at(concurrency)))).toEqual([
      'meets the SLO',
      'client-bound',
      'requests failed',
      'failed: out of memory at capture',
    ]);
    const unsteady = cellResult(4, {
      trials: [
        loadResult(4, {
          checks: {
            stationary: false,
            littleResidual: null,
            clientBound: false,
            inputLengthMiss: null,
            outputLengthMiss: null,
            notes: [],
          },
        }),
      ],
    });
    expect(standingWords(at(4, runResults({ cells: [unsteady] })))).toBe('not steady');
  });

  it('names groups by the flags that differ', () => {
    const same = { 'max-model-len': 8192 };
    expect(groupLabels([same, same])).toEqual(['', '']);
    expect(groupLabels([{ ...same, seed: 1 }, same])).toEqual(['seed 1', 'seed default']);
  });
});

describe('what was swept', () => {
  const dimensions = sweptDimensions([
    cellResult(1, { flags: { 'gpu-memory-utilization': 0.9, 'kv-cache-dtype': 'fp8', seed: 1 } }),
    cellResult(2, { flags: { 'gpu-memory-utilization': '0.3', 'kv-cache-dtype': 'auto', seed: 1 } }),
  ]);

  it('is what has at least two values, numbers by size, words in the plan’s order', () => {
    expect(dimensions.map(({ id, values }) => [id, values])).toEqual([
      ['concurrency', [1, 2]],
      ['flag:gpu-memory-utilization', [0.3, 0.9]],
      ['flag:kv-cache-dtype', ['fp8', 'auto']],
    ]);
  });
});

describe('the filter', () => {
  const results = runResults();
  const found = (text: string) =>
    cellFigures(results, context)
      .filter(cellFilter(text, sweptDimensions(results.cells)))
      .map(({ cell }) => cell.concurrency);

  it.each([
    ['concurrency>=48', [48, 64, 128]],
    ['ttft-p95<100', [1, 4]],
    ['memory', [128]],
    ['concurrency>2 meets', [4, 8, 16, 32]],
    ['concurrency=8', [8]],
    ['', [1, 2, 4, 8, 16, 32, 48, 64, 128]],
    ['nonsense', []],
  ])('%s', (text, concurrencies) => expect(found(text)).toEqual(concurrencies));
});

describe('the plot', () => {
  it('draws each kind of point in a shape of its own, and joins only those that count', () => {
    const [line, ...points] = drawn().series;
    expect(line?.points).toHaveLength(6);
    expect(points.map(({ shape, hollow, pointLabels }) => [shape, hollow, pointLabels])).toEqual([
      ['circle', false, ['32', '16', '8', '4', '2', '1']],
      ['triangle', true, ['48']],
      ['rect', true, ['64']],
    ]);
  });

  it('reaches to the ends of its error bars', () => {
    const interval = { mean: 100, low: 60, high: 900, n: 2, standardError: 9 };
    const cell = cellResult(8, {
      interval: { systemTokensPerSecond: interval, perQueryTokensPerSecond: interval },
    });
    const chart = drawn(runResults({ cells: [cell, cellResult(4)] }));
    expect([chart.x.reaches, chart.left.reaches]).toEqual([900, 900]);
  });

  it('says of cells that are all left out that they are, and takes no tick for an answer', () => {
    const client = { loopLagMs: { p99: 40 }, cpuSeconds: 9, events: 1, eventsPerSecond: 9000, bound: true };
    const results = runResults({ cells: [cellResult(4, { trials: [loadResult(4, { client })] })] });
    expect(plotSummary(results, cellFigures(results, context), metricOf('system'), format)).toBe(
      'No cell counts for an answer. Cells: 1 client-bound and left out of answers.',
    );
    expect(headline(results).mark).toBe('unknown');
    expect(headline(runResults()).mark).toBe('passed');
  });

  it('draws TTFT p95 as its limit counts it: from when a request was due, where it had a time', () => {
    const late = { mean: 700, p50: 650, p90: 850, p95: 900, p99: null };
    const trial = loadResult(8, { ttftFromScheduleMs: late });
    const cell = cellResult(8, { concurrency: null, requestsPerSecond: 4, trials: [trial] });
    expect(metricOf('ttft-p95').figure(cell, context)?.mean).toBe(900);
    expect(metricOf('ttft-p95').figure(cellResult(8), context)?.mean).toBe(loadResult(8).ttftMs.p95);
  });

  it('draws what is against Little’s law as that, and one failed request of a thousand as measured', () => {
    const checks = {
      stationary: true,
      littleResidual: 0.2,
      consistent: false,
      clientBound: false,
      inputLengthMiss: null,
      outputLengthMiss: null,
      notes: [],
    };
    const results = runResults({
      cells: [
        cellResult(4, { trials: [loadResult(4, { checks })] }),
        cellResult(8, {
          trials: [loadResult(8, { requests: { ok: 999, failed: 1, byKind: { timeout: 1 } } })],
        }),
      ],
    });
    expect(cellFigures(results, context).map(({ standing }) => standing)).toEqual([
      'inconsistent',
      'measured',
    ]);
    expect(drawn(results).series.map(({ shape }) => shape)).toContain('cross');
    expect(plotSummary(results, cellFigures(results, context), metricOf('system'), format)).toContain(
      '1 against Little’s law and left out of answers',
    );
  });

  it('says simulated across the plot, on every line and axis of a rehearsal, nowhere of a measurement', () => {
    const labels = (mode: 'rehearsal' | 'measured') => {
      const { series, left, watermark } = drawn(runResults({ mode }));
      return [...series.map(({ label }) => label), left.label, watermark ?? ''];
    };
    expect(labels('rehearsal').every((label) => label.includes('simulated'))).toBe(true);
    expect(labels('measured').some((label) => label.includes('simulated'))).toBe(false);
  });

  it('stands the service level where an axis has one', () => {
    const marks = (kept: KeptChoice, results = runResults()) => drawn(results, kept).marks;
    expect(marks({ x: 'ttft-p95' })).toMatchObject([{ direction: 'vertical', at: 500, kind: 'limit' }]);
    expect(marks({ x: 'concurrency', y: 'ttft-p95' })).toMatchObject([{ direction: 'horizontal', at: 500 }]);
    expect(marks({ x: 'per-query' })).toMatchObject([{ direction: 'vertical', at: 10 }]);
    expect(marks({ x: 'ttft-p95' }, runResults({ serviceLevel: null }))).toEqual([]);
  });

  it('hatches what failed to halfway to the next value, with the reason, and puts a cross on each', () => {
    const chart = drawn(memoryLimitResults(), {}, 'memory-limit');
    expect(chart.x.label).toBe('gpu-memory-utilization');
    expect(chart.regions).toMatchObject([{ label: 'out of memory', kind: 'failed' }]);
    expect(chart.regions?.[0]?.to).toBeCloseTo(0.23, 10);
    const failed = chart.series.find(({ shape }) => shape === 'crossRot');
    expect(failed?.points).toEqual([
      { x: 0.2, y: 0 },
      { x: 0.22, y: 0 },
    ]);
  });

  it('draws intervals as error bars, the prediction with its band, and the knee', () => {
    const { series } = drawn(memoryLimitResults(), {}, 'memory-limit');
    const measured = series.find(({ label }) => label.includes('cell done'));
    expect(measured?.errors?.every((error) => error !== null && error[0] < error[1])).toBe(true);
    expect(series.find(({ label }) => label === 'predicted')?.band?.[0]?.[0]).toBeGreaterThan(0);
    expect(series.some(({ label }) => label.startsWith('knee'))).toBe(true);
  });

  it('hands chart.js points that ascend in x', () => {
    for (const x of ['ttft-p95', 'per-query', 'concurrency'])
      for (const { points } of drawn(runResults(), { x }).series)
        expect(points.map((point) => point.x)).toEqual(
          points.map((point) => point.x).toSorted((a, b) => a - b),
        );
  });

  it('knows the cell of each point', () => {
    const { chart, cells } = plot(input(runResults(), { x: 'concurrency' }));
    for (const [series, { points, draw }] of chart.series.entries())
      if (draw === 'points') expect(cells[series]).toEqual(points.map(({ x }) => `cell-${x}`));
  });

  it('has a colour a value in place of lines that can’t be told apart', () => {
    const many = Array.from({ length: 200 }, (_, i) =>
      cellResult(1 + (i % 4), {
        cell: `c${i}`,
        flags: { 'max-num-seqs': 2 ** (i % 5), 'max-model-len': 1024 + i },
      }),
    );
    const { series } = drawn(runResults({ cells: many }), { x: 'per-query' });
    expect(series.length).toBeLessThanOrEqual(12);
    expect(series.every(({ draw }) => draw === 'points')).toBe(true);
    expect(series.reduce((total, { points }) => total + points.length, 0)).toBe(200);
  });

  it('sums itself up in a sentence, with what it leaves out', () => {
    const results = runResults();
    const summary = (of: RunResults) => plotSummary(of, cellFigures(of, context), metricOf('system'), format);
    expect(summary(results)).toBe(
      'Simulated: System tok/s: best 1,646 tok/s at concurrency 32, worst 115 tok/s at concurrency 1; 5 of 6 measured cells meet the SLO. Cells: 1 failed, 1 client-bound and left out of answers, 1 with failed requests.',
    );
    expect(summary(runResults({ cells: [cellResult(1, { state: 'waiting', trials: [] })] }))).toBe(
      'No cell has been measured yet.',
    );
  });

  it.each([
    ['chat', runResults(), { kind: 'points', x: 'per-query', y: 'system' }],
    ['memory-limit', memoryLimitResults(), { kind: 'points', x: 'flag:gpu-memory-utilization', y: 'system' }],
    ['cost', runResults(), { kind: 'points', x: 'concurrency', y: 'dollars' }],
    ['mps', mpsResults(), { kind: 'heat', x: 'concurrency', rows: 'arrangement', gain: true }],
  ] as const)('is at first that of the question: %s', (question, results, choice) => {
    expect(input(results, {}, question).choice).toMatchObject(choice);
  });
});

describe('the heat map', () => {
  const map = heatMap(input(mpsResults(), {}, 'mps'));
  const gainOf = (row: string, column: string) =>
    map?.fields.find((field) => field.row === row && field.column === column)?.gain;

  it('has one engine on top, its control with twice the load below it, then the arrangements', () => {
    expect([...new Set(map?.fields.map(({ row }) => row))]).toEqual([
      '1 copy',
      '1 copy, twice the load (control)',
      '2 copies, time-sliced',
      '2 copies, MPS, 60 GiB each',
    ]);
  });

  it('is by the load of each engine: what copies share is told by their part', () => {
    expect(map?.chart.x.label).toBe('Concurrency of each engine');
    expect([...new Set(map?.fields.map(({ column }) => column))]).toEqual(['1', '2', '4', '8', '16', '32']);
    const shared = map?.fields.find(({ row, column }) => row.startsWith('2 copies, MPS') && column === '8');
    expect(shared?.cells[0]?.cell.concurrency).toBe(16);
  });

  it('agrees with the answer to mps in every place', () => {
    const { cells } = mpsResults();
    for (const { one, arms } of gainMap(cells))
      for (const [arm, name] of [
        ['mps', '2 copies, MPS, 60 GiB each'],
        ['time-slicing', '2 copies, time-sliced'],
        ['control', '1 copy, twice the load (control)'],
      ] as const) {
        const gain = arms[arm]?.gain.relative ?? null;
        expect(gainOf(name, String(one.concurrency)), `${name} ${one.concurrency}`).toEqual(
          gain === null ? null : expect.closeTo(gain, 10),
        );
      }
  });

  it('gives the gain over one engine with the load of one, which the control may beat', () => {
    expect(gainOf('1 copy', '8')).toBe(0);
    expect(gainOf('2 copies, MPS, 60 GiB each', '8')).toBeCloseTo(0.05, 10);
    expect(gainOf('2 copies, time-sliced', '8')).toBeCloseTo(-0.08, 10);
    expect(gainOf('1 copy, twice the load (control)', '8')).toBeGreaterThan(0.3);
    expect(map?.summary).toContain('Against 1 copy');
  });

  it('hatches the field of a cell that failed, and finds the cell under a place', () => {
    const failed = map?.chart.tiles?.filter((tile) => tile.failed === true);
    expect(failed).toHaveLength(1);
    const [place] = failed ?? [];
    const id = map?.cellAt(place?.x ?? -1, place?.y ?? -1);
    const cell = mpsResults().cells.find((one: CellResult) => one.cell === id);
    expect(cell?.state).toBe('failed');
  });
});
