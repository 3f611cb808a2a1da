import { type CalibrationEntry, entriesOf, withoutLastStep } from '../../core/calibration/calibration.ts';
import { formatBytes, formatSignificant } from '../../core/units.ts';
import { calibratedWorkspace, writeCalibration } from '../../storage/calibrationFile.ts';
import { BadInput } from '../badInput.ts';
import { calibrationOf } from '../calibrations.ts';
import { exitCodes } from '../exitCodes.ts';
import { percentWords } from '../logView.ts';
import { parseOptions } from '../options.ts';
import { workspaceOf } from '../runPlaces.ts';
import type { Terminal } from '../terminal.ts';
import { textTable } from '../textTable.ts';

const options = { undo: { type: 'boolean' }, workspace: { type: 'string' } } as const;

/** Shows what measured starts corrected, or takes back what the last command added. */
export async function calibrationCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('calibration', argv, options);
  if (given.files.length > 0) {
    throw new BadInput(`loadline calibration: takes no files; \`loadline log --calibrate\` reads logs.`);
  }
  const named = given.text('workspace');
  const workspace =
    (named === undefined ? calibratedWorkspace(terminal.cwd) : undefined) ?? workspaceOf(given, terminal.cwd);
  let calibration = await calibrationOf(workspace);
  if (given.isSet('undo')) {
    const last = calibration.steps.at(-1);
    if (last === undefined) throw new BadInput(`${workspace}: nothing was calibrated, so nothing is undone.`);
    calibration = withoutLastStep(calibration);
    await writeCalibration(workspace, calibration);
    terminal.err(`undone: ${last.entries.map(({ source }) => source).join(', ')}, added ${last.at}`);
  }
  const entries = entriesOf(calibration);
  if (given.isSet('json')) terminal.out(JSON.stringify(calibration, null, 2));
  else if (entries.length === 0) terminal.out(`${workspace}: nothing was calibrated.`);
  else for (const line of textTable(calibrationTable(entries))) terminal.out(line);
  return exitCodes.ok;
}

function calibrationTable(entries: readonly CalibrationEntry[]) {
  const column = (title: string, numeric = false) => ({ title, unit: '', numeric });
  return {
    columns: [
      column('measured in'),
      column('for'),
      column('term or load'),
      column('predicted', true),
      column('measured', true),
      column('error', true),
    ],
    rows: entries.flatMap((entry) =>
      [...memoryRows(entry), ...speedRows(entry)].map((row, at) => [
        at === 0 ? entry.source : '',
        at === 0 ? `${entry.engine} ${entry.version}, ${entry.model}, ${entry.ranks} × ${entry.gpu}` : '',
        ...row,
      ]),
    ),
  };
}

function memoryRows({ residuals }: CalibrationEntry): string[][] {
  return residuals.map(({ term, predictedBytes, measuredBytes }) => [
    term,
    formatBytes(predictedBytes),
    formatBytes(measuredBytes),
    percentWords(predictedBytes / measuredBytes - 1),
  ]);
}

function speedRows({ speed = [] }: CalibrationEntry): string[][] {
  return speed.flatMap(({ batch, tpotMs, ttftMs }) =>
    (
      [
        ['TPOT', tpotMs],
        ['TTFT', ttftMs],
      ] as const
    ).flatMap(([name, time]) =>
      time === null
        ? []
        : [
            [
              `${name}, ${batch} at once`,
              `${formatSignificant(time.predicted)} ms`,
              `${formatSignificant(time.measured)} ms`,
              percentWords(time.predicted / time.measured - 1),
            ],
          ],
    ),
  );
}
