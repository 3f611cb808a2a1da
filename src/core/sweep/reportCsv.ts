/** Results as CSV (RFC 4180): a row a trial, a row without figures for a cell that has none. Numbers as they are, in the units that the heads name. */
import type { LoadResult, Quantiles } from './loadResult.ts';
import { resultWords } from './reportTable.ts';
import type { CellResult, RunResults } from './run.ts';

type Value = string | number | boolean | null | undefined;

export function resultsCsv(results: RunResults): string {
  const flags = [...new Set(results.cells.flatMap((cell) => Object.keys(cell.flags)))].sort();
  const rows = results.cells.flatMap((cell) =>
    (cell.trials.length === 0 ? [undefined] : cell.trials).map((trial, index) =>
      rowOf(results, cell, trial, index, flags),
    ),
  );
  const heads = Object.keys(rows[0] ?? rowOf(results, noCell, undefined, 0, flags));
  const lines = rows.map((row) => heads.map((head) => field(row[head])).join(','));
  return `${[heads.map(field).join(','), ...lines].join('\r\n')}\r\n`;
}

function rowOf(
  results: RunResults,
  cell: CellResult,
  trial: LoadResult | undefined,
  index: number,
  flags: readonly string[],
): Record<string, Value> {
  const quantiles = (name: string, of: Quantiles | undefined): Record<string, Value> =>
    Object.fromEntries(
      (['mean', 'p50', 'p90', 'p95', 'p99'] as const).map((part) => [`${name}_${part}_ms`, of?.[part]]),
    );
  return {
    run: results.run,
    // Said in every row: a row that is copied away must not lose it.
    simulated: results.mode === 'rehearsal',
    model: results.model,
    engine: results.engine.name,
    engine_version: results.engine.version,
    gpu: results.device,
    gpu_count: cell.gpuCount,
    cell: cell.cell,
    label: cell.label,
    result: resultWords(cell),
    trial: trial === undefined ? null : index + 1,
    concurrency: cell.concurrency,
    requests_per_second_asked: cell.requestsPerSecond,
    load: cell.load,
    copies: cell.arrangement?.copies,
    sharing: cell.arrangement?.sharing,
    ...Object.fromEntries(flags.map((name) => [`flag ${name}`, flagText(cell.flags[name])])),
    requests_ok: trial?.requests.ok,
    requests_failed: trial?.requests.failed,
    tokens_input: trial?.tokens.input,
    tokens_output: trial?.tokens.output,
    ...quantiles('ttft', trial?.ttftMs),
    ...quantiles('tpot', trial?.tpotMs),
    ...quantiles('itl', trial?.itlMs),
    ...quantiles('e2e', trial?.e2eMs),
    queue_delay_mean_ms: trial?.queueDelayMs?.mean,
    queue_delay_p95_ms: trial?.queueDelayMs?.p95,
    ttft_from_schedule_p95_ms: trial?.ttftFromScheduleMs?.p95,
    e2e_from_schedule_p95_ms: trial?.e2eFromScheduleMs?.p95,
    per_query_tokens_per_second: trial?.perQueryTokensPerSecond,
    system_tokens_per_second: trial?.systemTokensPerSecond,
    system_tokens_per_second_low: trial?.systemTokensPerSecondError?.low,
    system_tokens_per_second_high: trial?.systemTokensPerSecondError?.high,
    overall_tokens_per_second: trial?.overallTokensPerSecond,
    input_tokens_per_second: trial?.inputTokensPerSecond,
    requests_per_second: trial?.requestsPerSecond,
    goodput_requests_per_second: trial?.goodput,
    tokens_per_chunk: trial?.tokensPerChunk,
    window_from_ms: trial?.window?.fromMs,
    window_to_ms: trial?.window?.toMs,
    stationary: trial?.checks?.stationary,
    little_residual: trial?.checks?.littleResidual,
    client_bound: trial?.client?.bound,
    client_loop_lag_p99_ms: trial?.client?.loopLagMs.p99,
    bound_by: cell.why?.bound,
    watts: cell.telemetry?.meanWatts,
    joules_per_output_token: cell.telemetry?.joulesPerOutputToken,
    sm_active: cell.telemetry?.smActive,
    tensor_active: cell.telemetry?.tensorActive,
    dram_active: cell.telemetry?.dramActive,
    failure: cell.failure?.kind,
    failure_message: cell.failure?.message,
  };
}

const noCell: CellResult = {
  cell: '',
  label: '',
  state: 'waiting',
  flags: {},
  concurrency: null,
  trials: [],
  meetsServiceLevel: null,
  failure: null,
  prediction: null,
  startedWallMs: null,
  finishedWallMs: null,
};

function flagText(value: CellResult['flags'][string] | undefined): Value {
  return typeof value === 'object' ? value.join(' ') : value;
}

/** Texts that a spreadsheet would take for a formula stay texts. */
function field(value: Value): string {
  if (value === null || value === undefined) return '';
  if (typeof value !== 'string') return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
