/** What a run measured corrects the estimates of its workspace, until it is undone. Loaded on first use. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { commands, l10n, window } from 'vscode';
import { failure, type Result } from '../../core/result.ts';
import type { RunResults } from '../../core/sweep/run.ts';
import { errorWords, notMeasured } from '../../core/sweep/runCalibration.ts';
import { readRunEnvironment } from '../../protocol/runEnvironment.ts';
import { type CalibratedRun, calibrateByRun } from '../../storage/calibrateRun.ts';
import { parseSweepPlan } from '../../text/sweepPlan.ts';
import type { Services } from '../services.ts';
import type { RunView } from './runView.ts';

/** Says the error before and after; whether anything was learned. Throws where the run folder cannot be read. */
export async function calibrateFrom(
  services: Pick<Services, 'estimates' | 'log'>,
  { results, directory, workspace }: RunView,
): Promise<boolean> {
  if (!results) {
    void window.showInformationMessage(l10n.t('This run has no results yet.'));
    return false;
  }
  const refused = notMeasured(results);
  const calibrated: Result<CalibratedRun> = refused
    ? failure(refused)
    : await calibrate(results, { directory, workspace });
  if (!calibrated.ok) {
    const said = calibrated.problems.map(({ message }) => message).join(' ');
    void window.showWarningMessage(l10n.t('Nothing was calibrated: {0}', said));
    return false;
  }
  await services.estimates.calibrationChanged();
  const { errors, leftOut } = calibrated.value;
  for (const why of leftOut) services.log.info(`${results.run}: left out: ${why}`);
  void say(l10n.t('Calibrated by {0}. {1}', results.name, errors.map(errorWords).join(' ')));
  return true;
}

async function calibrate(
  results: RunResults,
  place: Pick<RunView, 'directory' | 'workspace'>,
): Promise<Result<CalibratedRun>> {
  const plan = parseSweepPlan(await readFile(join(place.directory, 'plan.yaml'), 'utf8')).result;
  if (!plan.ok) return plan;
  const environment = readRunEnvironment(await readFile(join(place.directory, 'environment.json'), 'utf8'));
  if (!environment.ok) return environment;
  return calibrateByRun(place, plan.value, { results, cells: environment.value.context.cells });
}

async function say(sentence: string): Promise<void> {
  const undo = l10n.t('Undo');
  // As a command, which says what goes wrong.
  if ((await window.showInformationMessage(sentence, undo)) === undo)
    await commands.executeCommand('loadline.undoCalibration');
}
