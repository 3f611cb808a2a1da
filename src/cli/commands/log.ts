import { findDevice } from '../../core/device/catalogue.ts';
import { compareMeasured, type StartComparison } from '../../core/estimate/compare.ts';
import type { DeploymentEstimate, UnknownEstimate } from '../../core/estimate/types.ts';
import { BadInput, problemLine } from '../badInput.ts';
import { exitCodes } from '../exitCodes.ts';
import { type FitResult, type FitSettings, fitFile, unknownGpu } from '../fitDeployments.ts';
import { comparisonTable, logTable } from '../logView.ts';
import { parseOptions } from '../options.ts';
import { type FiledLogRecord, readLogs } from '../readLogs.ts';
import type { Terminal } from '../terminal.ts';
import { textTable } from '../textTable.ts';

const options = {
  against: { type: 'string' },
  gpu: { type: 'string' },
  'gpu-count': { type: 'string' },
} as const;

/** A start beside what was predicted for it: `loadline log --against --json`. */
interface ComparedRecord extends FiledLogRecord {
  readonly predicted: StartComparison;
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
    if (given.isSet('json')) terminal.out(JSON.stringify(records, null, 2));
    else if (records.length > 0) for (const line of textTable(logTable(records))) terminal.out(line);
    return exitCodes.ok;
  }
  const gpu = given.text('gpu');
  const device = gpu === undefined ? undefined : findDevice(gpu);
  if (gpu !== undefined && device === undefined) throw new BadInput(problemLine('--gpu', unknownGpu(gpu)));
  const compared: ComparedRecord[] = [];
  for (const record of records) {
    const settings = settingsFor(record, device, given.whole('gpu-count', 1), terminal.cwd);
    const fitted = await fitFile(config, settings);
    if (fitted.problems.length > 0) throw new BadInput(...fitted.problems);
    const estimate = predictedFor(record, config, fitted);
    compared.push({
      ...record,
      predicted: compareMeasured(`${record.file}:${record.line}`, record, estimate),
    });
  }
  if (given.isSet('json')) terminal.out(JSON.stringify(compared, null, 2));
  else for (const line of compared.flatMap(comparedLines)) terminal.out(line);
  return exitCodes.ok;
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

function comparedLines({ predicted, file, line }: ComparedRecord): string[] {
  if (predicted.notCovered !== null) return [`${file}:${line}: ${predicted.notCovered}`];
  return [`${file}:${line}`, ...textTable(comparisonTable(predicted.rows)).map((text) => `  ${text}`)];
}
