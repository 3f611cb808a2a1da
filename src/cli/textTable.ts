import type { Table } from '../core/sweep/reportTable.ts';

/** A table of aligned columns, units under the titles. Numbers to the right. */
export function textTable({ columns, rows }: Table): string[] {
  const heads = columns.map(({ title }) => title);
  const units = columns.map(({ unit }) => unit);
  const lines = units.some((unit) => unit !== '') ? [heads, units, ...rows] : [heads, ...rows];
  const widths = columns.map((_, at) => Math.max(...lines.map((line) => displayWidth(line[at] ?? ''))));
  return lines.map((line) =>
    line
      .map((cell, at) => {
        const gap = ' '.repeat((widths[at] ?? 0) - displayWidth(cell));
        return columns[at]?.numeric === true ? gap + cell : cell + gap;
      })
      .join('  ')
      .trimEnd(),
  );
}

function displayWidth(text: string): number {
  return [...text].length;
}
