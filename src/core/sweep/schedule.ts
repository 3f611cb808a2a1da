/** What a run will cost before it is started: engine starts, time, GPU-hours. */
import type { ExpandedPlan } from './cells.ts';
import type { Cell } from './run.ts';
import { rehearsed } from './startTimes.ts';

export interface Schedule {
  /** Cells that the run may take; of a search, all its candidates. */
  readonly cells: number;
  readonly skipped: number;
  readonly unfit: number;
  /** Cells that are expected to be run: fewer than `cells` where the plan searches. */
  readonly expectedCells: number;
  /** Engine starts that are expected, a cell's copies counted each. */
  readonly starts: number;
  /** Without ordering: a start for each cell. */
  readonly startsUnordered: number;
  readonly seconds: number;
  /** Of all GPUs that the engines hold meanwhile. */
  readonly gpuHours: number;
  /** How the start-up times are known, each way once. */
  readonly startsBecause: readonly string[];
}

/** Of `count` ordered candidates a bisection runs so many, about. */
export function expectedSteps(count: number): number {
  return Math.min(count, Math.ceil(Math.log2(count + 1)));
}

export function scheduleOf({ cells, searches, starts }: ExpandedPlan): Schedule {
  const searched = new Map<string, number>();
  for (const search of searches) {
    const share = expectedSteps(search.cells.length) / search.cells.length;
    for (const id of search.cells) searched.set(id, share);
  }
  const running = cells.filter(({ skipped }) => !skipped);
  const startsByEngine = new Map<string, number>();
  let expectedCells = 0;
  let startsUnordered = 0;
  let seconds = 0;
  let gpuSeconds = 0;
  for (const cell of running) {
    const share = searched.get(cell.id) ?? 1;
    const copies = copiesOf(cell);
    expectedCells += share;
    startsUnordered += share * copies;
    startsByEngine.set(cell.engineKey, (startsByEngine.get(cell.engineKey) ?? 0) + share * copies);
    seconds += share * cell.expectedSeconds;
    gpuSeconds += share * cell.expectedSeconds * (cell.gpuCount ?? 1);
  }
  const engines = new Map(running.map((cell) => [cell.engineKey, copiesOf(cell)]));
  const total = [...engines].reduce(
    (sum, [key, copies]) => sum + Math.min(copies, startsByEngine.get(key) ?? copies),
    0,
  );
  return {
    cells: running.length,
    skipped: cells.length - running.length,
    unfit: cells.filter(({ prediction }) => prediction?.outcome === 'does-not-fit').length,
    expectedCells: Math.round(expectedCells),
    starts: Math.max(1, Math.round(total)),
    startsUnordered: Math.round(startsUnordered),
    seconds,
    gpuHours: gpuSeconds / 3600,
    startsBecause: [...new Set([...engines.keys()].flatMap((key) => starts.get(key)?.because ?? []))],
  };
}

/** The same grid as a rehearsal runs it: predictions are the same, starts are compressed. */
export function asRehearsed({ cells, searches, starts }: ExpandedPlan): ExpandedPlan {
  const started = new Set<string>();
  return {
    searches,
    starts: new Map([...starts.keys()].map((key) => [key, rehearsed])),
    cells: cells.map((cell) => {
      if (cell.skipped || started.has(cell.engineKey)) return cell;
      started.add(cell.engineKey);
      const start = starts.get(cell.engineKey)?.seconds ?? 0;
      return {
        ...cell,
        expectedSeconds: cell.expectedSeconds + (rehearsed.seconds - start) * copiesOf(cell),
      };
    }),
  };
}

function copiesOf({ arrangement }: Cell): number {
  return arrangement?.copies ?? 1;
}
