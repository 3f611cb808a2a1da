import { describe, expect, it } from 'vitest';
import { noChoices, restoredChoices } from '../../../webview/sweep/choices.ts';
import { actions, headline, initialState, received } from '../../../webview/sweep/state.ts';
import { cellResult, runResults, sweepSnapshot } from '../../webview/examples.ts';

describe('the sweep panel’s state', () => {
  it('takes the newest results and keeps the locale of the snapshot', () => {
    const first = received(initialState, sweepSnapshot({ locale: 'de-DE' }));
    const next = received(first, {
      type: 'delta',
      results: null,
      cells: [],
      progress: null,
      connection: 'gone',
      others: [],
    });
    expect(next).toMatchObject({ results: null, connection: 'gone', locale: 'de-DE' });
  });

  it('puts cells that changed in their places, and leaves the others as they were', () => {
    const before = received(initialState, sweepSnapshot());
    const { cells: _, ...head } = runResults({ outcome: 'running' });
    const changed = cellResult(4, { state: 'running', trials: [] });
    const { results } = received(before, {
      ...sweepSnapshot(),
      type: 'delta',
      results: head,
      cells: [changed, cellResult(256)],
    });
    expect(results?.cells.map(({ concurrency }) => concurrency)).toEqual([
      1, 2, 4, 8, 16, 32, 48, 64, 128, 256,
    ]);
    expect(results?.cells[2]).toBe(changed);
    expect(results?.cells[3]).toBe(before.results?.cells[3]);
    expect(results?.outcome).toBe('running');
  });

  it('keeps what it asked for over a snapshot of the same run, and drops it with another', () => {
    const telemetry = { type: 'run-telemetry', cell: 'cell-4', host: null, engine: [], notes: [] } as const;
    const asked = received(received(initialState, sweepSnapshot()), telemetry);
    expect(received(asked, sweepSnapshot()).telemetry).toBe(telemetry);
    expect(received(asked, sweepSnapshot({ results: runResults({ run: 'another' }) })).telemetry).toBeNull();
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

  it('says of another tool’s results that it asks no question', () => {
    const origin = { tool: 'guidellm', version: null, file: 'benchmarks.json', notes: [] };
    const { sentence } = headline(runResults({ answer: null, mode: 'measured', origin }));
    expect(sentence).toContain('measured by guidellm');
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

  it('has nothing to resume where a search passed the rest over', () => {
    const passed = cellResult(2, {
      state: 'waiting',
      trials: [],
      passedOver: { search: 'memory', why: '0.3 starts, so that 0.5 starts' },
    });
    expect(actions(runResults({ outcome: 'cancelled', cells: [cellResult(1), passed] })).resume).toBe(false);
  });

  it('keeps what was chosen over a reload, and nothing that is none', () => {
    const chosen = { ...noChoices, picked: 'cell-4', hiddenKinds: ['failed'] as const, wholeRun: true };
    expect(restoredChoices(JSON.parse(JSON.stringify(chosen)))).toEqual(chosen);
    for (const kept of [undefined, 3, { picked: 7, hiddenKinds: ['nonsense'], hiddenCells: {}, plot: 'x' }])
      expect(restoredChoices(kept)).toEqual(noChoices);
  });
});
