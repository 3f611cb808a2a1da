/** The answer to the plan's question, in words: what the figures say, and what was left out of it. */
import { failedShare, failsTooOften, mostFailedShare } from './checks.ts';
import type { LoadResult } from './loadResult.ts';
import type { Question } from './planSchema.ts';
import { figure, milliseconds } from './reportFigures.ts';
import type { CellResult, RunMode, RunResults, ServiceLevel } from './run.ts';

export interface Answer {
  readonly answer: string | null;
  /** Why there is none, where there is none for another reason than the figures. */
  readonly warnings: readonly string[];
}

/** Of a run that is over. Simulated figures are named so in the sentence itself. */
export function answerQuestion(
  question: Question | null,
  cells: readonly CellResult[],
  limits: ServiceLevel | null,
  mode: RunMode,
  outcome: RunResults['outcome'],
): Answer {
  if (question === null) return { answer: null, warnings: [] };
  if (question !== 'chat') {
    return {
      answer: null,
      warnings: [`The answer to "${question}" is not covered yet: this run has its table only.`],
    };
  }
  if (limits === null || Object.keys(limits).length === 0) {
    return {
      answer: null,
      warnings: ['No answer: the chat question needs a service level (slo) in the plan.'],
    };
  }
  const sentences = [...chatAnswers(cells, limits), ...leftOut(cells), ...missedByFailures(cells)];
  if (outcome !== 'completed')
    sentences.push(
      `The run was ${outcome === 'failed' ? 'ended by a failure' : outcome}: only what was measured by then counts.`,
    );
  const simulated = mode === 'rehearsal' ? 'Simulated: ' : '';
  return { answer: simulated + sentences.join(' '), warnings: [] };
}

/** One for each load: how many users of one kind there may be says nothing of another kind. */
function chatAnswers(cells: readonly CellResult[], limits: ServiceLevel): string[] {
  const loads = [...new Set(cells.map(({ load }) => load))];
  return loads.map((load) => {
    const answer = chatAnswer(
      cells.filter((cell) => cell.load === load),
      limits,
    );
    return load === undefined ? answer : `${load}: ${answer}`;
  });
}

/** Under one load: the largest concurrency within the service level, with what limits it. */
function chatAnswer(cells: readonly CellResult[], limits: ServiceLevel): string {
  const usable = cells.filter(isUsable);
  const judged = usable.filter((cell) => cell.meetsServiceLevel !== null && cell.concurrency !== null);
  if (judged.length === 0) return `No cell could be judged against ${limitsText(limits)}.`;
  const meeting = judged.filter((cell) => cell.meetsServiceLevel === true);
  const best = meeting.reduce<CellResult | undefined>(
    (top, cell) => (top === undefined || isBetter(cell, top) ? cell : top),
    undefined,
  );
  if (best === undefined) {
    const lowest = judged.reduce((low, cell) => (concurrencyOf(cell) < concurrencyOf(low) ? cell : low));
    return `No concurrency that was measured keeps ${limitsText(limits)}; ${cellName(lowest, cells)} has ${figuresText(lowest)}.`;
  }
  const sameEngine = judged.filter((cell) => sameFlags(cell, best));
  const above = sameEngine
    .filter((cell) => concurrencyOf(cell) > concurrencyOf(best))
    .sort((a, b) => concurrencyOf(a) - concurrencyOf(b))[0];
  const failingBelow = sameEngine.some(
    (cell) => concurrencyOf(cell) < concurrencyOf(best) && cell.meetsServiceLevel === false,
  );
  const limit =
    above === undefined
      ? 'Nothing above it was measured, so the limit may lie higher.'
      : `At ${above.concurrency} it is ${figuresText(above)}.`;
  const odd = failingBelow
    ? ' A smaller concurrency misses it: the figures are not steady, so repeat the run.'
    : '';
  return `${cellName(best, cells)} is the largest concurrency with ${limitsText(limits)}: ${figuresText(best)}, ${systemText(best)}. ${limit}${odd}`;
}

/** More at once is better; at the same concurrency, more tokens. */
function isBetter(cell: CellResult, than: CellResult): boolean {
  if (concurrencyOf(cell) !== concurrencyOf(than)) return concurrencyOf(cell) > concurrencyOf(than);
  return (
    (worst(cell, (trial) => trial.systemTokensPerSecond, Math.min) ?? 0) >
    (worst(than, (trial) => trial.systemTokensPerSecond, Math.min) ?? 0)
  );
}

/** Of cells that have one. */
function concurrencyOf(cell: CellResult): number {
  return cell.concurrency ?? 0;
}

/** Done, and not set by the client. */
function isUsable(cell: CellResult): boolean {
  return cell.state === 'done' && !isClientBound(cell);
}

export function isClientBound(cell: CellResult): boolean {
  return cell.trials.some((trial) => trial.client?.bound === true);
}

function leftOut(cells: readonly CellResult[]): string[] {
  const counts: readonly (readonly [string, number])[] = [
    ['client-bound', cells.filter((cell) => cell.state === 'done' && isClientBound(cell)).length],
    ['failed', cells.filter((cell) => cell.state === 'failed').length],
    ['predicted not to fit and not run', cells.filter((cell) => cell.state === 'skipped').length],
    [
      'with too few requests for a p95',
      cells.filter((cell) => isUsable(cell) && cell.meetsServiceLevel === null).length,
    ],
    ['without a result', cells.filter((cell) => cell.state === 'waiting' || cell.state === 'running').length],
  ];
  const said = counts.filter(([, count]) => count > 0).map(([why, count]) => `${count} ${why}`);
  return said.length === 0 ? [] : [`Left out: ${said.join(', ')} (of ${cells.length} cells).`];
}

function missedByFailures(cells: readonly CellResult[]): string[] {
  const missing = cells.filter((cell) => isUsable(cell) && failsTooOften(cell.trials)).length;
  return missing === 0
    ? []
    : [`Missed by failed requests (over ${100 * mostFailedShare} %): ${missing} of ${cells.length} cells.`];
}

function cellName(cell: CellResult, cells: readonly CellResult[]): string {
  return cells.every((other) => sameFlags(other, cell)) ? String(concurrencyOf(cell)) : cell.label;
}

function sameFlags(a: CellResult, b: CellResult): boolean {
  return JSON.stringify(a.flags) === JSON.stringify(b.flags);
}

/** `TTFT p95 under 500 ms and at least 10 tokens/s per query` */
export function limitsText(limits: ServiceLevel): string {
  const parts: string[] = [];
  if (limits.ttftP95Ms !== undefined) parts.push(`TTFT p95 of at most ${milliseconds(limits.ttftP95Ms)}`);
  if (limits.tpotP95Ms !== undefined) parts.push(`TPOT p95 of at most ${milliseconds(limits.tpotP95Ms)}`);
  if (limits.perQueryTokensPerSecond !== undefined) {
    parts.push(`at least ${limits.perQueryTokensPerSecond} tokens/s per query`);
  }
  return parts.join(' and ');
}

function figuresText(cell: CellResult): string {
  const ttft = worst(cell, (trial) => trial.ttftMs.p95, Math.max);
  const rate = worst(cell, (trial) => trial.perQueryTokensPerSecond, Math.min);
  const failed = Math.max(...cell.trials.map(failedShare));
  const failures = failed > mostFailedShare ? `, with ${figure(100 * failed)} % of the requests failed` : '';
  return `TTFT p95 ${milliseconds(ttft)} and ${figure(rate)} tokens/s per query${failures}`;
}

function systemText(cell: CellResult): string {
  return `${figure(worst(cell, (trial) => trial.systemTokensPerSecond, Math.min))} tokens/s in all`;
}

/** Over repeats the worst counts; null where a trial does not have the figure. */
export function worst(
  cell: CellResult,
  of: (trial: LoadResult) => number | null,
  choose: (...values: number[]) => number,
): number | null {
  const values = cell.trials.map(of);
  return values.length === 0 || values.some((value) => value === null)
    ? null
    : choose(...values.flatMap((value) => value ?? []));
}
