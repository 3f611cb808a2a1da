import { describe, expect, it } from 'vitest';
import { createFormatter } from '../../../webview/common/format.ts';
import {
  cellFigures,
  groupLabels,
  missingReason,
  standingWords,
} from '../../../webview/sweep/cellFigures.ts';
import { actions, headline, initialState, received, restoredAxis } from '../../../webview/sweep/state.ts';
import { throughputChart, throughputSummary } from '../../../webview/sweep/throughputChart.ts';
import { cellResult, loadResult, runResults, sweepSnapshot } from '../../webview/examples.ts';

const format = createFormatter('en-US');
const drawn = (results = runResults(), axis: 'ttft' | 'per-query' | 'concurrency' = 'ttft') =>
  throughputChart(results, cellFigures(results), axis, format);
const at = (concurrency: number, results = runResults()) => {
  const found = cellFigures(results).find(({ cell }) => cell.concurrency === concurrency);
  if (found === undefined) throw new Error(`no cell of concurrency ${concurrency}`);
  return found;
};

describe('the sweep panel’s state', () => {
  it('takes the newest results and keeps the locale of the snapshot', () => {
    const first = received(initialState, sweepSnapshot({ locale: 'de-DE' }));
    const next = received(first, { type: 'delta', results: null, progress: null, connection: 'gone' });
    expect(next).toMatchObject({ results: null, connection: 'gone', locale: 'de-DE' });
  });

  it('gives the answer first, and says that it is simulated', () => {
    expect(headline(runResults())).toEqual({
      mark: 'passed',
      word: 'simulated',
      sentence: 'Up to 32 requests at once stay within TTFT p95 ≤ 500 ms and 10 tok/s per query.',
    });
    expect(headline(runResults({ mode: 'measured' })).word).toBe('');
  });

  it('says why there is no answer', () => {
    const cells = [cellResult(1), cellResult(2, { state: 'waiting', trials: [] })];
    const without = (outcome: 'running' | 'interrupted' | 'failed') =>
      headline(runResults({ answer: null, outcome, cells }));
    expect(without('running').sentence).toBe('the run goes on; 1 of 2 cells have results (simulated).');
    expect(without('interrupted').sentence).toContain('was interrupted; 1 of 2 cells');
    expect(without('failed').mark).toBe('failed');
  });

  it('offers what makes sense: cancel while it runs, resume while cells are missing, report once there is one', () => {
    const missing = [cellResult(1), cellResult(2, { state: 'waiting', trials: [] })];
    expect(actions(runResults({ outcome: 'running', cells: missing }))).toEqual({
      cancel: true,
      resume: false,
      report: true,
    });
    expect(actions(runResults({ outcome: 'interrupted', cells: missing })).resume).toBe(true);
    expect(actions(runResults())).toEqual({ cancel: false, resume: false, report: true });
    expect(actions(runResults({ outcome: 'failed', cells: missing.slice(1) })).report).toBe(false);
  });

  it('keeps the chosen axis over a reload, and nothing that is none', () => {
    expect(restoredAxis({ axis: 'per-query' })).toBe('per-query');
    for (const kept of [undefined, 3, { axis: 'nonsense' }]) expect(restoredAxis(kept)).toBe('ttft');
  });
});

describe('cells in figures', () => {
  it('gives the mean over trials and their spread', () => {
    const cell = cellResult(8, { trials: [loadResult(8), loadResult(8, { systemTokensPerSecond: 1000 })] });
    const figure = at(8, runResults({ cells: [cell] })).systemTokensPerSecond;
    expect(figure).toMatchObject({ mean: (720 + 1000) / 2, min: 720, max: 1000, trials: 2 });
  });

  it('gives no percentile that one of the trials can’t certify, and says why', () => {
    expect(at(2).ttftP50Ms).not.toBeNull();
    expect(at(2).ttftP95Ms).toBeNull();
    expect(missingReason(at(2))).toBe('the sample is too small to certify this');
    expect(missingReason(at(128))).toBe('the cell failed before it could be measured');
  });

  it('tells what each cell is', () => {
    expect([1, 48, 64, 128].map((concurrency) => standingWords(at(concurrency)))).toEqual([
      'meets the SLO',
      'client-bound',
      'requests failed',
      'failed: out of memory at start',
    ]);
  });

  it('names groups by the flags that differ', () => {
    const same = { 'max-model-len': 8192 };
    expect(groupLabels([same, same])).toEqual(['', '']);
    expect(groupLabels([{ ...same, seed: 1 }, same])).toEqual(['seed 1', 'seed default']);
  });
});

describe('the throughput chart', () => {
  it('draws each kind of point in a shape of its own, and joins only those that count', () => {
    const [line, ...points] = drawn().series;
    expect(line?.points).toHaveLength(5);
    expect(points.map(({ shape, hollow, pointLabels }) => [shape, hollow, pointLabels])).toEqual([
      ['circle', false, ['1', '4', '8', '16', '32']],
      ['triangle', true, ['48']],
      ['rect', true, ['64']],
    ]);
  });

  it('says simulated on every line and axis of a rehearsal, nowhere of a measurement', () => {
    const labels = (mode: 'rehearsal' | 'measured') => {
      const { series, left } = drawn(runResults({ mode }));
      return [...series.map(({ label }) => label), left.label];
    };
    expect(labels('rehearsal').every((label) => label.includes('simulated'))).toBe(true);
    expect(labels('measured').some((label) => label.includes('simulated'))).toBe(false);
  });

  it('stands the service level where the axis has one, and failed cells where they would stand', () => {
    expect(drawn().marks).toMatchObject([{ direction: 'vertical', at: 500, kind: 'limit' }]);
    expect(drawn(runResults(), 'per-query').marks).toMatchObject([{ at: 10, kind: 'limit' }]);
    expect(drawn(runResults(), 'concurrency').marks).toMatchObject([{ at: 128, kind: 'failed' }]);
    expect(drawn(runResults({ serviceLevel: null })).marks).toEqual([]);
  });

  it('hands chart.js points that ascend in x', () => {
    for (const axis of ['ttft', 'per-query', 'concurrency'] as const)
      for (const { points } of drawn(runResults(), axis).series)
        expect(points.map(({ x }) => x)).toEqual(points.map(({ x }) => x).toSorted((a, b) => a - b));
  });

  it('sums itself up in a sentence, with what it leaves out', () => {
    const results = runResults();
    expect(throughputSummary(results, cellFigures(results), format)).toBe(
      'Simulated: The system goes from 115 tok/s at concurrency 1 to 1,646 tok/s at concurrency 32; the SLO is met up to concurrency 32. Cells: 1 failed, 1 client-bound and left out of answers, 1 with failed requests, 1 too small a sample for a TTFT p95.',
    );
    const none = runResults({ cells: [cellResult(1, { state: 'waiting', trials: [] })] });
    expect(throughputSummary(none, cellFigures(none), format)).toBe('No cell has been measured yet.');
  });
});
