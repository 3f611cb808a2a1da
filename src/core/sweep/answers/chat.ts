/** `chat`: the most users, or requests a second, within the service level; and whether the engine still has room. */

import type { Knee } from '../cellResult.ts';
import { failedShare, mostFailedShare } from '../checks.ts';
import type { LoadResult } from '../loadResult.ts';
import { figure, milliseconds } from '../reportFigures.ts';
import type { CellResult, ServiceLevel } from '../run.ts';
import {
  isUsable,
  ladderOf,
  leftOut,
  loadValue,
  loadWords,
  missedByFailures,
  sameFlags,
  unusableWords,
  userTtftP95Ms,
  worst,
} from '../usable.ts';
import type { AnswerInput, PartialAnswer } from './answerInput.ts';

export function chatAnswer({ cells, limits, knees }: AnswerInput): PartialAnswer {
  if (limits === null || Object.keys(limits).length === 0) {
    return {
      sentences: [],
      warnings: ['No answer: the chat question needs a service level (slo) in the plan.'],
    };
  }
  // How many users of one kind there may be says nothing of another kind.
  const ladders = cells.filter((cell) => loadValue(cell) !== null);
  const loads = [...new Set(ladders.map(({ load }) => load))];
  const answers = loads.map((load) => {
    const answer = underOneLoad(
      ladders.filter((cell) => cell.load === load),
      limits,
      knees,
    );
    return load === undefined || loads.length === 1 ? answer : `${load}: ${answer}`;
  });
  // A trace or a batch is as large as it is: it keeps the limits, or does not.
  const alone = cells.filter(
    (cell) => loadValue(cell) === null && isUsable(cell) && cell.meetsServiceLevel !== null,
  );
  answers.push(
    ...alone.map(
      (cell) =>
        `${cell.label} ${cell.meetsServiceLevel === true ? 'keeps' : 'misses'} ${limitsText(limits)}: ${figuresText(cell)}, ${systemText(cell)}.`,
    ),
  );
  if (answers.length === 0) answers.push(notJudged(limits));
  return {
    sentences: [...answers, ...leftOut(cells, { judgesServiceLevel: true }), ...missedByFailures(cells)],
  };
}

function notJudged(limits: ServiceLevel): string {
  return `No cell could be judged against ${limitsText(limits)}.`;
}

function underOneLoad(cells: readonly CellResult[], limits: ServiceLevel, knees: readonly Knee[]): string {
  const judged = cells.filter(
    (cell) => isUsable(cell) && cell.meetsServiceLevel !== null && loadValue(cell) !== null,
  );
  if (judged.length === 0) return notJudged(limits);
  const best = judged
    .filter((cell) => cell.meetsServiceLevel === true)
    .reduce<CellResult | undefined>(
      (top, cell) => (top === undefined || isBetter(cell, top) ? cell : top),
      undefined,
    );
  const axis = axisWords(best ?? judged[0]);
  if (best === undefined) {
    const lowest = judged.reduce((low, cell) => (levelOf(cell) < levelOf(low) ? cell : low));
    return `No ${axis} that was measured keeps ${limitsText(limits)}; ${cellName(lowest, cells)} has ${figuresText(lowest)}.`;
  }
  const sameEngine = judged.filter((cell) => sameFlags(cell, best));
  const above = sameEngine
    .filter((cell) => levelOf(cell) > levelOf(best))
    .sort((a, b) => levelOf(a) - levelOf(b))[0];
  const failingBelow = sameEngine.some(
    (cell) => levelOf(cell) < levelOf(best) && cell.meetsServiceLevel === false,
  );
  const limit =
    above === undefined ? aboveWords(best, cells) : `At ${levelOf(above)} it is ${figuresText(above)}.`;
  const odd = failingBelow
    ? ` A smaller ${axis} misses it: the figures are not steady, so repeat the run.`
    : '';
  return `${cellName(best, cells)} is the largest ${axis} with ${limitsText(limits)}: ${figuresText(best)}, ${systemText(best)}. ${limit}${marginWords(best, limits)}${odd}${regimeWords(best, knees)}`;
}

/** Why nothing above it was judged. */
function aboveWords(best: CellResult, cells: readonly CellResult[]): string {
  const tried = cells.filter(
    (cell) =>
      (cell.state === 'done' || cell.state === 'failed') &&
      sameFlags(cell, best) &&
      levelOf(cell) > levelOf(best),
  );
  const [next] = tried.toSorted((a, b) => levelOf(a) - levelOf(b));
  if (next?.state === 'failed') return `At ${levelOf(next)} it failed: ${next.failure?.kind ?? 'unknown'}.`;
  const why =
    next === undefined
      ? 'Nothing above it was measured'
      : isUsable(next)
        ? `Above it, ${loadWords(next)} has too few requests for a p95`
        : `Above it, ${loadWords(next)} is ${unusableWords(next)}`;
  return `${why}, so the limit may lie higher.`;
}

/** A p95 of few requests may be within a limit by luck. */
function marginWords(best: CellResult, { ttftP95Ms, tpotP95Ms }: ServiceLevel): string {
  const high = (of: (bounds: NonNullable<LoadResult['p95HighMs']>) => number | null) =>
    worst(best, ({ p95HighMs }) => (p95HighMs === undefined ? null : of(p95HighMs)), Math.max);
  const [ttft, tpot] = [high((bounds) => bounds.ttft), high((bounds) => bounds.tpot)];
  const over = [
    ttftP95Ms !== undefined && ttft !== null && ttft > ttftP95Ms ? `TTFT p95 ${milliseconds(ttft)}` : '',
    tpotP95Ms !== undefined && tpot !== null && tpot > tpotP95Ms ? `TPOT p95 ${milliseconds(tpot)}` : '',
  ].filter((words) => words !== '');
  return over.length === 0
    ? ''
    : ` Not surely: by the upper end of its interval it has ${over.join(' and ')}, beyond the limit; more requests would tell.`;
}

/** Whether more load would still give more: below the knee throughput grows with it. */
function regimeWords(best: CellResult, knees: readonly Knee[]): string {
  const knee = knees.find(({ group }) => group === ladderOf(best));
  if (knee === undefined) return '';
  const at = knee.value === null ? '' : ` (knee at ${knee.value})`;
  switch (knee.regime) {
    case 'linear':
      return ' Throughput still grows with the load at the end of the ladder: not saturated.';
    case 'saturating':
      return ` Throughput grows ever less with the load${at}.`;
    case 'saturated':
      return ` Throughput is saturated${at}: beyond it requests only wait.`;
  }
}

function axisWords(cell: CellResult | undefined): string {
  return cell === undefined || cell.concurrency !== null ? 'concurrency' : 'rate (requests/s)';
}

function levelOf(cell: CellResult): number {
  return loadValue(cell) ?? 0;
}

/** More load is better; at the same load, more tokens. */
function isBetter(cell: CellResult, than: CellResult): boolean {
  if (levelOf(cell) !== levelOf(than)) return levelOf(cell) > levelOf(than);
  return (systemOf(cell) ?? 0) > (systemOf(than) ?? 0);
}

function cellName(cell: CellResult, cells: readonly CellResult[]): string {
  if (!cells.every((other) => sameFlags(other, cell))) return cell.label;
  return cell.concurrency === null ? loadWords(cell) : String(cell.concurrency);
}

/** `TTFT p95 of at most 500 ms and at least 10 tokens/s per query` */
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
  const ttft = worst(cell, userTtftP95Ms, Math.max);
  const rate = worst(cell, (trial) => trial.perQueryTokensPerSecond, Math.min);
  const failed = Math.max(...cell.trials.map(failedShare));
  const failures = failed > mostFailedShare ? `, with ${figure(100 * failed)} % of the requests failed` : '';
  return `TTFT p95 ${milliseconds(ttft)} and ${figure(rate)} tokens/s per query${failures}`;
}

function systemOf(cell: CellResult): number | null {
  return worst(cell, (trial) => trial.systemTokensPerSecond, Math.min);
}

function systemText(cell: CellResult): string {
  return `${figure(systemOf(cell))} tokens/s in all`;
}
