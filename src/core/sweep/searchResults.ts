/** What the searches of a plan found, from the agent's records. */
import type { SearchResult } from './cellResult.ts';
import type { JournalEntry } from './journal.ts';
import type { Cell, Search } from './run.ts';

/** `entries`: in order of writing. `over`: the run has ended. */
export function searchResults(
  searches: readonly Search[],
  cells: readonly Cell[],
  entries: readonly JournalEntry[],
  over: boolean,
): readonly SearchResult[] {
  if (searches.length === 0) return [];
  const engineOf = new Map(cells.map(({ id, engineKey }) => [id, engineKey]));
  const ran = new Set(
    entries.flatMap((entry) =>
      entry.type === 'cell-done' || entry.type === 'cell-failed' ? [entry.cell] : [],
    ),
  );
  const engines = (ids: readonly string[]) => new Set(ids.flatMap((id) => engineOf.get(id) ?? [])).size;
  return searches.map((search) => {
    const used = search.cells.filter((id) => ran.has(id));
    const steps = entries.flatMap((entry) =>
      entry.type === 'search-step' && entry.search === search.id ? [entry] : [],
    );
    const latest = new Map(steps.map(({ cell, outcome }) => [cell, outcome]));
    const said = (wanted: string) => search.cells.filter((id) => latest.get(id) === wanted);
    const end = entries.findLast((entry) => entry.type === 'search-finished' && entry.search === search.id);
    const finished = end?.type === 'search-finished' ? end : undefined;
    return {
      id: search.id,
      label: search.label,
      ...(search.flag === undefined ? {} : { flag: search.flag }),
      goal: search.goal.kind,
      state: finished !== undefined ? 'finished' : over ? 'stopped' : 'running',
      found: finished?.found ?? null,
      good: finished?.good ?? said('good'),
      bad: finished?.bad ?? said('bad'),
      smooth: finished?.smooth ?? true,
      why: finished?.why ?? steps.at(-1)?.why ?? '',
      startsUsed: engines(used),
      startsOfGrid: engines(search.cells),
      runsUsed: used.length,
      runsOfGrid: search.cells.length,
    };
  });
}
