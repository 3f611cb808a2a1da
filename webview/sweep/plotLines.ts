/** Which cells are joined to a line, and what a line is called. */
import { type CellFigures, groupLabels } from './cellFigures.ts';
import type { Dimension } from './dimensions.ts';

export interface PlotLine {
  /** '' where there is one. */
  readonly name: string;
  readonly cells: readonly CellFigures[];
  /** Its points differ along one thing alone, and may be joined. */
  readonly joined: boolean;
}

/** More than these can't be told apart. */
export const mostLines = 8;

/**
 * `along` is what a line runs along: the dimension of the x axis, else the level of the load. Of more lines than can be told apart
 * there is a colour for each value of one dimension, and no lines.
 */
export function plotLines(
  figures: readonly CellFigures[],
  dimensions: readonly Dimension[],
  along: Dimension | undefined,
  by: string,
): readonly PlotLine[] {
  const others = dimensions.filter(({ id }) => id !== along?.id);
  if (by === 'all') {
    const lines = grouped(figures, others);
    if (lines.length <= mostLines) return lines;
    const coarse = others
      .filter(({ values }) => values.length <= mostLines)
      .toSorted((a, b) => a.values.length - b.values.length)[0];
    return coarse === undefined
      ? [{ name: '', cells: figures, joined: false }]
      : byDimension(figures, coarse, others);
  }
  const chosen = others.find(({ id }) => id === by);
  return chosen === undefined
    ? [{ name: '', cells: figures, joined: others.length === 0 }]
    : byDimension(figures, chosen, others);
}

/** What a line runs along where the x axis is a metric. */
export function loadDimension(dimensions: readonly Dimension[]): Dimension | undefined {
  return (
    dimensions.find(({ id }) => id === 'concurrency' || id === 'requestsPerSecond') ??
    dimensions.filter(({ numeric }) => numeric).toSorted((a, b) => b.values.length - a.values.length)[0]
  );
}

function byDimension(
  figures: readonly CellFigures[],
  dimension: Dimension,
  others: readonly Dimension[],
): readonly PlotLine[] {
  const joined = others.length === 1;
  const shown = dimension.values.slice(0, mostLines);
  const lines = shown.map((value) => ({
    name: `${dimension.label} ${value}`,
    cells: figures.filter(({ cell }) => dimension.of(cell) === value),
    joined,
  }));
  const rest = figures.filter(({ cell }) => !shown.includes(dimension.of(cell) ?? ''));
  return rest.length === 0
    ? lines
    : [...lines, { name: `${dimension.label}: others`, cells: rest, joined: false }];
}

function grouped(figures: readonly CellFigures[], others: readonly Dimension[]): readonly PlotLine[] {
  const byKey = new Map<string, CellFigures[]>();
  for (const one of figures) {
    const key = JSON.stringify(others.map(({ of }) => of(one.cell) ?? null));
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [one]);
    else known.push(one);
  }
  if (byKey.size > mostLines) return [...byKey.values()].map((cells) => ({ name: '', cells, joined: true }));
  const names = groupLabels(
    [...byKey.values()].map(([first]) =>
      Object.fromEntries(
        others.map(({ label, of }) => [label, first === undefined ? '' : (of(first.cell) ?? 'default')]),
      ),
    ),
  );
  return [...byKey.values()].map((cells, at) => ({ name: names[at] ?? '', cells, joined: true }));
}
