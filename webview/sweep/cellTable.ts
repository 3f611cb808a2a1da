import { halfWidthOf } from '../../src/core/sweep/reportFigures.ts';
import { button, element } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import type { Cell, Column } from '../common/table.ts';
import { type Mark, markIcon } from '../common/verdict.ts';
import { type CellFigures, missingReason, type Standing, standingWords } from './cellFigures.ts';
import type { Dimension } from './dimensions.ts';
import { type Figure, type Metric, metrics } from './metrics.ts';
import { boundWords } from './why.ts';

export const standingMarks: Readonly<Record<Standing, Mark>> = {
  measured: 'passed',
  'misses-service-level': 'does-not-fit',
  'client-bound': 'tight',
  unsteady: 'tight',
  inconsistent: 'tight',
  'request-failures': 'tight',
  failed: 'failed',
  running: 'running',
  waiting: 'waiting',
  skipped: 'waiting',
  'passed-over': 'waiting',
};

export interface CellTableEvents {
  pick(cell: string): void;
  hide(cell: string): void;
  /** Its place in the plan, from 1. */
  numberOf(cell: string): number;
}

/** The columns of the table of cells: what was swept, what became of it, the figures. */
export function cellColumns(
  format: () => Formatter,
  dimensions: readonly Dimension[],
  shown: { readonly why: boolean; readonly metrics: readonly Metric[] },
  events: CellTableEvents,
): readonly Column<CellFigures>[] {
  return [
    {
      id: 'cell',
      label: 'Cell',
      title: 'Number in the plan',
      numeric: true,
      cell: ({ cell }) => {
        const number = events.numberOf(cell.cell);
        return {
          text: String(number),
          sort: number,
          copy: cell.label,
          content: () =>
            button(String(number), () => events.pick(cell.cell), {
              class: 'quiet',
              'aria-label': `Show cell ${number}: ${cell.label}`,
              title: cell.label,
            }),
        };
      },
    },
    ...dimensions.map(
      (dimension): Column<CellFigures> => ({
        id: dimension.id,
        label: dimension.label,
        numeric: dimension.numeric,
        cell: ({ cell }) => {
          const value = dimension.of(cell);
          return { text: value === undefined ? '–' : String(value), sort: value ?? null };
        },
      }),
    ),
    {
      id: 'standing',
      label: 'State',
      cell: (row) => ({
        text: standingWords(row),
        content: () =>
          element(
            'span',
            { class: 'state' },
            markIcon(standingMarks[row.standing]),
            ` ${standingWords(row)}`,
          ),
      }),
    },
    ...shown.metrics.map((metric) => metricColumn(metric, format)),
    {
      id: 'ok',
      label: 'Ok',
      title: 'Requests answered in full',
      numeric: true,
      cell: (row) => count(row.requestsOk, row, format()),
    },
    {
      id: 'failed',
      label: 'Failed',
      title: 'Requests that failed, of any kind',
      numeric: true,
      cell: (row) => count(row.requestsFailed, row, format()),
    },
    ...(shown.why ? [whyColumn] : []),
    {
      id: 'hide',
      label: 'Hide',
      notCopied: true,
      cell: ({ cell }) => ({
        text: '',
        content: () =>
          button('Hide', () => events.hide(cell.cell), {
            class: 'quiet',
            'aria-label': `Hide ${cell.label}`,
            title: 'Take the row out of table and charts',
          }),
      }),
    },
  ];
}

const whyColumn: Column<CellFigures> = {
  id: 'why',
  label: 'Bound by',
  title: 'What sets the pace',
  cell: ({ cell: { why } }) =>
    why === undefined
      ? { text: '–', sort: null, copy: '', title: 'not known' }
      : { text: boundWords(why.bound), title: why.evidence.join(' ') },
};

/** The ones that every run has; others where there is anything of them. */
export function shownMetrics(rows: readonly CellFigures[], chosen: readonly string[]): readonly Metric[] {
  return metrics.filter(
    ({ id, column }) =>
      column === true || (chosen.includes(id) && rows.some((row) => row.figure(id) !== null)),
  );
}

export function metricColumn(metric: Metric, format: () => Formatter): Column<CellFigures> {
  return {
    id: metric.id,
    label: metric.label,
    title: metric.title,
    numeric: true,
    cell: (row) => figureCell(row.figure(metric.id), row, format()),
  };
}

function figureCell(figure: Figure | null, row: CellFigures, format: Formatter): Cell {
  if (figure === null) return { text: '–', sort: null, copy: '', title: missingReason(row) };
  const { mean, interval, trials, min, max } = figure;
  const half = interval === null ? '' : ` ± ${format.significant(halfWidthOf(mean, interval))}`;
  const repeats =
    trials === 1 ? '' : `mean of ${trials} trials, ${format.significant(min)} to ${format.significant(max)}`;
  const title = [repeats, interval === null ? '' : `95 %: ${interval.how}`]
    .filter((part) => part !== '')
    .join('; ');
  return {
    text: `${format.significant(mean)}${half}`,
    sort: mean,
    copy: String(mean),
    ...(title === '' ? {} : { title }),
  };
}

function count(value: number | null, row: CellFigures, format: Formatter): Cell {
  if (row.cell.trials.length === 0) return { text: '–', sort: null, copy: '', title: missingReason(row) };
  if (value === null) return { text: '–', sort: null, copy: '', title: 'not counted in the file' };
  return { text: format.count(value), sort: value, copy: String(value) };
}
