import type { FlagValue } from '../../src/core/engine/deployment.ts';
import { failsTooOften } from '../../src/core/sweep/checks.ts';
import type { CellResult, RunResults, ServiceLevel } from '../../src/core/sweep/run.ts';
import { isClientBound, isInconsistent, isUnsteady } from '../../src/core/sweep/usable.ts';
import { type Figure, type MetricContext, type MetricId, metricOf } from './metrics.ts';

/** How a cell is to be taken; each is drawn in its own shape. Only the first two count for an answer. */
export const standings = [
  'measured',
  'misses-service-level',
  'client-bound',
  'unsteady',
  'inconsistent',
  'request-failures',
  'failed',
  'running',
  'waiting',
  'skipped',
  'passed-over',
] as const;
export type Standing = (typeof standings)[number];

export interface CellFigures {
  readonly cell: CellResult;
  /** Of the cells that differ in load alone. */
  readonly group: string;
  readonly standing: Standing;
  /** null: not counted in the file of another tool. */
  readonly requestsOk: number | null;
  readonly requestsFailed: number | null;
  /** Worked out when it is first asked for. */
  figure(metric: MetricId): Figure | null;
}

export function cellFigures(results: RunResults, context: MetricContext): readonly CellFigures[] {
  const groups = groupLabels(results.cells.map(varied));
  return results.cells.map((cell, i) => ({
    cell,
    group: groups[i] ?? '',
    standing: standing(cell),
    requestsOk: counted(cell, ({ requests }) => requests.ok),
    requestsFailed: counted(cell, ({ requests }) => requests.failed),
    figure: memorised((metric) => metricOf(metric).figure(cell, context)),
  }));
}

function memorised(make: (metric: MetricId) => Figure | null): (metric: MetricId) => Figure | null {
  const known = new Map<MetricId, Figure | null>();
  return (metric) => {
    const found = known.get(metric);
    if (found !== undefined) return found;
    const made = make(metric);
    known.set(metric, made);
    return made;
  };
}

function counted(
  cell: CellResult,
  pick: (trial: CellResult['trials'][number]) => number | null,
): number | null {
  const counts = cell.trials.map(pick);
  return counts.includes(null) ? null : counts.reduce((total: number, count) => total + (count ?? 0), 0);
}

export function standing(cell: CellResult): Standing {
  if (cell.passedOver !== undefined && cell.state !== 'done' && cell.state !== 'failed') return 'passed-over';
  if (cell.state !== 'done') return cell.state;
  if (isClientBound(cell)) return 'client-bound';
  if (isUnsteady(cell)) return 'unsteady';
  if (isInconsistent(cell)) return 'inconsistent';
  // Fewer than that are counted in their column, as answers take them.
  if (failsTooOften(cell.trials)) return 'request-failures';
  return cell.meetsServiceLevel === false ? 'misses-service-level' : 'measured';
}

export function countsForAnswer({ standing: how }: CellFigures): boolean {
  return how === 'measured' || how === 'misses-service-level';
}

/** Whatever differs between cells but the level of their load. */
function varied({ flags, load, arrangement, gpuCount }: CellResult): Readonly<Record<string, FlagValue>> {
  return {
    ...flags,
    ...(gpuCount === undefined ? {} : { GPUs: gpuCount }),
    ...(arrangement === undefined ? {} : { engines: arrangementWords(arrangement) }),
    ...(load === undefined ? {} : { load }),
  };
}

/** `2 copies, MPS, 20 GiB each`. */
export function arrangementWords(arrangement: NonNullable<CellResult['arrangement']>): string {
  const { copies, sharing, memoryLimitBytes, threadPercentage } = arrangement;
  return [
    copies === 1 ? '1 copy' : `${copies} copies`,
    sharing === undefined ? '' : sharing === 'mps' ? 'MPS' : 'time-sliced',
    memoryLimitBytes === undefined ? '' : `${Number((memoryLimitBytes / 2 ** 30).toPrecision(3))} GiB each`,
    threadPercentage === undefined ? '' : `${threadPercentage} % of the SMs`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** What differs between the cells, written out; '' where nothing does. */
export function groupLabels(flags: readonly Readonly<Record<string, FlagValue>>[]): readonly string[] {
  const names = [...new Set(flags.flatMap((one) => Object.keys(one)))].sort();
  const varying = names.filter((name) => new Set(flags.map((one) => JSON.stringify(one[name]))).size > 1);
  return flags.map((one) => varying.map((name) => `${name} ${one[name] ?? 'default'}`).join(', '));
}

/** Why a figure shows as `–`. */
export function missingReason({ standing: how, cell }: CellFigures): string {
  if (how === 'passed-over') return 'not run: the search did not need it';
  if (cell.trials.length > 0) return 'the sample is too small to certify this, or it was not recorded';
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
    case 'unsteady':
      return 'not steady';
    case 'inconsistent':
      return 'against Little’s law';
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
    case 'passed-over':
      return 'passed over by the search';
  }
}

/** `out of memory at capture`: the engine's own phase where its log says it. */
export function failureWords({ failure }: CellResult): string {
  if (failure === null) return '';
  const phase = failure.enginePhase ?? failure.phase;
  const copy = failure.instance === undefined ? '' : ` (copy ${failure.instance + 1})`;
  return `${failure.kind.replaceAll('-', ' ')} at ${phase.replaceAll('-', ' ')}${copy}`;
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
