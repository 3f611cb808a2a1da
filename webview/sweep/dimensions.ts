/** What a sweep varies: the level of the load, each flag, the arrangement of engines, the number of GPUs. */
import type { CellResult } from '../../src/core/sweep/run.ts';
import { arrangementWords } from './cellFigures.ts';

export interface Dimension {
  /** `flag:max-model-len`, `concurrency` … */
  readonly id: string;
  readonly label: string;
  /** Distinct values in order: numbers by size, words as they stand in the plan. Words where not all are numbers. */
  readonly values: readonly (number | string)[];
  readonly numeric: boolean;
  /** undefined where the cell has none. */
  of(cell: CellResult): number | string | undefined;
}

type Pick = (cell: CellResult) => number | string | undefined;

/** Those with at least two values, load first. */
export function sweptDimensions(cells: readonly CellResult[]): readonly Dimension[] {
  const flags = new Set<string>();
  for (const cell of cells) for (const name of Object.keys(cell.flags)) flags.add(name);
  const candidates: readonly (readonly [string, string, Pick])[] = [
    ['concurrency', 'Concurrency', ({ concurrency }) => concurrency ?? undefined],
    ['requestsPerSecond', 'Requests/s offered', ({ requestsPerSecond }) => requestsPerSecond],
    ...[...flags].map((name): [string, string, Pick] => [
      `flag:${name}`,
      name,
      ({ flags: own }) => flagOf(own[name]),
    ]),
    ['gpuCount', 'GPUs', ({ gpuCount }) => gpuCount],
    [
      'arrangement',
      'Engines',
      ({ arrangement }) => (arrangement === undefined ? '1 copy' : arrangementWords(arrangement)),
    ],
    ['load', 'Load', ({ load }) => load],
  ];
  return candidates.flatMap(([id, label, of]) => {
    const found = new Set<number | string>();
    for (const cell of cells) {
      const value = of(cell);
      if (value !== undefined) found.add(value);
    }
    if (found.size < 2) return [];
    const numeric = [...found].every((value) => typeof value === 'number');
    const values = numeric ? [...found].sort((a, b) => Number(a) - Number(b)) : [...found].map(String);
    return [{ id, label, values, numeric, of: numeric ? of : (cell) => wordOf(of(cell)) }];
  });
}

function wordOf(value: number | string | undefined): string | undefined {
  return value === undefined ? undefined : String(value);
}

function flagOf(value: CellResult['flags'][string] | undefined): number | string {
  if (value === undefined) return 'default';
  if (typeof value === 'number') return value;
  // YAML reads 0.9 as a number, and a quoted one as text: it is the same flag.
  const number = typeof value === 'string' && value.trim() !== '' ? Number(value) : Number.NaN;
  return Number.isFinite(number) ? number : Array.isArray(value) ? value.join(' ') : String(value);
}

/** Values double rather than add: an axis of them is logarithmic. */
export function isLogarithmic({ numeric, values }: Dimension): boolean {
  const [first, last] = [Number(values[0]), Number(values.at(-1))];
  return numeric && first > 0 && last / first >= 8;
}
