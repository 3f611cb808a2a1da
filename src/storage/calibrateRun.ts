import { entriesOf, withStep } from '../core/calibration/calibration.ts';
import { findDevice } from '../core/device/catalogue.ts';
import { failure, type Result, success } from '../core/result.ts';
import type { SweepPlan } from '../core/sweep/planSchema.ts';
import type { ReportInput } from '../core/sweep/reportContent.ts';
import { calibrationOfRun, type RunCalibration } from '../core/sweep/runCalibration.ts';
import { readCalibration, writeCalibration } from './calibrationFile.ts';
import { resolveModel } from './modelFolder.ts';
import { engineLogs, readEngineLogs } from './runEvidence.ts';
import { readJournal } from './runFolder.ts';

export interface CalibratedRun extends RunCalibration {
  /** Entries that take the place of what the same start said before. */
  readonly again: number;
}

/**
 * Lets what a run measured correct later estimates of its workspace. `notMeasured` says which runs do not.
 * Problems: `calibration.nothing-learned`, and those of `readCalibration`. Throws StorageError where it cannot be written.
 */
export async function calibrateByRun(
  place: { readonly workspace: string; readonly directory: string },
  plan: SweepPlan,
  { results, cells }: Pick<ReportInput, 'results' | 'cells'>,
  folders: readonly string[] = [place.workspace],
): Promise<Result<CalibratedRun>> {
  const { run } = results;
  const before = await readCalibration(place.workspace);
  if (!before.ok) return before;
  const model = await resolveModel(plan.model, folders);
  const context = {
    mode: 'measured' as const,
    model: model.ok ? model.value : null,
    device: findDevice(results.device) ?? null,
  };
  const { records } = await readJournal(place.directory);
  const names = engineLogs(records);
  const starts = [...(await readEngineLogs(place.directory, records, []))].map(([engineKey, record]) => ({
    engineKey,
    log: names.get(engineKey) ?? '',
    record,
  }));
  const learned = calibrationOfRun(run, plan, context, cells, starts, results.cells);
  const { entries, leftOut } = learned;
  if (entries.length === 0) {
    const why = leftOut.length === 0 ? 'it has no log of an engine that started' : leftOut.join('; ');
    return failure({
      code: 'calibration.nothing-learned',
      message: `${run} has nothing that an estimate could learn from: ${why}.`,
    });
  }
  const known = new Set(entriesOf(before.value).map(({ source }) => source));
  const step = { at: new Date().toISOString(), entries };
  await writeCalibration(place.workspace, withStep(before.value, step));
  return success({ ...learned, again: entries.filter(({ source }) => known.has(source)).length });
}
