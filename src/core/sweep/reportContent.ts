/** What a report says, before it is put into a format. */

import { limitsText } from './answers/chat.ts';
import type { ForeignOrigin } from './cellResult.ts';
import { mostFailedShare, mostResidual } from './checks.ts';
import { lengthsLabel } from './load.ts';
import { duration, figure } from './reportFigures.ts';
import type { Cell, CellFailure, RunResults } from './run.ts';
import { certifiedFrom } from './statistics.ts';

export interface ReportInput {
  readonly results: RunResults;
  readonly cells: readonly Cell[];
  /** plan.yaml of the run. */
  readonly planText: string;
  /** Host, GPUs, driver, versions, commit: from environment.json, in words. */
  readonly environment: readonly (readonly [name: string, value: string])[];
  /** Command lines of the engines; empty in a rehearsal, which starts none. */
  readonly commands: readonly string[];
}

export function reportTitle({ results }: ReportInput): string {
  if (results.origin !== undefined) return results.name;
  return results.mode === 'rehearsal' ? `${results.name}: simulated sweep` : `${results.name}: sweep`;
}

/** Named after the run, so that a file that was sent on says what it is: a rehearsal's name has `simulated` in it. */
export function reportFileName(run: string, format: 'html' | 'md' | 'csv'): string {
  return `${run}-report.${format}`;
}

/** The sentence on top. */
export function leadSentence({ results }: Pick<ReportInput, 'results'>): string {
  if (results.answer !== null) return results.answer;
  const done = results.cells.filter(({ state }) => state === 'done').length;
  const simulated = results.mode === 'rehearsal' ? 'Simulated: ' : '';
  const counted = `${simulated}${done} of ${results.cells.length} cells have a result`;
  return results.outcome === 'running'
    ? `${counted} so far: the run had not ended.`
    : `${counted} (run ${results.outcome}).`;
}

/** The first sentence is what was asked for; how far it goes is smaller print. */
export function leadParts(input: ReportInput): { readonly first: string; readonly rest: string } {
  const [first = '', ...others] = leadSentence(input).split(/(?<=[.!?]) (?=[\p{Lu}\d])/u);
  return { first, rest: others.join(' ') };
}

/** Why a cell has no figures, and what to change. */
export function failureSentence({ message, remedies = [] }: CellFailure): string {
  const changes = remedies.map(
    ({ flag, change, to, why }) => `${change} ${flag}${to === undefined ? '' : ` to ${String(to)}`} (${why})`,
  );
  return changes.length === 0 ? message : `${message} To do: ${changes.join('; ')}.`;
}

/** Tables beside that of the cells have so many of them at most: a report is to be read, and mailed. */
const MOST_DETAILED = 300;

/** The results with the cells that detailed tables show, and what is said of the others. */
export function detailed(results: RunResults): { readonly results: RunResults; readonly note: string } {
  const { cells } = results;
  if (cells.length <= MOST_DETAILED) return { results, note: '' };
  return {
    results: { ...results, cells: cells.slice(0, MOST_DETAILED) },
    note: `, of the first ${MOST_DETAILED} of ${cells.length} cells (the CSV has all)`,
  };
}

/** What must be known of a rehearsal before a figure of it is read. */
export const simulatedNotice =
  'Simulated: no engine ran and no GPU was used. The figures come from a simulated engine that was given the estimate; they show the method, not the hardware.';

export function runFacts({ results }: ReportInput): readonly (readonly [string, string])[] {
  const started = results.cells.flatMap(({ startedWallMs }) => startedWallMs ?? []);
  const finished = results.cells.flatMap(({ finishedWallMs }) => finishedWallMs ?? []);
  const times: (readonly [string, string])[] =
    started.length > 0 && finished.length > 0
      ? [
          ['Started', new Date(Math.min(...started)).toISOString()],
          ['Took', duration((Math.max(...finished) - Math.min(...started)) / 1000)],
        ]
      : [];
  const engine = `${results.engine.name} ${results.engine.version ?? '(version not known)'}`;
  return [
    ['Run', results.run],
    ['Outcome', results.outcome],
    ['Model', results.model],
    ['Engine', results.mode === 'rehearsal' ? `simulated, in place of ${engine}` : engine],
    ['GPU', results.mode === 'rehearsal' ? `none; estimates are of ${results.device}` : results.device],
    ['Host', results.host],
    ...times,
  ];
}

/** How it was measured and what was checked, a sentence each. */
export function methodSentences(input: ReportInput): readonly string[] {
  const { results, cells } = input;
  if (results.origin !== undefined) return foreignMethod(results, results.origin);
  const sentences: string[] = [];
  const loads = [...new Set(cells.map(({ load }) => lengthsLabel(load)))];
  const requests = cells.map(({ load }) => load.requests);
  const warmups = cells.map(({ load }) => load.warmupRequests);
  const profiles = new Set(cells.map(({ load }) => load.profile));
  sentences.push(
    ...profileSentences.flatMap(([profile, sentence]) => (profiles.has(profile) ? [sentence] : [])),
    `Prompt and answer lengths in tokens: ${loads.join('; ')}.`,
    `${range(requests)} measured requests a trial after ${range(warmups)} for warm-up, with prompts that no cache has seen.`,
    `A percentile is given only where the sample certifies it: p50 from ${certifiedFrom.p50} completed requests, p90 from ${certifiedFrom.p90}, p95 from ${certifiedFrom.p95}, p99 from ${certifiedFrom.p99} (MLPerf's early-stopping floor, 99 % confidence).`,
    'TTFT: first token after sending. TPOT: (E2E - TTFT) / (output tokens - 1) of a request. ITL: gaps between stream events over all requests, from a histogram. Per query: mean of output tokens / E2E. System: output tokens, of requests that ended well, whose time lies in the window / its length.',
    windowSentence(results),
  );
  if (results.serviceLevel !== null)
    sentences.push(
      `Service level: ${limitsText(results.serviceLevel)}, and at most ${100 * mostFailedShare} % of the requests failed. Goodput: requests a second that kept every limit by themselves.`,
    );
  const trials = Math.max(0, ...results.cells.map((cell) => cell.trials.length));
  sentences.push(
    trials > 1
      ? `${trials} trials a cell. Latencies in the table are those of the worst one; throughput is the mean with its 95 % interval (Student's t over the trials).`
      : "One trial a cell; its interval is from batches within it (10 at least, of a mean E2E's length), and says nothing of how runs differ. Set repeats in the plan for that.",
    ...variation(results),
    littlesLaw(results),
    clientLag(results),
    stationarity(results),
  );
  return sentences;
}

/** Another tool measured: what Loadline computed from its file, and where its words mean something else. */
function foreignMethod(
  results: RunResults,
  { tool, version, file, notes }: ForeignOrigin,
): readonly string[] {
  const trials = results.cells.flatMap((cell) => cell.trials);
  const aggregated = trials.filter(({ aggregatedBy }) => aggregatedBy !== undefined).length;
  const by = `${tool}${version === null ? '' : ` ${version}`}`;
  return [
    `Measured by ${by} and read from ${file}. ${
      aggregated === 0
        ? 'All figures were computed anew from its single requests.'
        : aggregated === trials.length
          ? `The file has no single requests: the figures are aggregates of ${tool} itself.`
          : `Of ${aggregated} of ${trials.length} trials the figures are aggregates of ${tool} itself; the others were computed anew from single requests.`
    }`,
    'TTFT: first token after sending. TPOT: (E2E - TTFT) / (output tokens - 1) of a request. ITL: gaps between stream events over all requests. Per query: mean of output tokens / E2E.',
    ...notes,
    'Whether its client set the result instead of the engine cannot be told from the file.',
  ];
}

const profileSentences: readonly (readonly [Cell['load']['profile'], string])[] = [
  [
    'closed-loop',
    "Closed loop: as many requests in flight as the cell's concurrency, the next sent when one ends. It says how the engine serves so many users, not how long a queue gets at a given rate.",
  ],
  [
    'open-loop',
    'Open loop: requests are sent when they are due, whatever became of those before. Times from when they were due stand beside those from sending; TTFT p95 in the table of cells, and the service level, count from then.',
  ],
  ['trace', 'Trace: requests with the lengths and at the times that were recorded.'],
  [
    'offline',
    'Offline: all requests at once; throughput is that of the whole batch, start and end included.',
  ],
];

function windowSentence(results: RunResults): string {
  const trials = results.cells.flatMap((cell) => cell.trials);
  const windows = trials.flatMap(({ window }) => window ?? []);
  if (windows.length === 0)
    return 'No trial was long enough for a window: figures are of its whole duration.';
  const cut = (of: (window: (typeof windows)[number]) => number) =>
    figure(Math.max(...windows.map(of)) / 1000);
  const without =
    windows.length === trials.length
      ? ''
      : ` ${trials.length - windows.length} of ${trials.length} trials were too short for one.`;
  return `Window: from the first request that took the place of another (the first ones meet an empty engine) to the last one sent; what came before (${cut(({ warmupCutMs }) => warmupCutMs)} s at most) and after (${cut(({ drainCutMs }) => drainCutMs)} s at most) does not count.${without}`;
}

function littlesLaw(results: RunResults): string {
  const residuals = results.cells.flatMap((cell) =>
    cell.trials.flatMap((trial) => {
      const residual = trial.checks?.littleResidual ?? null;
      const consistent = trial.checks?.consistent ?? (residual ?? 0) <= mostResidual;
      return residual === null ? [] : [{ residual, consistent, label: cell.label }];
    }),
  );
  if (residuals.length === 0) return "Little's law could not be checked: no trial has all figures.";
  const trials = results.cells.reduce((sum, cell) => sum + cell.trials.length, 0);
  const checked =
    residuals.length === trials
      ? 'every trial'
      : `each of the ${residuals.length} of ${trials} trials that it could be checked in`;
  const broken = residuals.filter(({ consistent }) => !consistent);
  const largest = (broken.length > 0 ? broken : residuals).reduce((top, one) =>
    one.residual > top.residual ? one : top,
  );
  const share = `${figure(100 * largest.residual)} % at ${largest.label}`;
  return broken.length === 0
    ? `Little's law holds in ${checked}: requests in flight against throughput x time miss each other by ${share} at most (limit ${100 * mostResidual} %, where that is more than 10 ms a request and than sampling explains).`
    : `Little's law is missed by ${share} (limit ${100 * mostResidual} %): such cells are left out of the answer.`;
}

/** How much trials of one cell differ: the deviation of their throughput as a share of its mean, of the cell where it is most. */
function variation(results: RunResults): string[] {
  const found = results.cells.flatMap(({ label, interval }) => {
    const of = interval?.systemTokensPerSecond;
    if (of === undefined || of.n < 3 || !(of.mean > 0)) return [];
    return [{ label, share: (of.standardError * Math.sqrt(of.n)) / of.mean }];
  });
  if (found.length === 0) return [];
  const most = found.reduce((top, one) => (one.share > top.share ? one : top));
  const band =
    most.share < 0.05
      ? 'little'
      : most.share < 0.1
        ? 'usual'
        : most.share < 0.2
          ? 'much: more trials would tell more'
          : 'so much that the cause should be found';
  return [
    `Between trials throughput varies by ${figure(100 * most.share)} % (coefficient of variation) at most, at ${most.label}: ${band}.`,
  ];
}

function stationarity(results: RunResults): string {
  const verdicts = results.cells.flatMap((cell) =>
    cell.trials.map((trial) => ({ label: cell.label, steady: trial.checks?.stationary ?? null })),
  );
  const unsteady = [...new Set(verdicts.flatMap(({ label, steady }) => (steady === false ? [label] : [])))];
  if (verdicts.length === 0) return 'Stationarity: nothing was measured.';
  const unknown = verdicts.filter(({ steady }) => steady === null).length;
  if (unknown === verdicts.length)
    return 'Stationarity: no trial was long enough, or counted well enough, to tell.';
  const rest = unknown === 0 ? '' : ` Of ${unknown} of ${verdicts.length} trials it cannot be told.`;
  return unsteady.length === 0
    ? `Stationarity: no trial is seen to drift (halves of the window within 5 %, no slope of TTFT or of the requests in flight).${rest}`
    : `Not steady, and left out of the answer: ${unsteady.join('; ')}.${rest}`;
}

function clientLag(results: RunResults): string {
  const lags = results.cells.flatMap((cell) =>
    cell.trials.flatMap(({ client }) => client?.loopLagMs.p99 ?? []),
  );
  return lags.length === 0
    ? 'The load generator reported nothing.'
    : `Load generator: loop lag p99 ${figure(Math.max(...lags))} ms at most; cells that it may have limited are marked client-bound and left out of the answer.`;
}

function range(values: readonly number[]): string {
  if (values.length === 0) return 'no';
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return low === high ? String(low) : `${low} to ${high}`;
}
