/** What stands around a plan in the workspace and counts for its predictions and its ETA. */
import { dirname } from 'node:path';
import { type Uri, workspace } from 'vscode';
import { entriesOf } from '../../core/calibration/calibration.ts';
import { type Result, success } from '../../core/result.ts';
import type { SweepPlan } from '../../core/sweep/planSchema.ts';
import type { PlanSituation } from '../../protocol/runRequest.ts';
import { calibratedWorkspace, readCalibration } from '../../storage/calibrationFile.ts';
import { resolveModel } from '../../storage/modelFolder.ts';
import { knownStarts, readTraces } from '../../storage/planFiles.ts';

export type PlanSurroundings = Pick<PlanSituation, 'model' | 'starts' | 'traces' | 'calibration'>;

/** The folder that gets `.loadline`. */
export function workspaceOf(plan: Uri): string {
  return workspace.getWorkspaceFolder(plan)?.uri.fsPath ?? dirname(plan.fsPath);
}

/** Problems of trace files stand at the load that names them. */
export async function planSurroundings(plan: SweepPlan, uri: Uri): Promise<Result<PlanSurroundings>> {
  const folder = dirname(uri.fsPath);
  const folders = (workspace.workspaceFolders ?? []).map(({ uri: { fsPath } }) => fsPath);
  const calibrated = calibratedWorkspace(folder);
  const [model, traces, starts, calibration] = await Promise.all([
    resolveModel(plan.model, [folder, ...folders]),
    readTraces(plan, folder),
    knownStarts(workspaceOf(uri)),
    calibrated === undefined ? undefined : readCalibration(calibrated),
  ]);
  if (!traces.ok) return traces;
  return success({
    model: model.ok ? model.value : null,
    traces: traces.value,
    starts,
    ...(calibration?.ok && entriesOf(calibration.value).length > 0 ? { calibration: calibration.value } : {}),
  });
}
