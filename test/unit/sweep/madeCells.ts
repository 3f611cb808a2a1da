/** Results of cells as an answer sees them, without the journal that they would come from. */
import { answerQuestion } from '../../../src/core/sweep/answer.ts';
import type { AnswerInput } from '../../../src/core/sweep/answers/answerInput.ts';
import { findKnees } from '../../../src/core/sweep/knee.ts';
import type { LoadResult, Quantiles } from '../../../src/core/sweep/loadResult.ts';
import { cellInterval } from '../../../src/core/sweep/repeats.ts';
import type { CellResult } from '../../../src/core/sweep/run.ts';

const all = (value: number): Quantiles => ({ mean: value, p50: value, p90: value, p95: value, p99: value });

export function madeTrial(systemTokensPerSecond: number, more: Partial<LoadResult> = {}): LoadResult {
  return {
    requests: { ok: 1000, failed: 0, byKind: {} },
    tokens: { input: 200_000, output: 100_000 },
    ttftMs: all(100),
    tpotMs: all(10),
    itlMs: all(10),
    e2eMs: all(1000),
    perQueryTokensPerSecond: 50,
    systemTokensPerSecond,
    requestsPerSecond: systemTokensPerSecond / 100,
    inputTokensPerSecond: 2 * systemTokensPerSecond,
    goodput: null,
    client: null,
    ...more,
  };
}

/** A cell that is done, with a trial for each throughput. */
export function madeCell(
  label: string,
  throughputs: readonly number[],
  more: Partial<CellResult> = {},
  trial: Partial<LoadResult> = {},
): CellResult {
  const trials = throughputs.map((system) => madeTrial(system, trial));
  const interval = cellInterval(trials);
  return {
    cell: label,
    label,
    state: 'done',
    flags: {},
    concurrency: 1,
    trials,
    meetsServiceLevel: null,
    failure: null,
    prediction: null,
    startedWallMs: null,
    finishedWallMs: null,
    ...(interval === undefined ? {} : { interval }),
    ...more,
  };
}

export function failedCell(label: string, more: Partial<CellResult> = {}): CellResult {
  return madeCell(label, [], {
    state: 'failed',
    failure: {
      kind: 'out-of-memory',
      phase: 'start',
      enginePhase: 'profile',
      message: 'no room',
      logExcerpt: [],
    },
    ...more,
  });
}

export function answerOf(
  question: AnswerInput['question'],
  cells: readonly CellResult[],
  more: Partial<AnswerInput> = {},
): string {
  const { answer } = answerQuestion(
    {
      question,
      cells,
      limits: null,
      mode: 'measured',
      device: 'h100-sxm-80gb',
      gpuBytes: 80 * 1024 ** 3,
      price: { dollarsPerHour: 3.6, source: 'price of the plan' },
      knees: findKnees(cells),
      searches: [],
      ...more,
    },
    'completed',
  );
  return answer ?? '';
}
