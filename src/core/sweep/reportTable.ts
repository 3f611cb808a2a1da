/** The rows that every report and the terminal show, as text. */

import { failsTooOften } from './checks.ts';
import type { LoadResult, Quantiles } from './loadResult.ts';
import { figure, halfWidthOf, none } from './reportFigures.ts';
import type { CellResult, RunResults } from './run.ts';
import { intervalOf, isUsable, meanOf, unusableWords, userTtftP95Ms, worst } from './usable.ts';

export interface TableColumn {
  readonly title: string;
  readonly unit: string;
  readonly numeric: boolean;
}

export interface Table {
  readonly columns: readonly TableColumn[];
  readonly rows: readonly (readonly string[])[];
}

/** One row a cell. Over repeats the worst latency stands; throughput is the mean with half the width of its 95 % interval. */
export function cellTable(results: RunResults): Table {
  const column = (title: string, unit = '', numeric = true): TableColumn => ({ title, unit, numeric });
  const columns = [
    column('cell', '', false),
    column('TTFT p50', 'ms'),
    column('TTFT p95', 'ms'),
    column('TPOT p50', 'ms'),
    column('TPOT p95', 'ms'),
    column('ITL p95', 'ms'),
    column('E2E p95', 'ms'),
    column('per query', 'tok/s'),
    column('system', 'tok/s'),
    column('requests', '1/s'),
    column('ok/failed'),
    column('result', '', false),
  ];
  const batches = results.cells.some(({ batch }) => batch !== undefined);
  if (batches) columns.splice(-2, 0, column('whole batch', 's'));
  const goodput = results.cells.some(({ trials }) => trials.some((trial) => trial.goodput !== null));
  if (goodput) columns.splice(-2, 0, column('goodput', '1/s'));
  const rows = results.cells.map((cell) => {
    const high = (of: (trial: LoadResult) => number | null) => figure(worst(cell, of, Math.max));
    const low = (of: (trial: LoadResult) => number | null) => figure(worst(cell, of, Math.min));
    return [
      cell.label,
      high(({ ttftMs }) => ttftMs.p50),
      high(userTtftP95Ms),
      high(({ tpotMs }) => tpotMs.p50),
      high(({ tpotMs }) => tpotMs.p95),
      high(({ itlMs }) => itlMs.p95),
      high(({ e2eMs }) => e2eMs.p95),
      low(({ perQueryTokensPerSecond }) => perQueryTokensPerSecond),
      systemWords(cell),
      figure(meanOf(cell, ({ requestsPerSecond }) => requestsPerSecond ?? null)),
      ...(batches ? [figure(batchSeconds(cell))] : []),
      ...(goodput ? [figure(meanOf(cell, (trial) => trial.goodput))] : []),
      requestCounts(cell),
      resultWords(cell),
    ];
  });
  return { columns, rows };
}

/** From the first send to the last token of an offline batch. */
function batchSeconds(cell: CellResult): number | null {
  return cell.batch === undefined
    ? null
    : meanOf(cell, ({ durationMs }) => (durationMs === undefined ? null : durationMs / 1000));
}

function systemWords(cell: CellResult): string {
  const interval = intervalOf(cell, 'systemTokensPerSecond');
  if (interval === null) return none;
  const { mean, known } = interval;
  return known ? `${figure(mean)} ± ${figure(halfWidthOf(mean, interval))}` : figure(mean);
}

/** Every percentile of every trial. */
export function percentileTable(results: RunResults): Table {
  const columns: TableColumn[] = [
    { title: 'cell', unit: '', numeric: false },
    { title: 'trial', unit: '', numeric: true },
    { title: 'figure', unit: '', numeric: false },
    ...['mean', 'p50', 'p90', 'p95', 'p99'].map((title) => ({ title, unit: 'ms', numeric: true })),
  ];
  const rows = results.cells.flatMap((cell) =>
    cell.trials.flatMap((trial, index) =>
      quantilesOf(trial).map(([name, { mean, p50, p90, p95, p99 }]) => [
        cell.label,
        String(index + 1),
        name,
        ...[mean, p50, p90, p95, p99].map(figure),
      ]),
    ),
  );
  return { columns, rows };
}

function quantilesOf(trial: LoadResult): readonly (readonly [string, Quantiles])[] {
  const scheduled: readonly (readonly [string, Quantiles | undefined])[] = [
    ['queue delay', trial.queueDelayMs],
    ['TTFT from schedule', trial.ttftFromScheduleMs],
    ['E2E from schedule', trial.e2eFromScheduleMs],
  ];
  return [
    ...scheduled.flatMap(([name, of]) => (of === undefined ? [] : [[name, of] as const])),
    ['TTFT', trial.ttftMs],
    ['TPOT', trial.tpotMs],
    ['ITL', trial.itlMs],
    ['E2E', trial.e2eMs],
  ];
}

function requestCounts(cell: CellResult): string {
  if (cell.trials.length === 0) return none;
  const total = (of: (trial: LoadResult) => number | null) => {
    const counts = cell.trials.flatMap((trial) => of(trial) ?? []);
    return counts.length < cell.trials.length ? none : counts.reduce((sum, count) => sum + count, 0);
  };
  return `${total(({ requests }) => requests.ok)}/${total(({ requests }) => requests.failed)}`;
}

/** What became of the cell, in words. */
export function resultWords(cell: CellResult): string {
  switch (cell.state) {
    case 'skipped':
      return 'not run: predicted not to fit';
    case 'failed':
      return `failed: ${cell.failure?.kind ?? 'unknown'} at ${cell.failure?.enginePhase ?? cell.failure?.phase ?? 'an unknown point'}`;
    case 'waiting':
      return cell.passedOver === undefined ? 'no result' : 'passed over by the search';
    case 'running':
      return 'running';
    case 'done':
      if (!isUsable(cell)) return unusableWords(cell);
      if (cell.meetsServiceLevel === null) return 'done';
      if (cell.meetsServiceLevel) return 'within SLO';
      return failsTooOften(cell.trials) ? 'misses SLO: requests failed' : 'misses SLO';
  }
}

/** `rehearsal on the simulated engine` or `measured`: how the figures came to be. */
export function simulatedMark(results: RunResults): string {
  return results.mode === 'rehearsal' ? ' (simulated)' : '';
}
