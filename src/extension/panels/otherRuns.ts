import type { RunResults } from '../../core/sweep/run.ts';
import type { OtherRun } from '../../protocol/panel.ts';
import { isSimulated, type RunView } from '../runs/runView.ts';

/** Runs that the results can be held against: of the same plan, or with a cell of the same content or name. The newest first. */
export function otherRuns(results: RunResults, views: readonly RunView[]): readonly OtherRun[] {
  const [ids, labels] = [new Set<string>(), new Set<string>()];
  for (const { cell, label } of results.cells) {
    ids.add(cell);
    labels.add(label);
  }
  return views.flatMap((view): readonly OtherRun[] => {
    const other = view.results;
    if (other === null || other.run === results.run) return [];
    const same = other.cells.filter(({ cell }) => ids.has(cell)).length;
    const sharedCells = same > 0 ? same : other.cells.filter(({ label }) => labels.has(label)).length;
    if (sharedCells === 0 && other.name !== results.name) return [];
    return [
      { run: other.run, name: other.name, host: other.host, simulated: isSimulated(view), sharedCells },
    ];
  });
}
