/** Which values of a plan make cells that cannot fit: where the editor strikes them through. */
import { arrangementOf, gpuCounts } from './launches.ts';
import type { SweepPlan } from './planSchema.ts';
import type { Cell } from './run.ts';

export interface UnfitPlace {
  readonly path: readonly (string | number)[];
  /** Of one of the cells. */
  readonly reason: string;
  readonly cells: number;
  /** False where the plan tries them all the same. */
  readonly skipped: boolean;
  /** `value`: every cell with it; `plan`: every cell there is; `rest`: combinations that no single value explains. */
  readonly kind: 'value' | 'plan' | 'rest';
  /** Of the rest: what they are called. */
  readonly labels: readonly string[];
}

export function unfitPlaces(plan: SweepPlan, cells: readonly Cell[]): readonly UnfitPlace[] {
  const unfit = cells.filter(isUnfit);
  if (unfit.length === 0) return [];
  if (unfit.length === cells.length) return [placeOf(['model'], unfit, 'plan')];
  const places: UnfitPlace[] = [];
  const explained = new Set<Cell>();
  for (const { path, has } of values(plan)) {
    const own = cells.filter(has);
    if (own.length === 0 || own.length === cells.length || !own.every(isUnfit)) continue;
    places.push(placeOf(path, own, 'value'));
    for (const cell of own) explained.add(cell);
  }
  const rest = unfit.filter((cell) => !explained.has(cell));
  if (rest.length > 0) places.push(placeOf([restKey(plan)], rest, 'rest'));
  return places;
}

function isUnfit({ prediction }: Cell): boolean {
  return prediction?.outcome === 'does-not-fit';
}

function placeOf(path: UnfitPlace['path'], cells: readonly Cell[], kind: UnfitPlace['kind']): UnfitPlace {
  return {
    path,
    reason: cells[0]?.prediction?.reason ?? '',
    cells: cells.length,
    skipped: cells.every(({ skipped }) => skipped),
    kind,
    labels: cells.map(({ label }) => label),
  };
}

function restKey(plan: SweepPlan): string {
  return Object.keys(plan.matrix).length > 0 ? 'matrix' : plan.search === undefined ? 'load' : 'search';
}

/** Every value of a list, with the cells that have it. */
function values(plan: SweepPlan): { path: UnfitPlace['path']; has: (cell: Cell) => boolean }[] {
  const found: { path: UnfitPlace['path']; has: (cell: Cell) => boolean }[] = [];
  const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);
  for (const [flag, list] of Object.entries(plan.matrix)) {
    for (const [index, value] of list.entries()) {
      found.push({ path: ['matrix', flag, index], has: ({ flags }) => same(flags[flag], value) });
    }
  }
  if (Array.isArray(plan.gpuCount)) {
    for (const [index, count] of gpuCounts(plan).entries()) {
      found.push({ path: ['gpuCount', index], has: ({ gpuCount }) => gpuCount === count });
    }
  }
  for (const [index, written] of (plan.engine.arrangements ?? []).entries()) {
    const { of: wanted, flags } = arrangementOf(written);
    found.push({
      path: ['engine', 'arrangements', index],
      has: (cell) =>
        same(cell.arrangement ?? { copies: 1 }, wanted) &&
        Object.entries(flags).every(([flag, value]) => same(cell.flags[flag], value)),
    });
  }
  return found;
}
