/** From a run's journal to its results. Made again from the same records it is the same, whatever became of the process that followed. */
import { findDevice } from '../device/catalogue.ts';
import { gpuPrice, listPrices } from '../rank/prices.ts';
import { answerQuestion } from './answer.ts';
import type { AnswerInput } from './answers/answerInput.ts';
import { chunksHideGaps, failsTooOften } from './checks.ts';
import { jobStates, jobTroubles } from './jobs.ts';
import { inOrder, type JournalEntry } from './journal.ts';
import { findKnees } from './knee.ts';
import { loadLabels } from './load.ts';
import type { LoadResult } from './loadResult.ts';
import type { TrialMeasurement } from './measurement.ts';
import type { Question } from './planSchema.ts';
import { cellInterval, outlyingTrials } from './repeats.ts';
import type {
  Cell,
  CellFailure,
  CellPrediction,
  CellResult,
  CellState,
  EngineSupport,
  HourlyPrice,
  LoadProfile,
  RunMode,
  RunResults,
  Search,
  ServiceLevel,
} from './run.ts';
import { searchResults } from './searchResults.ts';
import { summariseTrial } from './statistics.ts';
import { steadied } from './steadyTime.ts';
import { isClientBound, isUnsteady, loadValue, userTtftP95Ms } from './usable.ts';

/** What the journal does not say of a run; it stands in environment.json. */
export interface RunContext {
  readonly run: string;
  readonly name: string;
  readonly mode: RunMode;
  readonly host: string;
  readonly engine: { readonly name: string; readonly version: string | null };
  readonly model: string;
  /** Device id, or the driver's name where the catalogue does not have it. */
  readonly device: string;
  readonly question: Question | null;
  readonly serviceLevel: ServiceLevel | null;
  readonly repeats: number;
  /** Of one GPU, where the plan has it. */
  readonly gpuDollarsPerHour?: number;
  readonly cells: readonly Cell[];
  /** Left out where the plan searches for nothing. */
  readonly searches?: readonly Search[];
}

/** The run's state as the host gives it, where it was asked: an interrupted run has no last record to say so. */
export interface ResultsOptions {
  readonly interrupted?: boolean;
  /** From reading the journal: what was torn. */
  readonly warnings?: readonly string[];
}

/** Records may come in any order, more than once and with gaps; those of cells that the plan does not have are left out, and said. */
export function resultsFromJournal(
  context: RunContext,
  records: readonly JournalEntry[],
  options: ResultsOptions = {},
): RunResults {
  const { entries } = steadied(inOrder(records));
  const known = new Set(context.cells.map(({ id }) => id));
  const progress = new Map(
    context.cells.map((cell) => [cell.id, new CellProgress(cell, context.serviceLevel)]),
  );
  const warnings: string[] = [...(options.warnings ?? [])];
  let outcome: RunResults['outcome'] = 'running';
  let version = context.engine.version;
  let support: EngineSupport | undefined;
  let mode = context.mode;
  const strangers = new Set<string>();
  for (const entry of entries) {
    if ('cell' in entry) {
      if (!known.has(entry.cell)) strangers.add(entry.cell);
      progress.get(entry.cell)?.take(entry);
    }
    // One simulated measurement makes the run one of that kind, whatever its plan says.
    if (entry.type === 'trial-measured' && entry.simulated) mode = 'rehearsal';
    else if (entry.type === 'engine-ready') {
      version = entry.version ?? version;
      support = entry.support ?? support;
    } else if (entry.type === 'warning') warnings.push(entry.message);
    else if (entry.part !== undefined) continue;
    // An array task that begins or ends is not the run.
    else if (entry.type === 'run-started' || entry.type === 'run-resumed') outcome = 'running';
    else if (entry.type === 'run-finished') {
      outcome = entry.outcome;
      if (entry.message !== null && entry.outcome !== 'completed') warnings.push(entry.message);
    }
  }
  const planned = context.engine.version;
  if (mode === 'measured' && differInRelease(planned, version)) {
    warnings.push(
      `The engine says version ${version}. Predictions count with ${planned}, which the plan names (engine.version).`,
    );
  }
  if (strangers.size > 0)
    warnings.push(`The journal has ${strangers.size} cell(s) that the plan does not have.`);
  if (outcome === 'running' && options.interrupted === true) outcome = 'interrupted';
  const over = outcome !== 'running';
  const jobs = over ? jobStates(entries) : null;
  if (jobs !== null) warnings.push(...jobTroubles(jobs));
  const labelOf = loadLabels(context.cells.map(({ load }) => load));
  const cells = context.cells.map((cell) =>
    cellResult(cell, labelOf(cell.load), progress.get(cell.id), context, over),
  );
  warnings.push(...measurementWarnings(cells, context.serviceLevel !== null));
  const knees = findKnees(cells);
  const searches = searchResults(context.searches ?? [], context.cells, entries, over);
  const price = priceOf(context);
  const found = {
    schema: 1 as const,
    run: context.run,
    name: context.name,
    mode,
    host: context.host,
    engine: { name: context.engine.name, version, ...(support === undefined ? {} : { support }) },
    model: context.model,
    device: context.device,
    outcome,
    serviceLevel: context.serviceLevel,
    ...(context.question === null ? {} : { question: context.question }),
    ...(price === null ? {} : { price }),
    cells,
    ...(searches.length === 0 ? {} : { searches }),
    ...(knees.length === 0 ? {} : { knees }),
  };
  const answered = over
    ? answerQuestion(answerInput(context, found), outcome)
    : { answer: null, warnings: [] };
  return {
    ...found,
    answer: answered.answer,
    warnings: [...new Set([...warnings, ...answered.warnings])],
  };
}

/** `0.26.0` and `0.27.1+cu128`; not `0.26.0` and `0.26.1`, nor what is not known or numbered otherwise. */
function differInRelease(one: string | null, other: string | null): boolean {
  const [first, second] = [one, other].map((version) => /^v?(\d+\.\d+)(?!\d)/.exec(version ?? '')?.[1]);
  return first !== undefined && second !== undefined && first !== second;
}

/** What answers are made from, of results that have all but their answer. */
export function answerInput(
  context: RunContext,
  { cells, mode, knees = [], searches = [] }: Pick<RunResults, 'cells' | 'mode' | 'knees' | 'searches'>,
): AnswerInput {
  const { question, serviceLevel: limits, device } = context;
  const gpuBytes = findDevice(device)?.cudaTotalBytes ?? null;
  return { question, cells, limits, mode, device, gpuBytes, price: priceOf(context), knees, searches };
}

/** The plan's own price, else the list price of the GPU. */
function priceOf({ device, gpuDollarsPerHour }: RunContext): HourlyPrice | null {
  if (gpuDollarsPerHour !== undefined)
    return { dollarsPerHour: gpuDollarsPerHour, source: 'price of the plan' };
  const known = findDevice(device);
  return known === undefined ? null : (gpuPrice(known, listPrices) ?? null);
}

interface Summary {
  readonly serviceLevel: ServiceLevel | null;
  readonly load: LoadProfile;
  readonly result: LoadResult;
}

/** Who follows a run makes its results again with each record: a trial's statistics are the same every time. */
const summaries = new WeakMap<TrialMeasurement, Summary>();

function summarised(
  measurement: TrialMeasurement,
  serviceLevel: ServiceLevel | null,
  load: LoadProfile,
): LoadResult {
  const known = summaries.get(measurement);
  if (known?.serviceLevel === serviceLevel && known.load === load) return known.result;
  const result = summariseTrial(measurement, serviceLevel, load);
  summaries.set(measurement, { serviceLevel, load, result });
  return result;
}

/** What the journal says of one cell so far. A trial that was measured twice (a resume) counts once: the first time. */
class CellProgress {
  readonly trials = new Map<number, LoadResult>();
  readonly #cell: Cell;
  readonly #serviceLevel: ServiceLevel | null;
  state: CellState = 'waiting';
  failure: CellFailure | null = null;
  passedOver: CellResult['passedOver'];
  startedWallMs: number | null = null;
  finishedWallMs: number | null = null;

  constructor(cell: Cell, serviceLevel: ServiceLevel | null) {
    this.#cell = cell;
    this.#serviceLevel = serviceLevel;
  }

  take(entry: JournalEntry): void {
    switch (entry.type) {
      case 'engine-starting':
      case 'cell-started':
        this.startedWallMs ??= entry.wallMs;
        if (this.state === 'waiting') this.state = 'running';
        break;
      case 'trial-measured':
        if (!this.trials.has(entry.trial)) {
          this.trials.set(entry.trial, summarised(entry.measurement, this.#serviceLevel, this.#cell.load));
        }
        break;
      case 'cell-done':
        this.state = 'done';
        this.failure = null;
        this.finishedWallMs = entry.wallMs;
        break;
      case 'cell-failed': {
        const { kind, phase, message, logExcerpt } = entry;
        const { enginePhase, remedies, instance } = entry;
        this.state = 'failed';
        this.failure = {
          kind,
          phase,
          message,
          logExcerpt,
          ...(enginePhase === undefined ? {} : { enginePhase }),
          ...(remedies === undefined ? {} : { remedies }),
          ...(instance === undefined ? {} : { instance }),
        };
        this.finishedWallMs = entry.wallMs;
        break;
      }
      case 'cell-passed-over':
        this.passedOver = { search: entry.search, why: entry.why };
        break;
      default:
    }
  }
}

function cellResult(
  cell: Cell,
  loadLabel: string,
  progress: CellProgress | undefined,
  context: RunContext,
  over: boolean,
): CellResult {
  const trials = [...(progress?.trials ?? [])].sort(([a], [b]) => a - b).map(([, result]) => result);
  const state = cell.skipped ? 'skipped' : (progress?.state ?? 'waiting');
  // What was under way when the run ended has no result; a resume starts it again.
  const settled: CellState = over && state === 'running' ? 'waiting' : state;
  const { load, gpuCount, arrangement } = cell;
  const interval = cellInterval(trials);
  const outliers = outlyingTrials(trials);
  return {
    cell: cell.id,
    label: cell.label,
    state: settled,
    flags: cell.flags,
    concurrency: load.profile === 'closed-loop' ? load.concurrency : null,
    ...(load.profile === 'open-loop' ? { requestsPerSecond: load.requestsPerSecond } : {}),
    ...(load.profile === 'offline' ? { batch: load.requests } : {}),
    ...(gpuCount === undefined ? {} : { gpuCount }),
    ...(arrangement === undefined ? {} : { arrangement }),
    ...(loadLabel === '' ? {} : { load: loadLabel }),
    trials,
    meetsServiceLevel: settled === 'done' ? meetsServiceLevel(trials, context.serviceLevel) : null,
    failure: cell.skipped ? skipFailure(cell) : (progress?.failure ?? null),
    prediction: cell.prediction === null ? null : withoutMemory(cell.prediction),
    startedWallMs: progress?.startedWallMs ?? null,
    finishedWallMs: progress?.finishedWallMs ?? null,
    ...(interval === undefined ? {} : { interval }),
    ...(outliers.length === 0 ? {} : { outliers }),
    ...(progress?.passedOver === undefined || settled !== 'waiting'
      ? {}
      : { passedOver: progress.passedOver }),
  };
}

/** Memory is laid beside the log's in results; alone it stays in environment.json. */
function withoutMemory({ memory: _, ...prediction }: CellPrediction): CellPrediction {
  return prediction;
}

function skipFailure(cell: Cell): CellFailure {
  return {
    kind: 'skipped',
    phase: 'start',
    message: `Not run, as it is predicted not to fit: ${cell.prediction?.reason ?? 'no reason given'}`,
    logExcerpt: [],
  };
}

/** True where every trial keeps every limit and hardly a request failed; null where one cannot be judged: too few requests, or no service level. */
export function meetsServiceLevel(
  trials: readonly LoadResult[],
  limits: ServiceLevel | null,
): boolean | null {
  if (limits === null || Object.keys(limits).length === 0 || trials.length === 0) return null;
  if (failsTooOften(trials)) return false;
  const verdicts = trials.flatMap((trial) => [
    limits.ttftP95Ms === undefined ? true : atMost(userTtftP95Ms(trial), limits.ttftP95Ms),
    limits.tpotP95Ms === undefined ? true : atMost(trial.tpotMs.p95, limits.tpotP95Ms),
    limits.perQueryTokensPerSecond === undefined
      ? true
      : trial.perQueryTokensPerSecond === null
        ? null
        : trial.perQueryTokensPerSecond >= limits.perQueryTokensPerSecond,
  ]);
  if (verdicts.includes(false)) return false;
  return verdicts.includes(null) ? null : true;
}

function atMost(value: number | null, limit: number): boolean | null {
  return value === null ? null : value <= limit;
}

/** Labels of cells, of many the first ones. */
function named(labels: readonly string[]): string {
  const rest = labels.length - MOST_NOTES;
  return rest <= 1 ? labels.join('; ') : `${labels.slice(0, MOST_NOTES).join('; ')}; and ${rest} more`;
}

/** More of one kind are counted. */
const MOST_NOTES = 10;

function isWithoutWindow({ checks, window, requests }: LoadResult): boolean {
  return checks !== undefined && window === undefined && (requests.ok ?? 0) > 0;
}

/** `needsP95`: a service level is to be judged. */
function measurementWarnings(cells: readonly CellResult[], needsP95: boolean): string[] {
  const warnings: string[] = [];
  const labels = (wanted: (trial: LoadResult) => boolean) =>
    cells.filter((cell) => cell.trials.some(wanted)).map(({ label }) => label);
  const bound = cells.filter(isClientBound).map(({ label }) => label);
  if (bound.length > 0) {
    warnings.push(
      `The load generator may have set the result, not the engine (client-bound): ${named(bound)}.`,
    );
  }
  const unsteady = cells.filter(isUnsteady);
  for (const { label, trials } of unsteady.slice(0, MOST_NOTES)) {
    const notes = trials.flatMap(({ checks }) => (checks?.stationary === false ? checks.notes : []));
    warnings.push(`Not steady, and left out of answers: ${label}. ${[...new Set(notes)].join(' ')}`);
  }
  if (unsteady.length > MOST_NOTES)
    warnings.push(`Not steady as well: ${unsteady.length - MOST_NOTES} more cells.`);
  for (const { label, outliers = [] } of cells)
    for (const { trial, why } of outliers)
      warnings.push(`Trial ${trial + 1} of ${label} stands apart, and is kept: ${why}.`);
  const hidden = labels(chunksHideGaps);
  if (hidden.length > 0)
    warnings.push(
      `Several tokens come in one event, so ITL is not the time between tokens: ${named(hidden)}.`,
    );
  // An offline batch and a trace have no load that rounds could be counted by.
  const whole = cells.filter((cell) => loadValue(cell) !== null && cell.trials.some(isWithoutWindow));
  if (whole.length > 0)
    warnings.push(
      `Too few rounds of requests for a measuring window, so that start and drain are in every figure: ${named(whole.map(({ label }) => label))}.`,
    );
  const queued = labels(({ queueDelayMs, e2eMs }) => (queueDelayMs?.mean ?? 0) > 0.01 * (e2eMs.mean ?? 0));
  if (queued.length > 0)
    warnings.push(
      `Requests were sent later than they were due; times from schedule stand beside those from sending: ${named(queued)}.`,
    );
  const failed = labels((trial) => (trial.requests.failed ?? 0) > 0);
  if (failed.length > 0) warnings.push(`Requests failed: ${named(failed)}.`);
  const uncounted = labels((trial) => (trial.requests.ok ?? 0) > 0 && trial.systemTokensPerSecond === null);
  if (uncounted.length > 0)
    warnings.push(`The engine did not count the tokens of every answer: ${named(uncounted)}.`);
  const uncertified = labels((trial) => (trial.requests.ok ?? 0) > 0 && trial.ttftMs.p95 === null);
  if (needsP95 && uncertified.length > 0) {
    warnings.push(`Too few completed requests for a p95 (130 are needed): ${named(uncertified)}.`);
  }
  return warnings;
}
