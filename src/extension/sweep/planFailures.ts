/** What the last run of a plan could not do, at the lines that it is about. */
import type { SweepPlan } from '../../core/sweep/planSchema.ts';
import type { CellResult } from '../../core/sweep/run.ts';
import type { OffsetRange } from '../../text/located.ts';
import { cellPlaces } from '../../text/planPlaces.ts';
import type { RunManager } from '../runs/runManager.ts';
import { isOver, isSimulated } from '../runs/runView.ts';

export interface PlanFailure {
  readonly run: string;
  readonly simulated: boolean;
  readonly cell: CellResult;
  readonly range: OffsetRange;
}

/** One for each place: a value that fails for every load is said once. None for what a search ran into on purpose. */
export function planFailures(runs: RunManager, plan: SweepPlan, text: string): readonly PlanFailure[] {
  const view = runs.views().find((one) => one.results?.name === plan.name && isOver(one));
  const results = view?.results;
  if (view === undefined || !results) return [];
  const searched = new Set(results.searches?.flatMap(({ good, bad }) => [...good, ...bad]) ?? []);
  const found = new Map<number, PlanFailure>();
  for (const cell of results.cells) {
    if (cell.state !== 'failed' || cell.failure?.kind === 'cancelled' || searched.has(cell.cell)) continue;
    const [range] = cellPlaces(text, cell);
    if (range === undefined || found.has(range.start)) continue;
    found.set(range.start, { run: view.run, simulated: isSimulated(view), cell, range });
  }
  return [...found.values()];
}
