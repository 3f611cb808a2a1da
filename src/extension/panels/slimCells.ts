import type { LoadResult, Quantiles } from '../../core/sweep/loadResult.ts';
import type { CellResult, RunResults } from '../../core/sweep/run.ts';
import { packed } from '../../protocol/packed.ts';
import type { SweepSnapshot } from '../../protocol/panel.ts';

/** Of more cells a page gets what table and charts show; the rest of a cell when it is picked. */
const mostWhole = 1000;

export function isSlim({ cells }: RunResults): boolean {
  return cells.length > mostWhole;
}

/** As they are sent: a message of 10,000 whole cells takes longer than the page that it makes. */
export function sentCells(results: RunResults, cells: readonly CellResult[]): readonly CellResult[] {
  return isSlim(results) ? cells.map(slim) : cells;
}

/** All of a run in one message. */
export function sentResults(results: RunResults | null): Pick<SweepSnapshot, 'results' | 'packedCells'> {
  return results === null || !isSlim(results)
    ? { results }
    : { results: { ...results, cells: [] }, packedCells: packed(sentCells(results, results.cells)) };
}

/** Without the log, the evidence, the terms of memory, and what no chart is drawn of. */
function slim({ outliers: _, memory: __, ...cell }: CellResult): CellResult {
  const { failure, why, trials } = cell;
  return {
    ...cell,
    trials: trials.map(slimTrial),
    failure: failure === null ? null : { ...failure, logExcerpt: [] },
    ...(why === undefined ? {} : { why: { bound: why.bound, evidence: [] } }),
  };
}

function slimTrial(trial: LoadResult): LoadResult {
  const { requests, checks, client, queueDelayMs, ttftFromScheduleMs, requestsPerSecond } = trial;
  return {
    requests: { ok: requests.ok, failed: requests.failed, byKind: {} },
    tokens: trial.tokens,
    ttftMs: slimQuantiles(trial.ttftMs),
    tpotMs: slimQuantiles(trial.tpotMs),
    itlMs: slimQuantiles(trial.itlMs),
    e2eMs: slimQuantiles(trial.e2eMs),
    perQueryTokensPerSecond: trial.perQueryTokensPerSecond,
    systemTokensPerSecond: trial.systemTokensPerSecond,
    goodput: trial.goodput,
    client: client === null || !client.bound ? null : client,
    ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
    ...(ttftFromScheduleMs === undefined ? {} : { ttftFromScheduleMs: slimQuantiles(ttftFromScheduleMs) }),
    ...(queueDelayMs === undefined ? {} : { queueDelayMs: slimQuantiles(queueDelayMs) }),
    ...(checks?.stationary === false || checks?.consistent === false
      ? { checks: { ...checks, notes: [] } }
      : {}),
  };
}

function slimQuantiles({ p50, p95 }: Quantiles): Quantiles {
  return { mean: null, p50, p90: null, p95, p99: null };
}
