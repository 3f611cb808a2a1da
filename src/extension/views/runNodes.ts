/** What stands under a run in the view of runs, and what its cells are called. */
import type { SearchResult } from '../../core/sweep/cellResult.ts';
import type { CellResult, RunResults } from '../../core/sweep/run.ts';

export interface RunChildren {
  readonly searches: readonly SearchResult[];
  /** Those of no search. */
  readonly cells: readonly CellResult[];
}

export function runChildren({ searches = [], cells }: RunResults): RunChildren {
  const searched = new Set(searches.flatMap((search) => searchCells(search, cells).map(({ cell }) => cell)));
  return { searches, cells: cells.filter(({ cell }) => !searched.has(cell)) };
}

/** What a search has tried or passed over, in the order of the plan. */
export function searchCells(search: SearchResult, cells: readonly CellResult[]): readonly CellResult[] {
  const tried = new Set([...search.good, ...search.bad]);
  return cells.filter(({ cell, passedOver }) => tried.has(cell) || passedOver?.search === search.id);
}

/** Why it failed stands in the label: nobody should have to open anything to learn it. */
export function cellLabel(cell: CellResult): string {
  return cell.state === 'failed' && cell.failure !== null
    ? `${cell.label}: ${failureLabel(cell.failure)}`
    : cell.label;
}

/** `OOM at capture`, `timeout at ready`: the engine's own phase where its log says it. */
function failureLabel({ kind, phase, enginePhase, instance }: NonNullable<CellResult['failure']>): string {
  const what = kind === 'out-of-memory' ? 'OOM' : kind.replaceAll('-', ' ');
  const copy = instance === undefined ? '' : ` (copy ${instance + 1})`;
  return `${what} at ${(enginePhase ?? phase).replaceAll('-', ' ')}${copy}`;
}
