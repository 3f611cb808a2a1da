/** Result files of other load generators → runs, as the panel, the reports and the terminal show ours. */
import { distinctProblems, failure, type Problem, type Result, success } from '../result.ts';
import { type Content, contentHash } from '../sweep/contentHash.ts';
import { findKnees } from '../sweep/knee.ts';
import { cellInterval, outlyingTrials } from '../sweep/repeats.ts';
import type { CellResult, RunResults } from '../sweep/run.ts';
import { certifiedFrom } from '../sweep/statistics.ts';
import { type ForeignDocument, type ForeignFile, readDocument } from './document.ts';
import type { ForeignReading, ForeignTool, ForeignTrial } from './reading.ts';
import { knownTools, toolOf } from './tools.ts';

/** What a foreign file does not say is said to be so. */
export const notKnown = 'not known';

/** More of the same kind say nothing new. */
const mostProblems = 20;

export interface ForeignInput extends ForeignFile {
  /** Found in a folder that was given, not given by its name: skipped where it is no result. */
  readonly found: boolean;
}

/**
 * One run a tool: files of one setting are repeats of a cell, others cells of their own. A problem's path is the file, then what leads to
 * the place in it. Never throws.
 */
export function readForeign(files: readonly ForeignInput[]): Result<readonly RunResults[]> {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const noResults: string[] = [];
  const byTool = new Map<ForeignTool, ForeignDocument[]>();
  for (const file of files) {
    const document = readDocument(file);
    // In a folder, what is torn is left out and said; a file that was named must be one.
    if ('problem' in document) (file.found ? warnings : problems).push(document.problem);
    else {
      const tool = toolOf(document);
      if (tool !== undefined) byTool.set(tool, [...(byTool.get(tool) ?? []), document]);
      else if (file.found) noResults.push(file.name);
      else problems.push(unknownFile(file.name));
    }
  }
  if (byTool.size === 0 && problems.length === 0)
    problems.push(...(warnings.length > 0 ? warnings : [noResultFiles(noResults)]));
  else if (noResults.length > 0)
    warnings.push({
      code: 'foreign.left-out',
      message: `Left out, as they are no results of a load generator: ${listed(noResults)}.`,
      path: [],
    });
  const runs = [...byTool].flatMap(([tool, documents]) => {
    const reading = tool.read(documents, problems);
    const measured = reading.trials.filter(
      ({ result, failure: failed }) => result !== null || failed !== null,
    );
    if (measured.length === 0 && problems.length === 0) problems.push(nothingMeasured(documents));
    return [...byModel(measured, reading.model)].map(([model, trials]) =>
      runOf(tool, { ...reading, model }, trials, documents),
    );
  });
  return problems.length > 0
    ? failure(...distinctProblems(problems).slice(0, mostProblems))
    : success(runs, warnings);
}

function unknownFile(name: string): Problem {
  return {
    code: 'foreign.unknown-tool',
    message: `This is no result of a load generator that is known. Known are: ${knownTools().join('; ')}.`,
    path: [name],
  };
}

function noResultFiles(others: readonly string[]): Problem {
  const found =
    others.length === 0 ? 'There is no .json, .jsonl or .csv file.' : `No result among ${listed(others)}.`;
  return { code: 'foreign.no-files', message: `${found} Known are: ${knownTools().join('; ')}.`, path: [] };
}

function nothingMeasured(documents: readonly ForeignDocument[]): Problem {
  return {
    code: 'foreign.no-requests',
    message:
      'The file has no measurement in it: no request completed or failed. Run the benchmark to its end.',
    path: [documents[0]?.name ?? ''],
  };
}

/** Measurements of two models are two runs. */
function byModel(
  trials: readonly ForeignTrial[],
  otherwise: string | null,
): ReadonlyMap<string | null, readonly ForeignTrial[]> {
  const models = new Map<string | null, ForeignTrial[]>();
  for (const trial of trials) {
    const model = trial.model ?? otherwise;
    models.set(model, [...(models.get(model) ?? []), trial]);
  }
  return models;
}

function runOf(
  tool: ForeignTool,
  reading: ForeignReading,
  trials: readonly ForeignTrial[],
  documents: readonly ForeignDocument[],
): RunResults {
  const settings = new Map<string, ForeignTrial[]>();
  for (const trial of trials) {
    const key = settingOf(trial);
    settings.set(key, [...(settings.get(key) ?? []), trial]);
  }
  const loads = new Set(trials.map(({ lengths }) => lengths));
  const cells = [...settings].map(([key, repeats]) => cellOf(key, repeats, loads.size > 1)).sort(byLoad);
  const file = documents[0]?.name ?? '';
  const { model, engine, server } = reading;
  const started = trials.flatMap(
    ({ startedWallMs, finishedWallMs }) => startedWallMs ?? finishedWallMs ?? [],
  );
  const names = documents.map(({ name }) => name);
  const knees = findKnees(cells);
  return {
    schema: 1,
    run: runNameOf(tool.name, started, contentOf(documents, trials, model)),
    name: `${tool.name}${model === null ? '' : `, ${model}`}`,
    mode: 'measured',
    host: server ?? notKnown,
    engine: { name: engine?.name ?? notKnown, version: engine?.version ?? null },
    model: model ?? notKnown,
    device: notKnown,
    outcome: 'completed',
    serviceLevel: null,
    cells,
    answer: null,
    warnings: warningsOf(cells),
    ...(knees.length === 0 ? {} : { knees }),
    origin: { tool: tool.name, version: reading.version, file, notes: notesOf(reading, trials, names) },
  };
}

function settingOf({ flags, concurrency, requestsPerSecond, lengths }: ForeignTrial): string {
  const setting: Content = {
    flags: Object.fromEntries(Object.entries(flags).map(([flag, value]) => [flag, String(value)])),
    concurrency,
    requestsPerSecond,
    lengths,
  };
  return contentHash(setting);
}

function cellOf(id: string, repeats: readonly ForeignTrial[], namesLengths: boolean): CellResult {
  const [first] = repeats;
  const flags = first?.flags ?? {};
  const concurrency = first?.concurrency ?? null;
  const requestsPerSecond = first?.requestsPerSecond ?? null;
  const results = repeats.flatMap(({ result }) => result ?? []);
  const load = namesLengths ? (first?.lengths ?? null) : null;
  const parts = [
    ...Object.entries(flags).map(([flag, value]) => `${flag} ${String(value)}`),
    ...(requestsPerSecond === null ? [] : [`${requestsPerSecond} requests/s`]),
    ...(concurrency === null ? [] : [`concurrency ${concurrency}`]),
    ...(requestsPerSecond === null && concurrency === null ? ['all requests at once'] : []),
    ...(load === null ? [] : [load]),
  ];
  const wall = (of: (trial: ForeignTrial) => number | null) => repeats.flatMap((trial) => of(trial) ?? []);
  const started = wall(({ startedWallMs }) => startedWallMs);
  const finished = wall(({ finishedWallMs }) => finishedWallMs);
  const interval = cellInterval(results);
  const outliers = outlyingTrials(results);
  return {
    cell: id,
    label: parts.join(', '),
    state: results.length > 0 ? 'done' : 'failed',
    flags,
    concurrency,
    ...(requestsPerSecond === null ? {} : { requestsPerSecond }),
    ...(load === null ? {} : { load }),
    trials: results,
    meetsServiceLevel: null,
    failure:
      results.length > 0 ? null : (repeats.find(({ failure: failed }) => failed !== null)?.failure ?? null),
    prediction: null,
    startedWallMs: started.length === 0 ? null : Math.min(...started),
    finishedWallMs: finished.length === 0 ? null : Math.max(...finished),
    ...(interval === undefined ? {} : { interval }),
    ...(outliers.length === 0 ? {} : { outliers }),
  };
}

/** By concurrency, then by rate; what has neither comes last. */
function byLoad(a: CellResult, b: CellResult): number {
  const [one, other] = [loadOf(a), loadOf(b)];
  return one === other ? 0 : one - other;
}

function loadOf({ concurrency, requestsPerSecond }: CellResult): number {
  return concurrency ?? (requestsPerSecond === undefined ? Number.MAX_VALUE : 1e9 + requestsPerSecond);
}

/** What tells a run from another, wherever its files lie. */
function contentOf(
  documents: readonly ForeignDocument[],
  trials: readonly ForeignTrial[],
  model: string | null,
): readonly string[] {
  const figures = trials.map(({ result }) =>
    JSON.stringify([result?.requests, result?.tokens, result?.e2eMs]),
  );
  return [model ?? '', ...documents.map(({ base }) => base), ...trials.map(settingOf), ...figures];
}

/** When it was measured, where the file says so, and what sets it apart: the same files give the same name. */
function runNameOf(tool: string, startedWallMs: readonly number[], content: readonly string[]): string {
  const slug = tool.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  const first = startedWallMs.length === 0 ? Number.NaN : startedWallMs.reduce((a, b) => Math.min(a, b));
  const isDate = first > 0 && first < 8e15;
  const time = isDate ? `${new Date(first).toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '')}-` : '';
  return `${time}${slug}-${contentHash(content).slice(0, 8)}`;
}

function notesOf(
  reading: ForeignReading,
  trials: readonly ForeignTrial[],
  files: readonly string[],
): readonly string[] {
  const counts = trials.flatMap(({ result }) => result?.requests.ok ?? []);
  const least = counts.length === 0 ? null : counts.reduce((a, b) => Math.min(a, b));
  const floors = Object.entries(certifiedFrom).filter(([, from]) => least !== null && least < from);
  return [
    ...(files.length > 1 ? [`Of ${files.length} files: ${listed(files)}.`] : []),
    ...reading.notes,
    ...(floors.length === 0
      ? []
      : [
          `Percentiles that ${least} completed requests cannot certify are left out: ${floors.map(([name, from]) => `${name} takes ${from}`).join(', ')}.`,
        ]),
    'The file does not say which GPU it was measured on.',
  ];
}

function listed(files: readonly string[]): string {
  const shown = files.slice(0, 8).join(', ');
  return files.length > 8 ? `${shown} and ${files.length - 8} more` : shown;
}

function warningsOf(cells: readonly CellResult[]): readonly string[] {
  const failed = cells.filter(({ trials }) => trials.some(({ requests }) => (requests.failed ?? 0) > 0));
  return failed.length === 0 ? [] : [`Requests failed: ${failed.map(({ label }) => label).join('; ')}.`];
}
