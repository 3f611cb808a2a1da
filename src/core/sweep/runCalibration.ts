/** What a run teaches the estimates to come: memory terms as the engines' logs say them, and speeds as the loads were measured. */
import type { CalibrationEntry, MeasuredTime, SpeedResidual } from '../calibration/calibration.ts';
import { calibrationEntry } from '../calibration/entry.ts';
import { estimate } from '../estimate/estimate.ts';
import type { EstimateRequest } from '../estimate/types.ts';
import { flagDifferences } from '../log/differences.ts';
import type { LogRecord } from '../log/record.ts';
import type { Problem } from '../result.ts';
import { formatSignificant } from '../units.ts';
import { cellEstimateRequest } from './cellEstimate.ts';
import type { MetricInterval } from './cellResult.ts';
import type { PlanContext } from './planContext.ts';
import type { SweepPlan } from './planSchema.ts';
import { halfWidthOf } from './reportFigures.ts';
import type { Cell, CellResult, RunResults } from './run.ts';
import { isUsable, meanOf } from './usable.ts';

/** The log of one engine start. */
export interface LoggedStart {
  readonly engineKey: string;
  /** File name in the run folder. */
  readonly log: string;
  readonly record: LogRecord;
}

export interface RunCalibration {
  readonly entries: readonly CalibrationEntry[];
  /** Starts that teach nothing, and why. */
  readonly leftOut: readonly string[];
  /** How far estimates of the run's own loads were off, and are with what was learned. */
  readonly errors: readonly CalibrationError[];
}

/** Means of the sizes of relative errors: 0.5 is half of the measured value. */
export interface CalibrationError {
  readonly figure: 'TPOT' | 'TTFT' | 'available KV cache';
  readonly count: number;
  readonly before: number;
  readonly after: number;
}

/** A run that estimates learn nothing from, whatever its folder has: a rehearsal, or results of another tool. */
export function notMeasured({ run, mode, origin }: RunResults): Problem | undefined {
  return mode === 'measured' && origin === undefined
    ? undefined
    : { code: 'calibration.not-measured', message: `${run} measured no engine of ours.` };
}

/** An estimate without calibration, and what was measured of it. */
interface Learned {
  readonly request: EstimateRequest;
  readonly tpotMs: number | null;
  readonly ttftMs: number | null;
  readonly availableKvBytes: number | null;
}

/**
 * `context` without calibration: residuals are against the plain estimate. Of engines that share a GPU nothing is learned: each finds
 * less memory free, and less of the GPU's time, than an estimate of one alone reckons with.
 */
export function calibrationOfRun(
  run: string,
  plan: SweepPlan,
  context: PlanContext,
  cells: readonly Cell[],
  starts: readonly LoggedStart[],
  results: readonly CellResult[],
): RunCalibration {
  const entries: CalibrationEntry[] = [];
  const leftOut: string[] = [];
  const learned: Learned[] = [];
  for (const { engineKey, log, record } of starts) {
    const own = cells.filter((one) => one.engineKey === engineKey);
    const [cell] = own;
    if (cell === undefined) continue;
    const { arrangement = { copies: 1 } } = cell;
    if (arrangement.copies > 1) {
      leftOut.push(`${log}: one of ${arrangement.copies} engines on the same GPU`);
      continue;
    }
    const requestFor = ({ flags, load, gpuCount = 1 }: Cell) =>
      cellEstimateRequest(
        versioned(plan, record),
        { flags, load, gpuCount, arrangement },
        { ...context, ...(record.totalBytes === null ? {} : { cudaTotalBytes: record.totalBytes }) },
      );
    const request = requestFor(cell);
    if (request === null) {
      leftOut.push(`${log}: there is no estimate to correct (model or GPU is not known)`);
      continue;
    }
    const predicted = estimate(request, { fixes: false });
    const other = flagDifferences(record, predicted).find(({ changesTerms }) => changesTerms);
    if (other !== undefined) {
      leftOut.push(`${log}: of a deployment with another ${other.flag}`);
      continue;
    }
    const loads = own.flatMap((one) => {
      const result = results.find(({ cell: id }) => id === one.id);
      const its = requestFor(one);
      return result === undefined || its === null ? [] : (measuredLoad(one, result, its) ?? []);
    });
    const source = { kind: 'run', source: `${run}/${log}` } as const;
    const speed = loads.map(({ residual }) => residual);
    const entry = calibrationEntry(record, predicted, source, speed);
    if (entry === undefined) {
      leftOut.push(`${log}: neither a term of the estimate is in it, nor has a load with it a usable result`);
      continue;
    }
    entries.push(entry);
    learned.push({ request, tpotMs: null, ttftMs: null, availableKvBytes: record.availableKvBytes });
    for (const { request: its, residual } of loads) {
      const [tpotMs, ttftMs] = [residual.tpotMs?.measured ?? null, residual.ttftMs?.measured ?? null];
      learned.push({ request: its, tpotMs, ttftMs, availableKvBytes: null });
    }
  }
  return { entries, leftOut, errors: errorsOf(learned, entries) };
}

/** Of a cell whose load keeps so many requests in flight, with prompts that no cache has seen: what estimates of speed are for. */
function measuredLoad(
  { load }: Cell,
  result: CellResult,
  request: EstimateRequest,
): { readonly request: EstimateRequest; readonly residual: SpeedResidual } | undefined {
  const isPlain =
    load.profile === 'closed-loop' && load.sharedPrefix === undefined && load.turns === undefined;
  if (!isPlain || !isUsable(result) || request.load === undefined) return undefined;
  const { speed } = estimate(request, { fixes: false });
  const time = (name: 'tpotMs' | 'ttftMs', interval: MetricInterval | undefined): MeasuredTime | null => {
    const measured = meanOf(result, (trial) => trial[name].mean);
    if (measured === null || measured <= 0) return null;
    // The interval is of the median: as wide, in proportion.
    const halfWidth = interval && (halfWidthOf(interval.mean, interval) / interval.mean) * measured;
    return { predicted: speed[name], measured, ...(halfWidth === undefined ? {} : { halfWidth }) };
  };
  const tpotMs = time('tpotMs', result.interval?.tpotP50Ms);
  const ttftMs = time('ttftMs', result.interval?.ttftP50Ms);
  const { batch, inputTokens, outputTokens } = request.load;
  return tpotMs === null && ttftMs === null
    ? undefined
    : { request, residual: { batch, inputTokens, outputTokens, ttftMs, tpotMs } };
}

function errorsOf(
  learned: readonly Learned[],
  entries: readonly CalibrationEntry[],
): readonly CalibrationError[] {
  const calibration = { schema: 1, steps: [{ at: '', entries }] } as const;
  const both = learned.map((one) => ({
    measured: one,
    before: estimate(one.request, { fixes: false }),
    after: estimate({ ...one.request, calibration }, { fixes: false }),
  }));
  type Estimated = (typeof both)[number]['before'];
  const error = (
    figure: CalibrationError['figure'],
    measuredOf: (one: Learned) => number | null,
    predictedOf: (one: Estimated) => number,
  ): CalibrationError[] => {
    const pairs = both.flatMap(({ measured, before, after }) => {
      const value = measuredOf(measured);
      const off = (one: Estimated) => Math.abs(predictedOf(one) / (value ?? 1) - 1);
      return value === null || value <= 0 ? [] : [{ before: off(before), after: off(after) }];
    });
    const mean = (of: (pair: (typeof pairs)[number]) => number) =>
      pairs.reduce((sum, pair) => sum + of(pair), 0) / pairs.length;
    return pairs.length === 0
      ? []
      : [
          {
            figure,
            count: pairs.length,
            before: mean((pair) => pair.before),
            after: mean((pair) => pair.after),
          },
        ];
  };
  return [
    ...error(
      'available KV cache',
      (one) => one.availableKvBytes,
      ({ perRank }) => Math.min(...perRank.map((rank) => rank.availableKvBytes)),
    ),
    ...error(
      'TPOT',
      (one) => one.tpotMs,
      ({ speed }) => speed.tpotMs,
    ),
    ...error(
      'TTFT',
      (one) => one.ttftMs,
      ({ speed }) => speed.ttftMs,
    ),
  ];
}

/** `TPOT of 7 loads was predicted 52 % off, now 0.4 %.` */
export function errorWords({ figure, count, before, after }: CalibrationError): string {
  const of = figure === 'available KV cache' ? 'start' : 'load';
  const percent = (share: number) => `${formatSignificant(100 * share, 2)} %`;
  return `${figure} of ${count} ${count === 1 ? of : `${of}s`} was predicted ${percent(before)} off, now ${percent(after)}.`;
}

/** As the engine says it of itself: accounting differs by version. */
function versioned(plan: SweepPlan, { version }: LogRecord): SweepPlan {
  return version === null ? plan : { ...plan, engine: { ...plan.engine, version } };
}
