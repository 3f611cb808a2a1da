/** Calibrations as commands use them. */
import { type Calibration, entriesOf } from '../core/calibration/calibration.ts';
import { calibratedWorkspace, calibrationPath, readCalibration } from '../storage/calibrationFile.ts';
import { BadInput, problemLine } from './badInput.ts';

/** The calibration of a workspace. Throws BadInput for one that cannot be used: an estimate without it would differ unsaid. */
export async function calibrationOf(workspace: string): Promise<Calibration> {
  const read = await readCalibration(workspace);
  if (read.ok) return read.value;
  throw new BadInput(...read.problems.map((problem) => problemLine(calibrationPath(workspace), problem)));
}

/** The nearest calibration above a folder, where one is there and has anything in it. */
export async function nearestCalibration(cwd: string): Promise<Calibration | undefined> {
  const workspace = calibratedWorkspace(cwd);
  if (workspace === undefined) return undefined;
  const calibration = await calibrationOf(workspace);
  return entriesOf(calibration).length > 0 ? calibration : undefined;
}
