import { type Calibration, type CalibrationEntry, withStep } from '../../core/calibration/calibration.ts';
import { calibrationEntry } from '../../core/calibration/entry.ts';
import { findDevice } from '../../core/device/catalogue.ts';
import { compareMeasured, type StartComparison } from '../../core/estimate/compare.ts';
import type { DeploymentEstimate, UnknownEstimate } from '../../core/estimate/types.ts';
import { flagDifferences } from '../../core/log/differences.ts';
import type { LogRecord } from '../../core/log/record.ts';
import { calibrationPath, writeCalibration } from '../../storage/calibrationFile.ts';
import { BadInput, problemLine } from '../badInput.ts';
import { calibrationOf } from '../calibrations.ts';
import { exitCodes } from '../exitCodes.ts';
import { type FitResult, type FitSettings, fitFile, unknownGpu } from '../fitDeployments.ts';
import { comparisonTable, logTable } from '../logView.ts';
import { parseOptions } from '../options.ts';
import { type FiledLogRecord, readLogs } from '../readLogs.ts';
import { workspaceOf } from '../runPlaces.ts';
import type { Terminal } from '../terminal.ts';
import { textTable } from '../textTable.ts';

const options = {
  against: { type: 'string' },
  calibrate: { type: 'boolean' },
  workspace: { type: 'string' },
  gpu: { type: 'string' },
  'gpu-count': { type: 'string' },
} as const;

/** A start beside what was predicted for it: `loadline log --against --json`. */
interface ComparedRecord extends FiledLogRecord {
  readonly predicted: StartComparison;
  /** With `--calibrate`: as it is predicted from now on. */
  readonly calibrated?: StartComparison;
}

export async function logCommand(argv: readonly string[], terminal: Terminal): Promise<number> {
  const given = parseOptions('log', argv, options);
  if (given.files.length === 0) {
    throw new BadInput('loadline log: give log files, or - for stdin. `loadline help log` says more.');
  }
  const records = await readLogs(given.files, terminal.cwd);
  if (records.length === 0) terminal.err(`${given.files.join(', ')}: no start of an engine was found in it.`);
  const config = given.text('against');
  if (config === undefined) {
    if (given.isSet('calibrate')) {
      throw new BadInput('--calibrate: give --against too, with the deployment that the log is of.');
    }
    if (given.isSet('json')) terminal.out(JSON.stringify(records, null, 2));
    else if (records.length > 0) for (const line of textTable(logTable(records))) terminal.out(line);
    return exitCodes.ok;
  }
  const gpu = given.text('gpu');
  const device = gpu === undefined ? undefined : findDevice(gpu);
  if (gpu !== undefined && device === undefined) throw new BadInput(problemLine('--gpu', unknownGpu(gpu)));
  const predict: Predict = async (record, calibration) => {
    const settings = settingsFor(record, device, given.whole('gpu-count', 1), terminal.cwd);
    const fitted = await fitFile(config, {
      ...settings,
      ...(calibration === undefined ? {} : { calibration }),
    });
    if (fitted.problems.length > 0) throw new BadInput(...fitted.problems);
    return predictedFor(record, config, fitted);
  };
  const compared: ComparedRecord[] = [];
  for (const record of records) {
    const estimate = await predict(record, undefined);
    const predicted = compareMeasured(nameOf(record), record, estimate);
    for (const { flag, logged, predicted: ours } of differences(record, estimate)) {
      terminal.err(
        `warning: ${nameOf(record)}: the engine ran with ${flag} ${String(logged)}, ${config} means ${String(ours)}.`,
      );
    }
    compared.push({ ...record, predicted });
  }
  const after = given.isSet('calibrate')
    ? await calibrate(compared, predict, workspaceOf(given, terminal.cwd), terminal)
    : compared;
  if (given.isSet('json')) terminal.out(JSON.stringify(after, null, 2));
  else for (const line of after.flatMap(comparedLines)) terminal.out(line);
  return exitCodes.ok;
}

type Predict = (
  record: FiledLogRecord,
  calibration: Calibration | undefined,
) => Promise<DeploymentEstimate | UnknownEstimate>;

function differences(record: LogRecord, estimate: DeploymentEstimate | UnknownEstimate) {
  return 'perRank' in estimate ? flagDifferences(record, estimate) : [];
}

const nameOf = ({ file, line }: FiledLogRecord) => `${file}:${line}`;

/** Adds the starts to the workspace's calibration, and compares again with it. */
async function calibrate(
  compared: readonly ComparedRecord[],
  predict: Predict,
  workspace: string,
  terminal: Terminal,
): Promise<readonly ComparedRecord[]> {
  const entries: CalibrationEntry[] = [];
  for (const record of compared) {
    const estimate = await predict(record, undefined);
    const other = differences(record, estimate).find(({ changesTerms }) => changesTerms);
    if (other !== undefined) {
      terminal.err(`${nameOf(record)}: of a deployment with another ${other.flag}; left out.`);
      continue;
    }
    const entry =
      'perRank' in estimate
        ? calibrationEntry(record, estimate, { kind: 'log', source: nameOf(record) })
        : undefined;
    if (entry === undefined) terminal.err(`${nameOf(record)}: no term of the estimate is in it; left out.`);
    else entries.push(entry);
  }
  if (entries.length === 0) throw new BadInput('--calibrate: no start has a term to learn from.');
  const before = await calibrationOf(workspace);
  const calibration = withStep(before, { at: new Date().toISOString(), entries });
  await writeCalibration(workspace, calibration);
  terminal.err(
    `calibrated by ${entries.length} ${entries.length === 1 ? 'start' : 'starts'}: ${calibrationPath(workspace)}; \`loadline calibration --undo\` takes it back`,
  );
  const after: ComparedRecord[] = [];
  for (const record of compared) {
    const calibrated = compareMeasured(nameOf(record), record, await predict(record, calibration));
    after.push({ ...record, calibrated });
  }
  return after;
}

/** The log knows the engine's version and the memory that it found. */
function settingsFor(
  record: FiledLogRecord,
  device: FitSettings['device'],
  gpuCount: number | undefined,
  cwd: string,
): FitSettings {
  return {
    device,
    gpuCount,
    engineVersion: record.version ?? undefined,
    flags: {},
    load: undefined,
    weightsBytes: undefined,
    cudaTotalBytes: record.totalBytes ?? undefined,
    cwd,
  };
}

/** The deployment of the file that the log is of: the only one, else the one with the log's model. */
function predictedFor(
  record: FiledLogRecord,
  config: string,
  { estimates }: FitResult,
): DeploymentEstimate | UnknownEstimate {
  const [only] = estimates;
  if (only !== undefined && estimates.length === 1) return only;
  const named = estimates.filter((one) => 'model' in one && one.model.id === record.model);
  const [found] = named;
  if (found !== undefined && named.length === 1) return found;
  throw new BadInput(
    `${config}: ${estimates.length} deployments are in it, and ${named.length} of them are of ${record.model ?? 'a model that the log does not name'}. Give a file with the one that the log is of.`,
  );
}

function comparedLines({ predicted, calibrated, file, line }: ComparedRecord): string[] {
  if (predicted.notCovered !== null) return [`${file}:${line}: ${predicted.notCovered}`];
  const table = textTable(comparisonTable(predicted.rows, calibrated?.rows));
  return [`${file}:${line}`, ...table.map((text) => `  ${text}`)];
}
