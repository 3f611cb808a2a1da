import type { FlagValue } from '../../src/core/engine/deployment.ts';
import type { LoadResult } from '../../src/core/sweep/loadResult.ts';
import type { CellResult, RunResults, ServiceLevel } from '../../src/core/sweep/run.ts';

/** Mean over a cell's trials, and how far they lie apart. */
export interface Figure {
  readonly mean: number;
  readonly min: number;
  readonly max: number;
  readonly trials: number;
}

/** How a cell is to be taken; each is drawn in its own shape. Only the first two count for an answer. */
export type Standing =
  | 'measured'
  | 'misses-service-level'
  | 'client-bound'
  | 'request-failures'
  | 'failed'
  | 'running'
  | 'waiting'
  | 'skipped';

export interface CellFigures {
  readonly cell: CellResult;
  /** Of the cells that differ in load alone. */
  readonly group: string;
  readonly standing: Standing;
  /** null: not counted in the file of another tool. */
  readonly requestsOk: number | null;
  readonly requestsFailed: number | null;
  readonly ttftP50Ms: Figure | null;
  readonly ttftP95Ms: Figure | null;
  readonly tpotP50Ms: Figure | null;
  readonly itlP50Ms: Figure | null;
  readonly e2eP50Ms: Figure | null;
  readonly perQueryTokensPerSecond: Figure | null;
  readonly systemTokensPerSecond: Figure | null;
}

export function cellFigures(results: RunResults): readonly CellFigures[] {
  const groups = groupLabels(results.cells.map((cell) => cell.flags));
  return results.cells.map((cell, i) => ({
    cell,
    group: groups[i] ?? '',
    standing: standing(cell),
    requestsOk: counted(cell, ({ requests }) => requests.ok),
    requestsFailed: counted(cell, ({ requests }) => requests.failed),
    ttftP50Ms: overTrials(cell, (trial) => trial.ttftMs.p50),
    ttftP95Ms: overTrials(cell, (trial) => trial.ttftMs.p95),
    tpotP50Ms: overTrials(cell, (trial) => trial.tpotMs.p50),
    itlP50Ms: overTrials(cell, (trial) => trial.itlMs.p50),
    e2eP50Ms: overTrials(cell, (trial) => trial.e2eMs.p50),
    perQueryTokensPerSecond: overTrials(cell, (trial) => trial.perQueryTokensPerSecond),
    systemTokensPerSecond: overTrials(cell, (trial) => trial.systemTokensPerSecond),
  }));
}

function counted(cell: CellResult, pick: (trial: LoadResult) => number | null): number | null {
  const counts = cell.trials.map(pick);
  return counts.includes(null) ? null : sum(counts.map((count) => count ?? 0));
}

/** null where one of the trials can't certify it: the others alone would flatter. */
function overTrials(cell: CellResult, pick: (trial: LoadResult) => number | null): Figure | null {
  const values = cell.trials.map(pick);
  const known = values.filter((value) => value !== null);
  if (known.length === 0 || known.length < values.length) return null;
  return {
    mean: sum(known) / known.length,
    min: Math.min(...known),
    max: Math.max(...known),
    trials: known.length,
  };
}

function standing(cell: CellResult): Standing {
  if (cell.state !== 'done') return cell.state;
  if (cell.trials.some((trial) => trial.client?.bound === true)) return 'client-bound';
  if (cell.trials.some((trial) => (trial.requests.failed ?? 0) > 0)) return 'request-failures';
  return cell.meetsServiceLevel === false ? 'misses-service-level' : 'measured';
}

/** The flags that differ between the cells, written out; '' where none does. */
export function groupLabels(flags: readonly Readonly<Record<string, FlagValue>>[]): readonly string[] {
  const names = [...new Set(flags.flatMap((one) => Object.keys(one)))].sort();
  const varying = names.filter((name) => new Set(flags.map((one) => JSON.stringify(one[name]))).size > 1);
  return flags.map((one) => varying.map((name) => `${name} ${one[name] ?? 'default'}`).join(', '));
}

/** Why a figure shows as `–`. */
export function missingReason({ standing: how, cell }: CellFigures): string {
  if (cell.trials.length > 0) return 'the sample is too small to certify this';
  if (how === 'failed') return 'the cell failed before it could be measured';
  return how === 'skipped' ? 'not run' : 'not measured yet';
}

export function standingWords({ cell, standing: how }: CellFigures): string {
  switch (how) {
    case 'measured':
      return cell.meetsServiceLevel === true ? 'meets the SLO' : 'measured';
    case 'misses-service-level':
      return 'misses the SLO';
    case 'client-bound':
      return 'client-bound';
    case 'request-failures':
      return 'requests failed';
    case 'failed':
      return `failed: ${cell.failure === null ? 'no reason given' : failureWords(cell)}`;
    case 'running':
      return 'running';
    case 'waiting':
      return 'waiting';
    case 'skipped':
      return cell.prediction?.outcome === 'does-not-fit' ? 'skipped: predicted not to fit' : 'skipped';
  }
}

export function failureWords(cell: CellResult): string {
  if (cell.failure === null) return '';
  return `${cell.failure.kind.replaceAll('-', ' ')} at ${cell.failure.phase.replaceAll('-', ' ')}`;
}

/** The limits in words: `TTFT p95 ≤ 500 ms, ≥ 10 tok/s per query`. */
export function serviceLevelWords(level: ServiceLevel): string {
  return [
    level.ttftP95Ms === undefined ? '' : `TTFT p95 ≤ ${level.ttftP95Ms} ms`,
    level.tpotP95Ms === undefined ? '' : `TPOT p95 ≤ ${level.tpotP95Ms} ms`,
    level.perQueryTokensPerSecond === undefined ? '' : `≥ ${level.perQueryTokensPerSecond} tok/s per query`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
