import { element } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import type { Cell, Column } from '../common/table.ts';
import { type Mark, markIcon } from '../common/verdict.ts';
import { type CellFigures, type Figure, missingReason, type Standing, standingWords } from './cellFigures.ts';

const marks: Readonly<Record<Standing, Mark>> = {
  measured: 'passed',
  'misses-service-level': 'does-not-fit',
  'client-bound': 'tight',
  'request-failures': 'tight',
  failed: 'failed',
  running: 'running',
  waiting: 'waiting',
  skipped: 'waiting',
};

/** The columns of the table of cells. The group's column is there where the cells differ in more than load. */
export function cellColumns(format: () => Formatter, grouped: boolean): readonly Column<CellFigures>[] {
  const figure = (
    id: string,
    label: string,
    title: string,
    pick: (row: CellFigures) => Figure | null,
  ): Column<CellFigures> => ({
    id,
    label,
    title,
    numeric: true,
    cell: (row) => figureCell(pick(row), row, format()),
  });
  const group: Column<CellFigures> = {
    id: 'group',
    label: 'Flags',
    cell: (row) => ({ text: row.group }),
  };
  return [
    {
      id: 'concurrency',
      label: 'Concurrency',
      numeric: true,
      cell: ({ cell }) => ({
        text: String(cell.concurrency ?? '–'),
        sort: cell.concurrency,
        title: cell.label,
      }),
    },
    ...(grouped ? [group] : []),
    {
      id: 'standing',
      label: 'State',
      cell: (row) => ({
        text: standingWords(row),
        content: element('span', { class: 'state' }, markIcon(marks[row.standing]), ` ${standingWords(row)}`),
      }),
    },
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
    figure('ttft-p50', 'TTFT p50 ms', 'Time to first token, median', (row) => row.ttftP50Ms),
    figure('ttft-p95', 'TTFT p95 ms', 'Time to first token, 95th percentile', (row) => row.ttftP95Ms),
    figure('tpot', 'TPOT p50 ms', 'Time per output token after the first, median', (row) => row.tpotP50Ms),
    figure('itl', 'ITL p50 ms', 'Gap between stream events, median', (row) => row.itlP50Ms),
    figure('e2e', 'E2E p50 ms', 'End-to-end latency, median', (row) => row.e2eP50Ms),
    figure(
      'per-query',
      'Per-query tok/s',
      'Mean over requests of output tokens per second',
      (row) => row.perQueryTokensPerSecond,
    ),
    figure('system', 'System tok/s', 'All output tokens per second', (row) => row.systemTokensPerSecond),
  ];
}

function figureCell(figure: Figure | null, row: CellFigures, format: Formatter): Cell {
  if (figure === null) return { text: '–', sort: null, copy: '', title: missingReason(row) };
  const repeats =
    figure.trials === 1
      ? {}
      : {
          title: `mean of ${figure.trials} trials, ${format.significant(figure.min)} to ${format.significant(figure.max)}`,
        };
  return { text: format.significant(figure.mean), sort: figure.mean, copy: String(figure.mean), ...repeats };
}

function count(value: number | null, row: CellFigures, format: Formatter): Cell {
  if (row.cell.trials.length === 0) return { text: '–', sort: null, copy: '', title: missingReason(row) };
  if (value === null) return { text: '–', sort: null, copy: '', title: 'not counted in the file' };
  return { text: format.count(value), sort: value, copy: String(value) };
}
