/** Which cells count for an answer, and what is said of the others. */
import { failsTooOften, mostFailedShare } from './checks.ts';
import type { IntervalMetric, LoadResult } from './loadResult.ts';
import { metricOf } from './repeats.ts';
import type { CellResult, RunMode } from './run.ts';

/** Done, steady, consistent in itself, and not set by the client. */
export function isUsable(cell: CellResult): boolean {
  return cell.state === 'done' && !isClientBound(cell) && !isUnsteady(cell) && !isInconsistent(cell);
}

/** Of a cell that is done and does not count: why. */
export function unusableWords(cell: CellResult): string {
  if (isClientBound(cell)) return 'client-bound';
  return isUnsteady(cell) ? 'not steady' : "against Little's law";
}

/** Little's law is missed in one of its trials: its figures cannot be true together. */
export function isInconsistent(cell: CellResult): boolean {
  return cell.trials.some((trial) => trial.checks?.consistent === false);
}

export function isClientBound(cell: CellResult): boolean {
  return cell.trials.some((trial) => trial.client?.bound === true);
}

/** Something drifted in one of its trials: its figures depend on when it was ended. */
export function isUnsteady(cell: CellResult): boolean {
  return cell.trials.some((trial) => trial.checks?.stationary === false);
}

/** Requests in flight, or requests a second: what its load is made larger by. Null of a trace or an offline batch. */
export function loadValue(cell: CellResult): number | null {
  return cell.concurrency ?? cell.requestsPerSecond ?? null;
}

/** `concurrency 16`, `4 requests/s`, `the load`. */
export function loadWords(cell: CellResult): string {
  if (cell.concurrency !== null) return `concurrency ${cell.concurrency}`;
  return cell.requestsPerSecond === undefined ? 'the load' : `${cell.requestsPerSecond} requests/s`;
}

export function sameFlags(a: CellResult, b: CellResult): boolean {
  return engineWords(a) === engineWords(b);
}

/** Flags and arrangement in words, the same for cells of one engine start. Compared, and shown where several are. */
export function engineWords(cell: CellResult): string {
  const flags = Object.entries(cell.flags).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : String(value)}`,
  );
  return flags.join(', ');
}

/** Cells that differ in how much load there is, and in nothing else: one engine start under one kind of load. */
export function ladderOf(cell: CellResult): string {
  return [engineWords(cell), cell.load ?? ''].filter((words) => words !== '').join('; ');
}

/** Mean over repeats; null where a trial does not have the figure. */
export function meanOf(cell: CellResult, of: (trial: LoadResult) => number | null): number | null {
  const values = cell.trials.map(of);
  const known = values.filter((value) => value !== null);
  return known.length === 0 || known.length < values.length
    ? null
    : known.reduce((sum, value) => sum + value, 0) / known.length;
}

/** Mean of a figure with its 95 % interval; ends at the mean itself where there is none. */
export function intervalOf(
  cell: CellResult,
  metric: IntervalMetric,
): { readonly mean: number; readonly low: number; readonly high: number; readonly known: boolean } | null {
  const interval = cell.interval?.[metric];
  if (interval !== undefined) return { ...interval, known: true };
  const mean = meanOf(cell, (trial) => metricOf(trial, metric));
  return mean === null ? null : { mean, low: mean, high: mean, known: false };
}

/** TTFT as a user waits for it: from when the request was due, where it had a time. */
export function userTtftP95Ms(trial: LoadResult): number | null {
  return (trial.ttftFromScheduleMs ?? trial.ttftMs).p95;
}

/** Over repeats the worst counts; null where a trial does not have the figure. */
export function worst(
  cell: CellResult,
  of: (trial: LoadResult) => number | null,
  choose: (...values: number[]) => number,
): number | null {
  const values = cell.trials.map(of);
  return values.length === 0 || values.some((value) => value === null)
    ? null
    : choose(...values.flatMap((value) => value ?? []));
}

/** What is not in an answer, counted by why. `judgesServiceLevel`: the answer needs a p95 of each cell. */
export function leftOut(
  cells: readonly CellResult[],
  { judgesServiceLevel = false, failedIsData = false } = {},
): string[] {
  const done = cells.filter(({ state }) => state === 'done');
  const counts: readonly (readonly [string, number])[] = [
    ['client-bound', done.filter(isClientBound).length],
    ['not steady', done.filter((cell) => !isClientBound(cell) && isUnsteady(cell)).length],
    [
      "against Little's law",
      done.filter((cell) => !isClientBound(cell) && !isUnsteady(cell) && isInconsistent(cell)).length,
    ],
    ['failed', failedIsData ? 0 : cells.filter((cell) => cell.state === 'failed').length],
    ['predicted not to fit and not run', cells.filter((cell) => cell.state === 'skipped').length],
    [
      'with too few requests for a p95',
      judgesServiceLevel
        ? done.filter((cell) => isUsable(cell) && cell.meetsServiceLevel === null).length
        : 0,
    ],
    [
      'without a result',
      cells.filter(
        ({ state, passedOver }) => (state === 'waiting' || state === 'running') && passedOver === undefined,
      ).length,
    ],
  ];
  const said = counts.filter(([, count]) => count > 0).map(([why, count]) => `${count} ${why}`);
  return said.length === 0 ? [] : [`Left out: ${said.join(', ')} (of ${cells.length} cells).`];
}

export function missedByFailures(cells: readonly CellResult[]): string[] {
  const missing = cells.filter((cell) => isUsable(cell) && failsTooOften(cell.trials)).length;
  return missing === 0
    ? []
    : [`Missed by failed requests (over ${100 * mostFailedShare} %): ${missing} of ${cells.length} cells.`];
}

/** Simulated figures are named so in the sentence itself. */
export function simulatedWords(mode: RunMode): string {
  return mode === 'rehearsal' ? 'Simulated: ' : '';
}
