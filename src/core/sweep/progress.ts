/** Where a run is, and when it will be over. */

import { type JobStates, jobStates } from './jobs.ts';
import { inOrder, type JournalEntry } from './journal.ts';
import type { RunContext } from './results.ts';
import { expectedSteps } from './schedule.ts';
import { steadied } from './steadyTime.ts';

export interface RunProgress {
  /** Label of the cell that is under way; null between cells. */
  readonly cell: string | null;
  /** Each by its id: how long it has taken, and how long it is expected to take at the pace of the others. */
  readonly underWay: readonly {
    readonly id: string;
    readonly elapsedSeconds: number;
    readonly expectedSeconds: number;
  }[];
  /** What it does: `starting the engine`, `warm-up`, `load`; null where nothing is under way. */
  readonly phase: string | null;
  /** Cells with a result, failures included, and those that a search passed over, of those to run. */
  readonly completed: number;
  readonly total: number;
  /** Share of the cell under way that is done, 0 to 1. */
  readonly cellShare: number;
  readonly elapsedSeconds: number;
  /** Null once the run is over. Time in a cluster's queue is not in it: nobody knows it. */
  readonly remainingSeconds: number | null;
  /** Under a scheduler: how its jobs stand. */
  readonly jobs?: JobStates;
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
  /** By array task (-1: the run's own journal): tasks work side by side. */
  const underWay = new Map<number, UnderWay>();
  let over = false;
  let firstWallMs: number | null = null;
  let spentMs = 0;
  let expectedOfSpent = 0;
  const of = (id: string) => expected.get(id)?.expectedSeconds ?? 0;
  const { entries, offsetMs } = steadied(inOrder(records));
  const nowMs = nowWallMs + offsetMs;
  for (const entry of entries) {
    firstWallMs = Math.min(firstWallMs ?? entry.wallMs, entry.wallMs);
    const part = entry.part ?? -1;
    const under = underWay.get(part);
    // Records of tasks come behind those of the run, whatever their time.
    if (part === -1) over = entry.type === 'run-finished';
    switch (entry.type) {
      case 'engine-starting':
        underWay.set(part, {
          id: entry.cell,
          phase: 'starting the engine',
          startedWallMs: entry.wallMs,
          share: 0,
        });
        break;
      case 'cell-started':
      case 'cell-progress': {
        const isProgress = entry.type === 'cell-progress';
        const ofTrial = isProgress && entry.phase === 'load' ? entry.completed / Math.max(1, entry.total) : 0;
        underWay.set(part, {
          id: entry.cell,
          phase: isProgress ? entry.phase : 'warm-up',
          startedWallMs: under?.id === entry.cell ? under.startedWallMs : entry.wallMs,
          share: Math.min(1, (entry.trial + ofTrial) / context.repeats),
        });
        break;
      }
      case 'cell-passed-over':
        if (expected.has(entry.cell)) settled.add(entry.cell);
        break;
      case 'cell-done':
      case 'cell-failed':
        if (expected.has(entry.cell)) settled.add(entry.cell);
        // A failure says nothing of how long a cell takes: it comes in a second, or after a time-out.
        if (entry.type === 'cell-done' && under?.id === entry.cell) {
          spentMs += entry.wallMs - under.startedWallMs;
          expectedOfSpent += of(entry.cell);
        }
        underWay.delete(part);
        break;
      case 'job-state':
        // A task says that it begins, or that it has ended.
        if (part !== -1) underWay.delete(part);
        break;
      case 'run-resumed':
      case 'run-finished':
        underWay.clear();
        break;
      default:
    }
  }
  // Two seconds of evidence before it outweighs the plan: the first cell is short.
  const pace = expectedOfSpent > 2 && spentMs > 0 ? spentMs / 1000 / expectedOfSpent : 1;
  const share = sharesToRun(context, settled);
  const left = cells
    .filter(({ id }) => !settled.has(id))
    .reduce((total, { id }) => total + of(id) * pace * (share.get(id) ?? 1), 0);
  const now = [...underWay.values()];
  const done = now.reduce((total, under) => total + doneOfCell(under, of(under.id) * pace, nowMs), 0);
  const jobs = jobStates(records);
  const [first] = now;
  return {
    cell: first === undefined ? null : now.map(({ id }) => expected.get(id)?.label ?? id).join(' + '),
    underWay: now.map(({ id, startedWallMs }) => ({
      id,
      elapsedSeconds: Math.max(0, (nowWallMs - startedWallMs) / 1000),
      expectedSeconds: of(id) * pace,
    })),
    phase: first?.phase ?? null,
    completed: settled.size,
    total: cells.length,
    cellShare: first === undefined ? 0 : now.reduce((total, { share }) => total + share, 0) / now.length,
    elapsedSeconds: firstWallMs === null ? 0 : Math.max(0, (nowMs - firstWallMs) / 1000),
    remainingSeconds: over ? null : Math.max(0, left - done) / Math.max(1, jobs?.running ?? 1),
    ...(jobs === null ? {} : { jobs }),
  };
}

/** Of a search's candidates only some are run: by how much of each the rest is to be reckoned with. */
function sharesToRun(
  { searches = [] }: RunContext,
  settled: ReadonlySet<string>,
): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  for (const { cells } of searches) {
    const open = cells.filter((id) => !settled.has(id));
    const steps = Math.max(0, expectedSteps(cells.length) - (cells.length - open.length));
    for (const id of open) shares.set(id, steps / open.length);
  }
  return shares;
}

/** Seconds of the cell's expectation that are behind it: by requests where there are any yet, else by the clock. */
function doneOfCell(under: UnderWay, expectedSeconds: number, nowMs: number): number {
  if (under.share > 0) return under.share * expectedSeconds;
  // Without a count it is never nearly over: the clock alone would promise an end that may not come.
  return Math.min(0.9 * expectedSeconds, Math.max(0, (nowMs - under.startedWallMs) / 1000));
}
