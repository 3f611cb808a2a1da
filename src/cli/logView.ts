import type { ComparisonRow } from '../core/estimate/compare.ts';
import type { LogOutcome, LogRecord } from '../core/log/record.ts';
import { figure } from '../core/sweep/reportFigures.ts';
import type { Table, TableColumn } from '../core/sweep/reportTable.ts';
import { formatCount, GiB, gibAsLogged } from '../core/units.ts';
import type { FiledLogRecord } from './readLogs.ts';

/** Word and mark; colour is never needed. */
export const outcomeWords: Readonly<Record<LogOutcome, string>> = {
  started: '✔ started',
  refused: '✖ refused',
  oom: '✖ out of memory',
  failed: '✖ failed',
  unknown: '? not told',
};

const column = (title: string, unit = '', numeric = true): TableColumn => ({ title, unit, numeric });

/** A row a start. What the log does not say stays empty. */
export function logTable(records: readonly FiledLogRecord[]): Table {
  const gib = (bytes: number | null) => (bytes === null ? '' : gibAsLogged(bytes));
  const count = (value: number | null) => (value === null ? '' : formatCount(value));
  return {
    columns: [
      column('start', '', false),
      column('engine', '', false),
      column('model', '', false),
      column('outcome', '', false),
      column('weights', 'GiB'),
      column('peak', 'GiB'),
      column('non-torch', 'GiB'),
      column('graphs', 'GiB'),
      column('KV cache', 'GiB'),
      column('KV cache', 'tokens'),
      column('concurrency', 'x'),
      column('at', 'tokens'),
    ],
    rows: records.map((record) => [
      `${record.file}:${record.line}`,
      `${record.engine}${record.version === null ? '' : ` ${record.version}`}`,
      record.model ?? '',
      outcomeOf(record),
      gib(record.weightsBytes),
      gib(record.activationPeakBytes),
      gib(record.nonTorchBytes),
      gib(record.graphBytes),
      gib(record.availableKvBytes),
      count(record.kvTokens),
      record.maxConcurrency === null ? '' : record.maxConcurrency.toFixed(2),
      count(record.maxModelLen),
    ]),
  };
}

function outcomeOf({ outcome, errorClass, errorLine, phase }: LogRecord): string {
  const why = errorClass === null ? '' : `: ${errorClass}${phase === null ? '' : ` at ${phase}`}`;
  return `${outcomeWords[outcome]}${why}${errorLine === null ? '' : ` (line ${errorLine})`}`;
}

/** Predicted beside measured, a row a term; and the error that is left once calibrated. */
export function comparisonTable(
  rows: readonly ComparisonRow[],
  calibrated?: readonly ComparisonRow[],
): Table {
  const left = (row: ComparisonRow) => {
    const found = calibrated?.find(({ term }) => term === row.term);
    return found === undefined ? '' : percentWords(found.relativeError);
  };
  return {
    columns: [
      column('term', '', false),
      column('predicted'),
      column('measured'),
      column('', '', false),
      column('error'),
      column('in band', '', false),
      ...(calibrated === undefined ? [] : [column('calibrated')]),
    ],
    rows: rows.map((row) => [...comparisonCells(row), ...(calibrated === undefined ? [] : [left(row)])]),
  };
}

/** One row as text: term, predicted, measured, unit, error, whether it lies in the band. */
export function comparisonCells({
  term,
  unit,
  predicted,
  measured,
  relativeError,
  withinBand,
}: ComparisonRow): string[] {
  const number = (value: number) => {
    if (unit === 'tokens' || unit === 'blocks') return formatCount(value);
    return unit === 'GiB' ? gibAsLogged(value * GiB) : figure(value);
  };
  return [
    term,
    number(predicted),
    number(measured),
    unit,
    percentWords(relativeError),
    withinBand === null ? '' : withinBand ? 'yes' : 'no',
  ];
}

/** `+0.4 %`; nothing where the measured value was 0. */
export function percentWords(relativeError: number): string {
  if (!Number.isFinite(relativeError)) return '';
  const percent = 100 * relativeError;
  return `${percent >= 0 ? '+' : '−'}${Math.abs(percent).toFixed(Math.abs(percent) < 10 ? 1 : 0)} %`;
}
