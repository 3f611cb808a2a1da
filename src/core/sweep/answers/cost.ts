/** `cost`: US dollars for a million tokens by flags, and what stops a larger batch. */
import { formatBytes } from '../../units.ts';
import type { LoadResult } from '../loadResult.ts';
import { figure } from '../reportFigures.ts';
import type { CellResult, HourlyPrice, ServiceLevel } from '../run.ts';
import {
  engineWords,
  isUsable,
  ladderOf,
  leftOut,
  loadValue,
  loadWords,
  meanOf,
  missedByFailures,
  unusableWords,
} from '../usable.ts';
import type { AnswerInput, PartialAnswer } from './answerInput.ts';
import { limitsText } from './chat.ts';
import { grouped, variedWords, varyingFlags } from './groups.ts';

const SECONDS_PER_HOUR = 3600;
/** More load that gives less than this share more throughput is not worth its latency. */
const LEAST_GAIN = 0.05;

/** One engine start under one kind of load: its best batch, what it costs there, and what stops a larger one. */
export interface CostRow {
  readonly words: string;
  /** The kind of load, where the run has several. */
  readonly load: string;
  readonly cell: CellResult;
  readonly gpuCount: number;
  readonly outputTokensPerSecond: number;
  readonly dollarsPerMillionOutput: number | null;
  /** Prompts and outputs together. */
  readonly dollarsPerMillionTokens: number | null;
  readonly outputTokensPerDollar: number | null;
  readonly stop: { readonly kind: 'latency' | 'saturation' | 'failure' | 'none'; readonly words: string };
}

/** Cheapest first, those without a price by throughput a GPU. */
export function costRows(
  cells: readonly CellResult[],
  limits: ServiceLevel | null,
  price: HourlyPrice | null,
): readonly CostRow[] {
  const varying = varyingFlags(cells);
  const ladders = grouped(cells, ladderOf);
  const rows = [...ladders.values()].flatMap((ladder) => costRow(ladder, limits, price, varying) ?? []);
  const perGpu = (row: CostRow) => row.outputTokensPerSecond / row.gpuCount;
  return rows.toSorted((a, b) => perGpu(b) - perGpu(a));
}

function costRow(
  unsorted: readonly CellResult[],
  limits: ServiceLevel | null,
  price: HourlyPrice | null,
  varying: readonly string[],
): CostRow | undefined {
  const ladder = unsorted.toSorted((a, b) => (loadValue(a) ?? 0) - (loadValue(b) ?? 0));
  const allowed = ladder.filter(
    (cell) =>
      isUsable(cell) && outputRate(cell) !== null && (limits === null || cell.meetsServiceLevel === true),
  );
  const top = Math.max(0, ...allowed.map((cell) => outputRate(cell) ?? 0));
  // The smallest batch at the plateau: a larger one costs latency and gives nothing.
  const cell = allowed.find((one) => (outputRate(one) ?? 0) >= (1 - LEAST_GAIN) * top);
  const rate = cell === undefined ? null : outputRate(cell);
  if (cell === undefined || rate === null) return undefined;
  const gpuCount = cell.gpuCount ?? 1;
  const dollarsPerSecond = price === null ? null : (price.dollarsPerHour * gpuCount) / SECONDS_PER_HOUR;
  const input = meanOf(cell, (trial) => trial.inputTokensPerSecond ?? null);
  const per = (tokensPerSecond: number | null) =>
    dollarsPerSecond === null || tokensPerSecond === null ? null : (1e6 * dollarsPerSecond) / tokensPerSecond;
  const words = variedWords(cell, varying);
  return {
    words: words === '' ? engineWordsOrDefault(cell) : words,
    load: cell.load ?? '',
    cell,
    gpuCount,
    outputTokensPerSecond: rate,
    dollarsPerMillionOutput: per(rate),
    dollarsPerMillionTokens: per(input === null ? null : input + rate),
    outputTokensPerDollar: dollarsPerSecond === null ? null : rate / dollarsPerSecond,
    stop: stopOf(ladder, cell, limits),
  };
}

function engineWordsOrDefault(cell: CellResult): string {
  const words = engineWords(cell);
  return words === '' ? 'default flags' : words;
}

function outputRate(cell: CellResult): number | null {
  return meanOf(cell, (trial: LoadResult) => trial.systemTokensPerSecond);
}

/** What the next larger batch meets. */
function stopOf(
  ladder: readonly CellResult[],
  best: CellResult,
  limits: ServiceLevel | null,
): CostRow['stop'] {
  const above = ladder.filter((cell) => (loadValue(cell) ?? 0) > (loadValue(best) ?? 0));
  const [next] = above.filter(({ state }) => state === 'done' || state === 'failed');
  if (next === undefined) return { kind: 'none', words: 'nothing larger was measured' };
  if (next.state === 'failed') {
    const { failure } = next;
    return {
      kind: 'failure',
      words: `${loadWords(next)} fails (${failure?.kind ?? 'unknown'} at ${failure?.enginePhase ?? failure?.phase ?? 'an unknown point'})`,
    };
  }
  // First: the latency of a cell that does not count is not the engine's.
  if (!isUsable(next)) return { kind: 'none', words: `${loadWords(next)} is ${unusableWords(next)}` };
  if (limits !== null && next.meetsServiceLevel === false) {
    return { kind: 'latency', words: `${loadWords(next)} misses the service level` };
  }
  const gain = (outputRate(next) ?? 0) / (outputRate(best) ?? 1) - 1;
  return {
    kind: 'saturation',
    words: `${loadWords(next)} gives ${gain < LEAST_GAIN ? 'only ' : ''}${figure(100 * gain)} % more`,
  };
}

export function costAnswer({ cells, limits, price, device }: AnswerInput): PartialAnswer {
  const rows = costRows(cells, limits, price);
  const [best] = rows;
  if (best === undefined) {
    const within = limits === null ? '' : ` within ${limitsText(limits)}`;
    return {
      sentences: [`No cell has a throughput${within}.`, ...leftOut(cells), ...missedByFailures(cells)],
    };
  }
  const loads = [...new Set(rows.map(({ load }) => load))];
  const sentences = loads.map((load) => {
    const own = rows.filter((row) => row.load === load);
    const words = cheapestWords(own, limits);
    return load === '' ? words : `${load}: ${words}`;
  });
  const priced =
    price === null
      ? `No price of ${device} is known, so throughput a GPU stands for cost: give gpuDollarsPerHour in the plan.`
      : `Counted with $${figure(price.dollarsPerHour)} a GPU and hour (${price.source}).`;
  return {
    sentences: [
      ...sentences,
      priced,
      ...shareWords(best.cell),
      ...leftOut(cells, { judgesServiceLevel: limits !== null, failedIsData: true }),
      ...missedByFailures(cells),
    ],
  };
}

function cheapestWords(rows: readonly CostRow[], limits: ServiceLevel | null): string {
  const [best, second] = rows;
  if (best === undefined) return '';
  const within = limits === null ? '' : ` within ${limitsText(limits)}`;
  const at = `${figure(best.outputTokensPerSecond)} output tokens/s at ${loadWords(best.cell)}${best.gpuCount > 1 ? ` on ${best.gpuCount} GPUs` : ''}`;
  const cost =
    best.dollarsPerMillionOutput === null
      ? `gives most a GPU${within}: ${at}`
      : `is cheapest${within}: $${figure(best.dollarsPerMillionOutput)} a million output tokens${best.dollarsPerMillionTokens === null ? '' : ` ($${figure(best.dollarsPerMillionTokens)} with prompts counted)`}, ${at}`;
  const next = second === undefined ? '' : ` Next: ${second.words}, ${rowCost(second)}.`;
  return `${best.words} ${cost}; a larger batch stops there: ${best.stop.words}.${next}`;
}

function rowCost(row: CostRow): string {
  return row.dollarsPerMillionOutput === null
    ? `${figure(row.outputTokensPerSecond / row.gpuCount)} output tokens/s a GPU`
    : `$${figure(row.dollarsPerMillionOutput)}`;
}

/** The rule of thumb that weights take 80 % of the memory and the cache 20 (up to 35), beside what this engine does. */
function shareWords(cell: CellResult): string[] {
  const of = (wanted: string) => cell.memory?.find(({ term }) => term === wanted)?.measuredBytes;
  const [weights, kv] = [of('weights'), of('available-kv')];
  if (weights === undefined || kv === undefined || !(weights + kv > 0)) return [];
  const share = figure((100 * weights) / (weights + kv));
  return [
    `Of weights and KV cache together (${formatBytes(weights + kv)} a GPU, by the engine's log) weights are ${share} %; the rule of thumb says 80 %, or 65 % where the cache is to be large.`,
  ];
}
