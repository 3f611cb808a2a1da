/** The knee of a ladder: the load from which more of it gives hardly more throughput, and only more waiting. */
import type { Knee } from './cellResult.ts';
import { figure } from './reportFigures.ts';
import type { CellResult } from './run.ts';
import { intervalOf, isUsable, ladderOf, loadValue } from './usable.ts';

/**
 * Throughput within 5 % of the plateau is the plateau. The same share as in the searches' default gain, so that a grid and a search name
 * the same point.
 */
const PLATEAU_SHARE = 0.95;
/** Where throughput grows at least so much as the load does, relative to it, requests do not hinder each other much. */
const LINEAR_SHARE = 0.8;

interface Rung {
  readonly cell: CellResult;
  readonly load: number;
  readonly throughput: number;
  readonly high: number;
}

/** One for each engine start and kind of load with at least three usable cells. */
export function findKnees(cells: readonly CellResult[]): readonly Knee[] {
  const ladders = new Map<string, Rung[]>();
  for (const cell of cells) {
    const load = loadValue(cell);
    const throughput = isUsable(cell) ? intervalOf(cell, 'systemTokensPerSecond') : null;
    if (load === null || throughput === null) continue;
    const group = ladderOf(cell);
    const rungs = ladders.get(group) ?? [];
    rungs.push({ cell, load, throughput: throughput.mean, high: throughput.high });
    ladders.set(group, rungs);
  }
  return [...ladders].flatMap(([group, rungs]) => kneeOf(group, rungs) ?? []);
}

/** The smallest load whose throughput, by its interval, reaches 95 % of the largest that was measured. */
function kneeOf(group: string, unsorted: readonly Rung[]): Knee | undefined {
  const rungs = unsorted.toSorted((a, b) => a.load - b.load);
  const [first, last] = [rungs[0], rungs.at(-1)];
  if (rungs.length < 3 || first === undefined || last === undefined || first.load === last.load)
    return undefined;
  const top = rungs.reduce((most, rung) => (rung.throughput > most.throughput ? rung : most));
  const knee = rungs.find(({ high }) => high >= PLATEAU_SHARE * top.throughput) ?? top;
  const axis = first.cell.concurrency === null ? ('requestsPerSecond' as const) : ('concurrency' as const);
  // The last step of the ladder: how much of the added load came out as throughput.
  const before = rungs.at(-2) ?? first;
  const gain = Math.log(last.throughput / before.throughput) / Math.log(last.load / before.load);
  const common = { group, axis };
  if (knee === last) {
    const regime = gain >= LINEAR_SHARE ? ('linear' as const) : ('saturating' as const);
    return {
      ...common,
      cell: null,
      value: null,
      systemTokensPerSecond: last.throughput,
      regime,
      why: `From ${before.load} to ${last.load} throughput still grows by ${figure(100 * (last.throughput / before.throughput - 1))} %.`,
    };
  }
  return {
    ...common,
    cell: knee.cell.cell,
    value: knee.load,
    systemTokensPerSecond: knee.throughput,
    regime: 'saturated',
    why: `${figure(knee.throughput)} tokens/s at ${knee.load} is within ${Math.round(100 * (1 - PLATEAU_SHARE))} % of the most, ${figure(top.throughput)} at ${top.load}.`,
  };
}
