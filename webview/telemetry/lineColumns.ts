import type { Formatter } from '../common/format.ts';
import type { Column } from '../common/table.ts';
import type { LineFigures } from './metricCharts.ts';

/** The twin of a chart of lines over time. */
export function lineFigureColumns(format: () => Formatter): readonly Column<LineFigures>[] {
  const figure = (id: 'last' | 'min' | 'mean' | 'max', label: string): Column<LineFigures> => ({
    id,
    label,
    numeric: true,
    cell: (row) => ({ text: format().significant(row[id]), sort: row[id], copy: String(row[id]) }),
  });
  return [
    { id: 'line', label: 'Line', cell: ({ label }) => ({ text: label }) },
    figure('last', 'At the end'),
    figure('min', 'Least'),
    figure('mean', 'Mean'),
    figure('max', 'Most'),
    { id: 'unit', label: 'Unit', cell: ({ unit }) => ({ text: unit }) },
    {
      id: 'count',
      label: 'Samples',
      numeric: true,
      cell: ({ count }) => ({ text: format().count(count), sort: count, copy: String(count) }),
    },
  ];
}
