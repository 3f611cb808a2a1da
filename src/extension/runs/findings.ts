/** Cells that failed, at their places in the plan, with the edits that would help. */
import type { FlagValue } from '../../core/engine/deployment.ts';
import type { CellResult, Remedy } from '../../core/sweep/run.ts';
import type { DocumentEstimate } from '../../protocol/lsp.ts';
import type { OffsetEdit } from '../../text/edits.ts';
import type { OffsetRange } from '../../text/located.ts';
import { cellPlaces, flagPlace, isPlanned, leaveOutEdits, remedyEdits } from '../../text/plan/planPlaces.ts';

export interface Fix {
  readonly title: string;
  readonly edits: readonly OffsetEdit[];
  readonly preferred: boolean;
}

export interface Finding {
  readonly range: OffsetRange;
  /** That failed at this place in the same way; the first is the one that is told. */
  readonly cells: readonly CellResult[];
  readonly fixes: readonly Fix[];
}

/** One for each place and way to fail; none where the plan no longer has the value. */
export function findingsOf(text: string, failed: readonly CellResult[]): readonly Finding[] {
  const byPlace = new Map<string, { readonly range: OffsetRange; readonly cells: CellResult[] }>();
  for (const cell of failed) {
    const range = isPlanned(text, cell) ? placeOf(text, cell) : undefined;
    if (range === undefined) continue;
    const key = JSON.stringify([range, cell.failure?.kind, cell.failure?.enginePhase]);
    const known = byPlace.get(key);
    if (known === undefined) byPlace.set(key, { range, cells: [cell] });
    else known.cells.push(cell);
  }
  return [...byPlace.values()].map(({ range, cells }) => ({ range, cells, fixes: fixesOf(text, cells[0]) }));
}

/** The flag that a remedy would change, where the plan gives it; else what sets the cell apart. */
function placeOf(text: string, cell: CellResult): OffsetRange | undefined {
  for (const { flag } of cell.failure?.remedies ?? []) {
    const place = flagPlace(text, cell, flag);
    if (place !== undefined) return place;
  }
  return cellPlaces(text, cell)[0];
}

function fixesOf(text: string, cell: CellResult | undefined): readonly Fix[] {
  if (cell === undefined) return [];
  const remedies = cell.failure?.remedies ?? [];
  const fixes = remedies.flatMap((remedy): readonly Fix[] => {
    const edits = remedyEdits(text, cell, remedy);
    return edits.length === 0 ? [] : [{ title: remedyTitle(remedy), edits, preferred: false }];
  });
  const swept = Object.keys(cell.flags).flatMap((flag): readonly Fix[] => {
    const edits = leaveOutEdits(text, cell, flag);
    const title = `Leave ${flag} ${String(cell.flags[flag])} out of the matrix`;
    return edits.length === 0 ? [] : [{ title, edits, preferred: false }];
  });
  return [...fixes, ...swept].map((fix, at) => ({ ...fix, preferred: at === 0 && fixes.length > 0 }));
}

/** A change of a flag in the config that a plan was made from. */
export interface ConfigFix {
  readonly title: string;
  /** Of the deployment in its document. */
  readonly index: number;
  readonly change: { readonly flag: string; readonly to: Exclude<FlagValue, object> };
}

/**
 * What a failed cell's remedies are for the deployments of the config: of the one that serves the cell's model. None where that is not
 * clear, where the flag has that value there, or where the flag was swept: the plan chose it, and not the config.
 */
export function configFixes(
  { cells: [cell] }: Finding,
  model: string,
  source: string,
  deployments: readonly Pick<DocumentEstimate, 'index' | 'request'>[],
): readonly ConfigFix[] {
  const serving = deployments.filter(({ request }) => request?.deployment.model === model);
  const [deployment] = serving;
  if (cell === undefined || deployment === undefined || serving.length > 1) return [];
  const written = deployment.request?.deployment.flags ?? {};
  return (cell.failure?.remedies ?? []).flatMap((remedy): readonly ConfigFix[] => {
    const { flag, to } = remedy;
    if (remedy.change === 'remove' || to === undefined || typeof to === 'object' || written[flag] === to)
      return [];
    if (cell.flags[flag] !== undefined && cell.flags[flag] !== written[flag]) return [];
    const title = `${remedyTitle(remedy)} in ${source} too`;
    return [{ title, index: deployment.index, change: { flag, to } }];
  });
}

function remedyTitle({ flag, change, to, why }: Remedy): string {
  const words =
    change === 'remove'
      ? `Remove ${flag}`
      : `Set ${flag} to ${Array.isArray(to) ? to.join(' ') : String(to)}`;
  return `${words} (${why.replace(/\.$/, '')})`;
}
