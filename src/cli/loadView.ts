/** A measured load on a terminal: figures, what they are of, and what to beware of. */
import { chunksHideGaps } from '../core/sweep/checks.ts';
import { lengthsLabel, levelLabel } from '../core/sweep/load.ts';
import type { LoadResult, Quantiles } from '../core/sweep/loadResult.ts';
import { duration, figure, none } from '../core/sweep/reportFigures.ts';
import type { Table } from '../core/sweep/reportTable.ts';
import type { LoadProfile, ServiceLevel } from '../core/sweep/run.ts';
import { certifiedFrom } from '../core/sweep/statistics.ts';
import type { LoadMeasured, LoadProgress } from '../protocol/agent.ts';
import { textTable } from './textTable.ts';

export interface MeasuredLoad {
  readonly url: string;
  readonly load: LoadProfile;
  readonly serviceLevel: ServiceLevel | null;
  readonly measured: LoadMeasured;
  readonly result: LoadResult;
}

/** What `loadline load --json` prints. */
export interface LoadDocument {
  readonly schema: 1;
  readonly url: string;
  readonly model: string;
  readonly load: LoadProfile;
  /** What `result.goodput` counts by. */
  readonly serviceLevel: ServiceLevel | null;
  readonly startedWallMs: number;
  readonly durationMs: number;
  /** True where Ctrl-C ended it: the figures are of what was measured until then. */
  readonly interrupted: boolean;
  readonly promptSizing: LoadMeasured['measurement']['promptSizing'] | null;
  /** Due before the time was over, and never sent. */
  readonly unsentRequests: number;
  readonly failureExamples: LoadMeasured['measurement']['failureExamples'];
  readonly result: LoadResult;
}

export function loadDocument({ url, load, serviceLevel, measured, result }: MeasuredLoad): LoadDocument {
  const { measurement, modelName, interrupted } = measured;
  return {
    schema: 1,
    url,
    model: modelName,
    load,
    serviceLevel,
    startedWallMs: measurement.startedWallMs,
    durationMs: measurement.durationMs,
    interrupted: interrupted === true,
    promptSizing: measurement.promptSizing ?? null,
    unsentRequests: measurement.unsentRequests ?? 0,
    failureExamples: measurement.failureExamples,
    result,
  };
}

/** The line that is replaced while the load goes on. */
export function progressLine(
  { phase, completed, total }: LoadProgress,
  load: LoadProfile,
  elapsedSeconds: number,
): string {
  const timed = load.seconds !== undefined && phase === 'load';
  const of = timed ? `, ${duration(elapsedSeconds)} of ${duration(load.seconds)}` : ` of ${total}`;
  return `${levelLabel(load)}: ${phase === 'load' ? '' : 'warm-up, '}${completed}${of}${timed ? '' : ' requests'}`;
}

export function loadLines(loaded: MeasuredLoad): string[] {
  const { url, load, measured, result } = loaded;
  const { requests } = result;
  const head = `${measured.modelName} at ${url}: ${levelLabel(load)}, ${lengthsLabel(load)} tokens, ${load.api}`;
  const cut = measured.interrupted === true ? ' (ended by Ctrl-C)' : '';
  return [
    head,
    `${requests.ok ?? 0} requests in ${figure(measured.measurement.durationMs / 1000)} s${cut}${failureWords(loaded)}`,
    '',
    ...textTable(latencyTable(result)),
    '',
    ...throughputLines(loaded),
    '',
    ...sourceLines(loaded),
  ];
}

/** For stderr. */
export function loadWarnings({ load, measured, result }: MeasuredLoad): string[] {
  const { measurement } = measured;
  const warnings = [...(result.checks?.notes ?? [])];
  if (measurement.client.bound)
    warnings.unshift(
      'This machine set the result, not the server: do not use these figures. Run the load nearer to the server, on a less busy machine, or with --processes.',
    );
  if (chunksHideGaps(result))
    warnings.push('Several tokens come in one event: what is between events is not the time between tokens.');
  const unsent = measurement.unsentRequests ?? 0;
  if (unsent > 0)
    warnings.push(
      `${unsent} requests were due and never sent: with ${load.profile === 'open-loop' ? `--max-concurrency ${load.maxConcurrency}` : 'so few places'} the server did not keep up. Times from the schedule are too short by what they would have waited.`,
    );
  return warnings;
}

function failureWords({ measured, result }: MeasuredLoad): string {
  const { failed, byKind } = result.requests;
  if (failed === null || failed === 0) return '';
  const kinds = Object.entries(byKind).map(([kind, count]) => `${count} ${kind}`);
  const examples = measured.measurement.failureExamples.map(({ kind, message }) => `\n  ${kind}: ${message}`);
  return `, ${failed} failed: ${kinds.join(', ')}${examples.join('')}`;
}

function latencyTable(result: LoadResult): Table {
  const column = (title: string, unit = 'ms') => ({ title, unit, numeric: true });
  const rows: readonly (readonly [string, Quantiles | undefined])[] = [
    ['time to first token', result.ttftMs],
    ['time per output token', result.tpotMs],
    ['between stream events', result.itlMs],
    ['end to end', result.e2eMs],
    ['sent after it was due', result.queueDelayMs],
    ['first token, from when due', result.ttftFromScheduleMs],
    ['end to end, from when due', result.e2eFromScheduleMs],
  ];
  return {
    columns: [
      { title: '', unit: '', numeric: false },
      column('mean'),
      column('p50'),
      column('p90'),
      column('p95'),
      column('p99'),
    ],
    rows: rows.flatMap(([name, quantiles]) =>
      quantiles === undefined
        ? []
        : [[name, ...(['mean', 'p50', 'p90', 'p95', 'p99'] as const).map((at) => figure(quantiles[at]))]],
    ),
  };
}

function throughputLines({ result, serviceLevel }: MeasuredLoad): string[] {
  const error = result.systemTokensPerSecondError;
  const between =
    error === undefined
      ? ''
      : ` (95 %: ${figure(error.low)} to ${figure(error.high)}, by ${error.batches} batches)`;
  const perEvent = result.tokensPerChunk ?? null;
  const table: readonly (readonly [string, string])[] = [
    ['output tokens/s', `${figure(result.systemTokensPerSecond)}${between}`],
    ['  start and drain included', figure(result.overallTokensPerSecond ?? null)],
    ['input tokens/s', figure(result.inputTokensPerSecond ?? null)],
    ['requests/s', figure(result.requestsPerSecond ?? null)],
    ...(serviceLevel === null
      ? []
      : [['goodput, requests/s', `${figure(result.goodput)} (${eachWithin(serviceLevel)})`] as const]),
    ['tokens/s of a request', figure(result.perQueryTokensPerSecond)],
    ['tokens of a stream event', perEvent === null ? none : figure(perEvent)],
  ];
  const width = Math.max(...table.map(([name]) => name.length));
  return table.map(([name, value]) => `${name.padEnd(width)}  ${value}`);
}

/** Goodput is of single requests: no percentile. */
function eachWithin({ ttftP95Ms, tpotP95Ms, perQueryTokensPerSecond }: ServiceLevel): string {
  return [
    ttftP95Ms === undefined ? '' : `TTFT ≤ ${ttftP95Ms} ms`,
    tpotP95Ms === undefined ? '' : `TPOT ≤ ${tpotP95Ms} ms`,
    perQueryTokensPerSecond === undefined ? '' : `≥ ${perQueryTokensPerSecond} tokens/s`,
  ]
    .filter((part) => part !== '')
    .join(', ');
}

/** Where the figures come from. */
function sourceLines({ load, measured, result }: MeasuredLoad): string[] {
  const { measurement } = measured;
  const { client } = measurement;
  const { window } = result;
  const counted =
    load.profile === 'offline'
      ? 'Rates are over the whole batch, start and end included.'
      : window === undefined
        ? 'Rates are over the whole load: it was too short for a window without start and drain.'
        : `Rates are of the window from ${figure(window.fromMs / 1000)} to ${figure(window.toMs / 1000)} s; times of requests sent in it.`;
  const stamped = client.stampedReads ?? 0;
  const stamps =
    stamped >= 0.99
      ? 'stamped by the kernel'
      : stamped > 0
        ? `${Math.round(100 * stamped)} % stamped by the kernel`
        : 'stamped after reading (there are no kernel stamps over TLS, nor on every kernel)';
  const processes =
    client.processes === undefined || client.processes === 1 ? '' : ` in ${client.processes} processes`;
  return [
    `Measured from this machine: ${figure(client.events)} events, ${stamps}; loop lag p99 ${figure(client.loopLagP99Ms)} ms${processes}. Token counts are the server's (usage).`,
    counted,
    sizingLine(load, measurement.promptSizing),
    `– stands where there is no figure, or too few requests for it (p50 takes ${certifiedFrom.p50}, p90 ${certifiedFrom.p90}, p95 ${certifiedFrom.p95}, p99 ${certifiedFrom.p99}).`,
  ].filter((line) => line !== '');
}

function sizingLine(load: LoadProfile, sizing: LoadMeasured['measurement']['promptSizing']): string {
  const refused =
    load.prompt === 'token-ids' && sizing !== 'token-ids' ? 'The server takes no token ids. ' : '';
  switch (sizing) {
    case 'tokenize':
      return `${refused}Prompts were sized by the server's tokenizer.`;
    case 'usage':
      return `${refused}Prompts are text sized by what usage said of two short requests: lengths miss a little.`;
    case 'words':
      return `${refused}Prompts are text of a word a token: nothing said how long they really were.`;
    default:
      return '';
  }
}
