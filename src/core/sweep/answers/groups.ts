/** How cells of a grid belong together. */
import type { CellResult } from '../run.ts';

/** In order of first appearance. */
export function grouped<T>(
  values: readonly T[],
  keyOf: (value: T) => string,
): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>();
  for (const value of values) {
    const key = keyOf(value);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [value]);
    else group.push(value);
  }
  return groups;
}

/** Names of the flags that differ between the cells. */
export function varyingFlags(cells: readonly CellResult[]): readonly string[] {
  const names = [...new Set(cells.flatMap(({ flags }) => Object.keys(flags)))];
  return names.filter((name) => new Set(cells.map(({ flags }) => JSON.stringify(flags[name]))).size > 1);
}

export function copiesOf(cell: CellResult): number {
  return cell.arrangement?.copies ?? 1;
}

/** Flags as text, some left out: to find cells that differ in those alone. */
export function flagsWithout({ flags }: CellResult, names: readonly string[]): string {
  const rest = Object.entries(flags).filter(([name]) => !names.includes(name));
  return JSON.stringify(rest.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/**
 * The varied flags of a cell in words: `tensor-parallel-size 2, quantization fp8`. Those that it does not set are left out, unless it sets
 * none. Empty where nothing varies.
 */
export function variedWords(cell: CellResult, varying: readonly string[]): string {
  const words = varying.flatMap((name) => {
    const value = cell.flags[name];
    return value === undefined ? [] : [`${name} ${Array.isArray(value) ? value.join(' ') : String(value)}`];
  });
  return words.length > 0 ? words.join(', ') : varying.map((name) => `${name} default`).join(', ');
}
