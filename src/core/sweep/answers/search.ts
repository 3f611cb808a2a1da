/** What a search found, as a sentence. */
import type { SearchResult } from '../cellResult.ts';
import type { CellResult } from '../run.ts';
import { loadValue, loadWords } from '../usable.ts';
import { varyingFlags } from './groups.ts';

export function searchSentences(searches: readonly SearchResult[], cells: readonly CellResult[]): string[] {
  const byId = new Map(cells.map((cell) => [cell.cell, cell]));
  return searches.flatMap((search) => {
    if (search.state === 'finished') return [sentenceOf(search, cells, byId)];
    if (search.state === 'running') return [];
    const { label, startsUsed, startsOfGrid, runsUsed, runsOfGrid } = search;
    return [
      `The search for ${label} is not finished: ${usedWords({ startsUsed, startsOfGrid, runsUsed, runsOfGrid })} so far.`,
    ];
  });
}

function sentenceOf(
  {
    label,
    flag: given,
    goal,
    found,
    good,
    bad,
    smooth,
    why,
    startsUsed,
    startsOfGrid,
    runsUsed,
    runsOfGrid,
  }: SearchResult,
  cells: readonly CellResult[],
  byId: ReadonlyMap<string, CellResult>,
): string {
  const candidates = [...good, ...bad, ...(found === null ? [] : [found])].flatMap(
    (id) => byId.get(id) ?? [],
  );
  const name = nameOf(candidates, given);
  const used = usedWords({ startsUsed, startsOfGrid, runsUsed, runsOfGrid });
  const cell = found === null ? undefined : byId.get(found);
  if (cell === undefined) return `${label}: nothing was found (${why.replace(/\.$/, '')}), with ${used}.`;
  const order = cells.map((one) => one.cell);
  // The nearest on the other side of the edge.
  const at = order.indexOf(cell.cell);
  const near = bad
    .flatMap((id) => byId.get(id) ?? [])
    .toSorted((a, b) => Math.abs(order.indexOf(a.cell) - at) - Math.abs(order.indexOf(b.cell) - at))[0];
  const bracket =
    near === undefined
      ? 'nothing beyond it failed'
      : `bracket [${[near, cell]
          .toSorted((a, b) => order.indexOf(a.cell) - order.indexOf(b.cell))
          .map(name.bare)
          .join(', ')}]`;
  const rough = smooth ? '' : ' Good and bad values do not part at one place: the edge is not sure.';
  return `${goalWords(goal)} ${name.full(cell)}: ${bracket}, ${used}.${rough}`;
}

function usedWords({
  startsUsed,
  startsOfGrid,
  runsUsed,
  runsOfGrid,
}: Pick<SearchResult, 'startsUsed' | 'startsOfGrid' | 'runsUsed' | 'runsOfGrid'>): string {
  return startsOfGrid > 1
    ? `${startsUsed} of ${startsOfGrid} engine starts`
    : `${runsUsed} of ${runsOfGrid} load runs`;
}

function goalWords(goal: string): string {
  switch (goal) {
    case 'smallest-that-starts':
      return 'It starts from';
    case 'largest-that-starts':
      return 'It starts up to';
    case 'largest-within-slo':
      return 'The service level is kept up to';
    case 'knee':
      return 'The knee is at';
    default:
      return `${goal}:`;
  }
}

/** The value that is searched for: the flag that differs between candidates, else the load. */
function nameOf(
  candidates: readonly CellResult[],
  given: string | undefined,
): Record<'full' | 'bare', (cell: CellResult) => string> {
  const varying = varyingFlags(candidates);
  const flag = varying.find((name) => name === given) ?? varying[0];
  if (flag === undefined) {
    return { full: loadWords, bare: (cell) => String(loadValue(cell) ?? cell.label) };
  }
  const bare = (cell: CellResult) => String(cell.flags[flag] ?? 'default');
  return { full: (cell) => `${flag} ${bare(cell)}`, bare };
}
