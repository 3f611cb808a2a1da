/** Two cells, or two runs, side by side: the difference of each figure with its interval. */
import type { CellComparison, Difference, DifferenceVerdict } from '../../src/core/sweep/compare.ts';
import { type IntervalMetric, intervalMetrics } from '../../src/core/sweep/loadResult.ts';
import type { Formatter } from '../common/format.ts';
import type { Column } from '../common/table.ts';
import { gainWords } from './heatMap.ts';

export const metricWords: Readonly<Record<IntervalMetric, string>> = {
  systemTokensPerSecond: 'System tok/s',
  perQueryTokensPerSecond: 'Per-query tok/s',
  ttftP50Ms: 'TTFT p50 ms',
  tpotP50Ms: 'TPOT p50 ms',
};

const verdictWords: Readonly<Record<DifferenceVerdict, string>> = {
  higher: 'higher',
  lower: 'lower',
  'no-real-difference': 'no real difference',
  uncertain: 'not known: no interval',
};

const methodWords: Readonly<Record<Difference['method'], string>> = {
  paired: 'paired t interval over repeats',
  'two-sample': 'Welch’s interval',
  none: 'neither repeats nor batches give an interval',
};

export interface DifferenceRow {
  readonly cell: string;
  readonly metric: string;
  /** null where the two can't be compared. */
  readonly difference: Difference | null;
  readonly why: string;
}

/** `only`: of one figure; null: of all. */
export function differenceRows(
  comparisons: readonly CellComparison[],
  only: IntervalMetric | null,
): readonly DifferenceRow[] {
  const shown = only === null ? intervalMetrics : [only];
  return comparisons.flatMap(({ label, metrics, notCompared }): readonly DifferenceRow[] => {
    const rows = shown.flatMap((metric): DifferenceRow[] => {
      const difference = metrics[metric];
      return difference === undefined
        ? []
        : [{ cell: label, metric: metricWords[metric], difference, why: methodWords[difference.method] }];
    });
    return rows.length > 0
      ? rows
      : [{ cell: label, metric: '–', difference: null, why: notCompared ?? 'they have no figure in common' }];
  });
}

export function differenceColumns(
  format: () => Formatter,
  names: { readonly first: string; readonly second: string },
): readonly Column<DifferenceRow>[] {
  const figure = (id: 'first' | 'second', label: string): Column<DifferenceRow> => ({
    id,
    label,
    numeric: true,
    cell: ({ difference, why }) =>
      difference === null
        ? { text: '–', sort: null, copy: '', title: why }
        : { text: format().significant(difference[id]), sort: difference[id], copy: String(difference[id]) },
  });
  return [
    { id: 'cell', label: 'Cell', cell: ({ cell }) => ({ text: cell }) },
    { id: 'metric', label: 'Figure', cell: ({ metric }) => ({ text: metric }) },
    figure('first', names.first),
    figure('second', names.second),
    {
      id: 'difference',
      label: 'Difference',
      numeric: true,
      cell: ({ difference, why }) => {
        if (difference === null) return { text: '–', sort: null, copy: '', title: why };
        const { difference: value, low, high } = difference;
        const half = low === null || high === null ? '' : ` ± ${format().significant((high - low) / 2)}`;
        const sign = value > 0 ? '+' : value < 0 ? '−' : '';
        return {
          text: `${sign}${format().significant(Math.abs(value))}${half}`,
          sort: value,
          copy: String(value),
          title: why,
        };
      },
    },
    {
      id: 'relative',
      label: 'Of the first',
      numeric: true,
      cell: ({ difference }) => {
        const relative = difference?.relative ?? null;
        return relative === null
          ? { text: '–', sort: null, copy: '' }
          : { text: gainWords(relative, format()), sort: relative, copy: String(relative) };
      },
    },
    {
      id: 'verdict',
      label: 'Says',
      cell: ({ difference, why }) =>
        difference === null
          ? { text: `not compared: ${why}` }
          : { text: verdictWords[difference.verdict], title: why },
    },
  ];
}
