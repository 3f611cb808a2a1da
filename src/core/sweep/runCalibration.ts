/** What the engine starts of a run teach the estimates to come: memory terms as their logs say them, beside what is estimated for them. */
import type { CalibrationEntry } from '../calibration/calibration.ts';
import { calibrationEntry } from '../calibration/entry.ts';
import { estimate } from '../estimate/estimate.ts';
import { flagDifferences } from '../log/differences.ts';
import type { LogRecord } from '../log/record.ts';
import { cellEstimateRequest } from './cellEstimate.ts';
import type { PlanContext } from './planContext.ts';
import type { SweepPlan } from './planSchema.ts';
import type { Cell } from './run.ts';

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
}

/**
 * `context` without calibration: residuals are against the plain estimate. Of engines that share a GPU nothing is learned: each finds
 * less memory free than an estimate of one alone reckons with.
 */
export function calibrationOfRun(
  run: string,
  plan: SweepPlan,
  context: PlanContext,
  cells: readonly Cell[],
  starts: readonly LoggedStart[],
): RunCalibration {
  const entries: CalibrationEntry[] = [];
  const leftOut: string[] = [];
  for (const { engineKey, log, record } of starts) {
    const cell = cells.find((one) => one.engineKey === engineKey);
    if (cell === undefined) continue;
    const { flags, load, gpuCount = 1, arrangement = { copies: 1 } } = cell;
    if (arrangement.copies > 1) {
      leftOut.push(`${log}: one of ${arrangement.copies} engines on the same GPU`);
      continue;
    }
    const request = cellEstimateRequest(
      versioned(plan, record),
      { flags, load, gpuCount, arrangement },
      { ...context, ...(record.totalBytes === null ? {} : { cudaTotalBytes: record.totalBytes }) },
    );
    if (request === null) {
      leftOut.push(`${log}: there is no estimate to correct (model or GPU is not known)`);
      continue;
    }
    const predicted = estimate(request, { fixes: false });
    const other = flagDifferences(record, predicted).find(({ changesTerms }) => changesTerms);
    const entry =
      other === undefined
        ? calibrationEntry(record, predicted, { kind: 'run', source: `${run}/${log}` })
        : undefined;
    if (entry !== undefined) entries.push(entry);
    else
      leftOut.push(
        other === undefined
          ? `${log}: no term of the estimate is in it`
          : `${log}: of a deployment with another ${other.flag}`,
      );
  }
  return { entries, leftOut };
}

/** As the engine says it of itself: accounting differs by version. */
function versioned(plan: SweepPlan, { version }: LogRecord): SweepPlan {
  return version === null ? plan : { ...plan, engine: { ...plan.engine, version } };
}
