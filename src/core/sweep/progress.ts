/** Where a run is, and when it will be over. */
import { inOrder, type JournalEntry } from './journal.ts';
import type { RunContext } from './results.ts';

export interface RunProgress {
  /** Label of the cell that is under way; null between cells. */
  readonly cell: string | null;
  /** What it does: `starting the engine`, `warm-up`, `load`; null where nothing is under way. */
  readonly phase: string | null;
  /** Cells with a result, failures included, of those to run. */
  readonly completed: number;
  readonly total: number;
  /** Share of the cell under way that is done, 0 to 1. */
  readonly cellShare: number;
  readonly elapsedSeconds: number;
  /** Null once the run is over. */
  readonly remainingSeconds: number | null;
}

/** The cell that runs now. */
interface UnderWay {
  readonly id: string;
  readonly phase: string;
  readonly startedWallMs: number;
  readonly share: number;
}

/**
 * From the journal and the host's clock. What is left is the plan's estimate, scaled by how long the finished cells took against theirs.
 * `nowWallMs` is a time of the host (a heartbeat's), as the journal's are.
 */
export function runProgress(
  context: RunContext,
  records: readonly JournalEntry[],
  nowWallMs: number,
): RunProgress {
  const cells = context.cells.filter(({ skipped }) => !skipped);
  const expected = new Map(cells.map((cell) => [cell.id, cell]));
  const settled = new Set<string>();
  let under = null as UnderWay | null;
  let over = false;
  let firstWallMs: number | null = null;
  let cellStartedWallMs = nowWallMs;
  let spentMs = 0;
  let expectedOfSpent = 0;
  const of = (id: string) => expected.get(id)?.expectedSeconds ?? 0;
  for (const entry of inOrder(records)) {
    firstWallMs ??= entry.wallMs;
    over = entry.type === 'run-finished';
    switch (entry.type) {
      case 'engine-starting':
        cellStartedWallMs = entry.wallMs;
        under = { id: entry.cell, phase: 'starting the engine', startedWallMs: entry.wallMs, share: 0 };
        break;
      case 'cell-started': {
        if (under?.id !== entry.cell) cellStartedWallMs = entry.wallMs;
        under = {
          id: entry.cell,
          phase: 'warm-up',
          startedWallMs: cellStartedWallMs,
          share: entry.trial / context.repeats,
        };
        break;
      }
      case 'cell-progress': {
        const ofTrial = entry.phase === 'warm-up' ? 0 : entry.completed / Math.max(1, entry.total);
        under = {
          id: entry.cell,
          phase: entry.phase,
          startedWallMs: cellStartedWallMs,
          share: Math.min(1, (entry.trial + ofTrial) / context.repeats),
        };
        break;
      }
      case 'cell-done':
      case 'cell-failed':
        if (expected.has(entry.cell)) settled.add(entry.cell);
        // A failure says nothing of how long a cell takes: it comes in a second, or after a time-out.
        if (entry.type === 'cell-done' && under?.id === entry.cell) {
          spentMs += entry.wallMs - under.startedWallMs;
          expectedOfSpent += of(entry.cell);
        }
        under = null;
        break;
      case 'run-resumed':
      case 'run-finished':
        under = null;
        break;
      default:
    }
  }
  // Two seconds of evidence before it outweighs the plan: the first cell is short.
  const pace = expectedOfSpent > 2 && spentMs > 0 ? spentMs / 1000 / expectedOfSpent : 1;
  const left = cells.filter(({ id }) => !settled.has(id)).reduce((total, { id }) => total + of(id) * pace, 0);
  const done = under === null ? 0 : doneOfCell(under, of(under.id) * pace, nowWallMs);
  return {
    cell: under === null ? null : (expected.get(under.id)?.label ?? under.id),
    phase: under?.phase ?? null,
    completed: settled.size,
    total: cells.length,
    cellShare: under?.share ?? 0,
    elapsedSeconds: firstWallMs === null ? 0 : Math.max(0, (nowWallMs - firstWallMs) / 1000),
    remainingSeconds: over ? null : Math.max(0, left - done),
  };
}

/** Seconds of the cell's expectation that are behind it: by requests where there are any yet, else by the clock. */
function doneOfCell(under: UnderWay, expectedSeconds: number, nowWallMs: number): number {
  if (under.share > 0) return under.share * expectedSeconds;
  // Without a count it is never nearly over: the clock alone would promise an end that may not come.
  return Math.min(0.9 * expectedSeconds, Math.max(0, (nowWallMs - under.startedWallMs) / 1000));
}
