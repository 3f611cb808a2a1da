import { describe, expect, it } from 'vitest';
import type { JournalEntry } from '../../../src/core/sweep/journal.ts';
import { runPhases } from '../../../src/core/sweep/phases.ts';
import type { Cell } from '../../../src/core/sweep/run.ts';

const cell = (id: string, label: string) => ({ id, label }) as Cell;
const context = { cells: [cell('a', 'concurrency 1'), cell('b', 'concurrency 8')], repeats: 1 };
const measured = (seq: number, at: number, id: string, startedWallMs: number, durationMs: number) =>
  ({
    seq,
    wallMs: at,
    type: 'trial-measured',
    cell: id,
    trial: 0,
    simulated: false,
    measurement: { startedWallMs, durationMs },
  }) as JournalEntry;
const entry = (seq: number, wallMs: number, fields: object) => ({ seq, wallMs, ...fields }) as JournalEntry;

describe('the phases of a run', () => {
  const journal: readonly JournalEntry[] = [
    entry(0, 0, { type: 'run-started' }),
    entry(1, 1000, { type: 'engine-starting', engineKey: 'e', cell: 'a' }),
    entry(2, 40_000, { type: 'engine-ready', engineKey: 'e', startupSeconds: 39, version: null }),
    entry(3, 41_000, { type: 'cell-started', cell: 'a', trial: 0 }),
    measured(4, 60_000, 'a', 45_000, 14_000),
    entry(5, 60_100, { type: 'cell-done', cell: 'a' }),
    entry(6, 61_000, { type: 'cell-started', cell: 'b', trial: 0 }),
    entry(7, 65_000, { type: 'cell-progress', cell: 'b', trial: 0, phase: 'load', completed: 1, total: 64 }),
  ];

  it('are start, warm-up and the cells by name; the load begins with its first request, the last goes on', () => {
    expect(runPhases(context, journal)).toEqual([
      { fromMs: 1000, toMs: 40_000, label: 'engine start' },
      { fromMs: 41_000, toMs: 45_000, label: 'warm-up' },
      { fromMs: 45_000, toMs: 59_000, label: 'concurrency 1' },
      { fromMs: 61_000, toMs: 65_000, label: 'warm-up' },
      { fromMs: 65_000, toMs: null, label: 'concurrency 8' },
    ]);
  });

  it('end with what ends them: a failure, a resume, the run', () => {
    const failed = [...journal.slice(0, 2), entry(2, 9000, { type: 'cell-failed', cell: 'a' })];
    expect(runPhases(context, failed)).toEqual([{ fromMs: 1000, toMs: 9000, label: 'engine start' }]);
    const over = runPhases(context, [...journal, entry(8, 70_000, { type: 'run-finished' })]);
    expect(over.at(-1)).toEqual({ fromMs: 65_000, toMs: 70_000, label: 'concurrency 8' });
  });

  it('name the trial where there are several, and never throw on records out of order', () => {
    const twice = runPhases({ ...context, repeats: 3 }, [...journal].reverse());
    expect(twice.map(({ label }) => label)).toContain('concurrency 1, trial 1');
    expect(runPhases(context, [])).toEqual([]);
  });
});
