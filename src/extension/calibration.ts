/** Start-up logs back in: what a log measured corrects later estimates of this workspace, until it is undone. */
import { basename, dirname, relative } from 'node:path';
import { l10n, type QuickPickItem, Uri, window, workspace } from 'vscode';
import {
  type Calibration,
  type CalibrationEntry,
  withoutLastStep,
  withStep,
} from '../core/calibration/calibration.ts';
import { calibrationEntry } from '../core/calibration/entry.ts';
import { type ComparisonRow, compareMeasured } from '../core/estimate/compare.ts';
import { estimate } from '../core/estimate/estimate.ts';
import type { EstimateRequest } from '../core/estimate/types.ts';
import { flagDifferences } from '../core/log/differences.ts';
import type { LogRecord } from '../core/log/record.ts';
import { formatCount, formatSignificant } from '../core/units.ts';
import { calibratedWorkspace, readCalibration, writeCalibration } from '../storage/calibrationFile.ts';
import { readLogFile } from '../storage/logFile.ts';
import { deploymentAt } from './deploymentAt.ts';
import type { Services } from './services.ts';

/** Reads a log for the deployment under the cursor, adds it to the calibration, and says the error before and after. */
export async function readStartLog(services: Services, given?: Uri): Promise<void> {
  const target = await deploymentUnderCursor(services);
  if (!target) return;
  const { request, path } = target;
  const file = given ?? (await askForLog());
  if (!file) return;
  const record = await chooseStart(await readLogFile(file.fsPath), file);
  if (!record) return;
  const folder = workspaceOf(path);
  const inside = relative(folder, file.fsPath);
  const source = `${inside.startsWith('..') ? basename(file.fsPath) : inside}:${record.line}`;
  const asLogged = loggedRequest(request, record);
  const predicted = estimate(asLogged);
  const other = flagDifferences(record, predicted).find(({ changesTerms }) => changesTerms);
  if (other) {
    const [flag, logged, ours] = [other.flag, String(other.logged), String(other.predicted)];
    void window.showWarningMessage(
      l10n.t(
        '{0} ran with {1} {2}, the deployment means {3}: nothing was calibrated.',
        source,
        flag,
        logged,
        ours,
      ),
    );
    return;
  }
  const entry = calibrationEntry(record, predicted, { kind: 'log', source });
  if (!entry) {
    void window.showWarningMessage(
      l10n.t('{0} has no memory figure that the estimate has too: nothing was calibrated.', source),
    );
    return;
  }
  const calibration = await add(folder, entry);
  await services.estimates.calibrationChanged();
  const before = compareMeasured(source, record, predicted).rows;
  const after = compareMeasured(source, record, estimate({ ...asLogged, calibration })).rows;
  for (const line of comparisonLines(source, before, after)) services.log.info(line);
  await say(services, source, before, after);
}

/** Takes back what was added last, to the calibration that counts for the active editor or the workspace. */
export async function undoCalibration({ estimates }: Pick<Services, 'estimates'>): Promise<void> {
  const active = window.activeTextEditor?.document.uri;
  const folder = workspaceOf(active?.scheme === 'file' ? active.fsPath : undefined);
  const calibration = folder === '' ? undefined : await read(folder);
  const last = calibration?.steps.at(-1);
  if (!calibration || !last) {
    void window.showInformationMessage(l10n.t('Nothing was calibrated here, so nothing is undone.'));
    return;
  }
  await writeCalibration(folder, withoutLastStep(calibration));
  await estimates.calibrationChanged();
  void window.showInformationMessage(
    l10n.t('No longer corrected by {0}.', last.entries.map(({ source }) => source).join(', ')),
  );
}

async function deploymentUnderCursor({
  estimates,
}: Services): Promise<{ readonly request: EstimateRequest; readonly path: string } | undefined> {
  const editor = window.activeTextEditor;
  const uri = editor?.document.uri;
  const deployments = editor && uri?.scheme === 'file' ? await estimates.of(uri.toString()) : [];
  const found = editor && (deploymentAt(deployments, editor.selection.active.line) ?? deployments[0]);
  if (uri && found?.request) return { request: found.request, path: uri.fsPath };
  void window.showWarningMessage(
    found
      ? l10n.t('The deployment is not estimated yet: {0}', found.estimate.verdict.reason)
      : l10n.t('Open the file with the deployment that the log is of, and put the cursor into it.'),
  );
  return undefined;
}

async function askForLog(): Promise<Uri | undefined> {
  const chosen = await window.showOpenDialog({
    title: l10n.t('Log of the start of an engine'),
    openLabel: l10n.t('Read'),
    filters: { [l10n.t('Logs')]: ['log', 'txt', 'out'], [l10n.t('All files')]: ['*'] },
  });
  return chosen?.[0];
}

/** The only start, or the one that is picked; the last is offered first. */
async function chooseStart(records: readonly LogRecord[], file: Uri): Promise<LogRecord | undefined> {
  if (records.length === 0) {
    void window.showWarningMessage(l10n.t('No start of an engine was found in {0}.', basename(file.fsPath)));
    return undefined;
  }
  if (records.length === 1) return records[0];
  const items = records.toReversed().map((record): QuickPickItem & { readonly record: LogRecord } => ({
    record,
    label: l10n.t('Line {0}: {1}', record.line, record.outcome),
    description: [record.engine, record.version, record.model].filter((each) => each !== null).join(' · '),
  }));
  return (await window.showQuickPick(items, { title: l10n.t('Which start is the deployment?') }))?.record;
}

/** The log knows the engine's version and the memory that it found. What was calibrated before does not count. */
function loggedRequest(
  { calibration: _before, ...request }: EstimateRequest,
  record: LogRecord,
): EstimateRequest {
  const { version, totalBytes } = record;
  return {
    ...request,
    deployment: { ...request.deployment, ...(version === null ? {} : { engineVersion: version }) },
    ...(totalBytes === null ? {} : { cudaTotalBytes: totalBytes }),
  };
}

/** Where the calibration of a file is, or goes: the nearest above it, else its workspace folder. Empty where there is none. */
function workspaceOf(path: string | undefined): string {
  const above = path === undefined ? undefined : calibratedWorkspace(dirname(path));
  const folder = path === undefined ? undefined : workspace.getWorkspaceFolder(Uri.file(path));
  return (
    above ??
    (folder ?? workspace.workspaceFolders?.[0])?.uri.fsPath ??
    (path === undefined ? '' : dirname(path))
  );
}

async function add(folder: string, entry: CalibrationEntry): Promise<Calibration> {
  const step = { at: new Date().toISOString(), entries: [entry] };
  const calibration = withStep(await read(folder), step);
  await writeCalibration(folder, calibration);
  return calibration;
}

/** Throws where the file cannot be used: to write over it would lose what it says. */
async function read(folder: string): Promise<Calibration> {
  const calibration = await readCalibration(folder);
  if (calibration.ok) return calibration.value;
  throw new Error(calibration.problems.map(({ message }) => message).join(' '));
}

/** One sentence with the KV memory, or the term that was furthest off where the log does not have it. */
async function say(
  services: Services,
  source: string,
  before: readonly ComparisonRow[],
  after: readonly ComparisonRow[],
): Promise<void> {
  const row =
    before.find(({ term }) => term === 'available KV cache') ??
    before.toSorted((a, b) => Math.abs(b.relativeError) - Math.abs(a.relativeError))[0];
  const corrected = row && after.find(({ term }) => term === row.term);
  if (!row || !corrected) return;
  const [undo, terms] = [l10n.t('Undo'), l10n.t('Show All Terms')];
  const chosen = await window.showInformationMessage(
    l10n.t(
      'Calibrated by {0}: {1} was predicted {2} off, now {3}.',
      source,
      row.term,
      percent(row.relativeError),
      percent(corrected.relativeError),
    ),
    undo,
    terms,
  );
  if (chosen === undo) await undoCalibration(services);
  if (chosen === terms) services.log.show();
}

function comparisonLines(
  source: string,
  before: readonly ComparisonRow[],
  after: readonly ComparisonRow[],
): string[] {
  const figure = (value: number) => (value < 1000 ? formatSignificant(value, 4) : formatCount(value));
  return before.map(({ term, unit, predicted, measured, relativeError }) => {
    const corrected = after.find((row) => row.term === term);
    const now = corrected ? percent(corrected.relativeError) : '';
    return `${source} ${term}: predicted ${figure(predicted)} ${unit}, measured ${figure(measured)}, ${percent(relativeError)} off, calibrated ${now}`;
  });
}

function percent(relativeError: number): string {
  if (!Number.isFinite(relativeError)) return l10n.t('not known');
  return `${relativeError < 0 ? '−' : '+'}${Math.abs(100 * relativeError).toFixed(1)} %`;
}
