/** What a cell can be drawn, sorted and compared by. */
import type { IntervalMetric, LoadResult } from '../../src/core/sweep/loadResult.ts';
import type { CellResult, ServiceLevel } from '../../src/core/sweep/run.ts';
import { userTtftP95Ms } from '../../src/core/sweep/usable.ts';
import { GiB } from '../../src/core/units.ts';

/** Mean over a cell's trials, and how sure it is. */
export interface Figure {
  readonly mean: number;
  /** 95 %; null where neither repeats nor batches give one. */
  readonly interval: { readonly low: number; readonly high: number; readonly how: string } | null;
  /** How far the trials lie apart. */
  readonly min: number;
  readonly max: number;
  readonly trials: number;
}

export interface MetricContext {
  /** Of one GPU; null where no price is known. */
  readonly dollarsPerGpuHour: number | null;
}

export const metricIds = [
  'system',
  'per-query',
  'per-gpu',
  'requests',
  'goodput',
  'ttft-p50',
  'ttft-p95',
  'tpot-p50',
  'tpot-p95',
  'itl-p50',
  'itl-p95',
  'e2e-p50',
  'e2e-p95',
  'queue-p95',
  'dollars',
  'joules',
  'watts',
  'gpu-memory',
  'pcie',
  'kv-usage',
  'preemptions',
  'startup',
] as const;
export type MetricId = (typeof metricIds)[number];

export interface Metric {
  readonly id: MetricId;
  /** In selects and headers. */
  readonly label: string;
  readonly unit: string;
  readonly title: string;
  /** A column of the table; the others wait in the selects. */
  readonly column?: true;
  figure(cell: CellResult, context: MetricContext): Figure | null;
  /** The service level's limit for it. */
  limit?(level: ServiceLevel): number | undefined;
  /** What the limit is: `≤` at most. */
  readonly side?: '≤' | '≥';
  /** Its prediction before the run, with the band, in the metric's unit. */
  predicted?(
    cell: CellResult,
  ): { readonly mean: number; readonly low: number; readonly high: number } | undefined;
}

/** null where one of the trials does not have it: the others alone would flatter. */
function overTrials(
  cell: CellResult,
  pick: (trial: LoadResult) => number | null | undefined,
  interval?: IntervalMetric,
): Figure | null {
  const values = cell.trials.map(pick);
  const known = values.filter((value) => value !== null && value !== undefined);
  if (known.length === 0 || known.length < values.length) return null;
  const found = interval === undefined ? undefined : cell.interval?.[interval];
  return {
    mean: known.reduce((sum, value) => sum + value, 0) / known.length,
    interval:
      found === undefined
        ? null
        : {
            low: found.low,
            high: found.high,
            how: found.n > 1 ? `t interval over ${found.n} trials` : 'batch means within the trial',
          },
    min: Math.min(...known),
    max: Math.max(...known),
    trials: known.length,
  };
}

/** A figure of the cell as a whole. */
function single(value: number | undefined | null): Figure | null {
  return value === undefined || value === null
    ? null
    : { mean: value, interval: null, min: value, max: value, trials: 1 };
}

function scaled(figure: Figure | null, factor: number): Figure | null {
  if (figure === null) return null;
  const { mean, min, max, interval, trials } = figure;
  return {
    mean: mean * factor,
    min: min * factor,
    max: max * factor,
    trials,
    interval:
      interval === null ? null : { ...interval, low: interval.low * factor, high: interval.high * factor },
  };
}

const system = (cell: CellResult) =>
  overTrials(cell, (trial) => trial.systemTokensPerSecond, 'systemTokensPerSecond');

/** Dollars a million output tokens; the better the throughput, the fewer. */
function dollars(cell: CellResult, { dollarsPerGpuHour }: MetricContext): Figure | null {
  const throughput = system(cell);
  if (throughput === null || dollarsPerGpuHour === null || throughput.min <= 0) return null;
  const cost = (dollarsPerGpuHour * (cell.gpuCount ?? 1) * 1e6) / 3600;
  const { interval } = throughput;
  return {
    mean: cost / throughput.mean,
    min: cost / throughput.max,
    max: cost / throughput.min,
    trials: throughput.trials,
    interval:
      interval === null || interval.low <= 0
        ? null
        : { ...interval, low: cost / interval.high, high: cost / interval.low },
  };
}

const beside = (
  value: { readonly predicted: number; readonly low: number; readonly high: number } | undefined,
) => (value === undefined ? undefined : { mean: value.predicted, low: value.low, high: value.high });

export const metrics: readonly Metric[] = [
  {
    id: 'system',
    label: 'System tok/s',
    unit: 'tok/s',
    title: 'All output tokens per second',
    column: true,
    figure: system,
    predicted: ({ speed }) => beside(speed?.systemTokensPerSecond),
  },
  {
    id: 'per-query',
    label: 'Per-query tok/s',
    unit: 'tok/s',
    title: 'Mean over requests of output tokens per second',
    column: true,
    figure: (cell) => overTrials(cell, (trial) => trial.perQueryTokensPerSecond, 'perQueryTokensPerSecond'),
    limit: ({ perQueryTokensPerSecond }) => perQueryTokensPerSecond,
    side: '≥',
  },
  {
    id: 'per-gpu',
    label: 'Tok/s per GPU',
    unit: 'tok/s',
    title: 'System tokens per second, over the GPUs of the engines',
    figure: (cell) => (cell.gpuCount === undefined ? null : scaled(system(cell), 1 / cell.gpuCount)),
  },
  {
    id: 'requests',
    label: 'Requests/s',
    unit: 'req/s',
    title: 'Requests answered in full, per second',
    figure: (cell) => overTrials(cell, (trial) => trial.requestsPerSecond),
  },
  {
    id: 'goodput',
    label: 'Goodput req/s',
    unit: 'req/s',
    title: 'Requests per second that met the SLO',
    figure: (cell) => overTrials(cell, (trial) => trial.goodput),
  },
  {
    id: 'ttft-p50',
    label: 'TTFT p50 ms',
    unit: 'ms',
    title: 'Time to first token, median',
    column: true,
    figure: (cell) => overTrials(cell, (trial) => trial.ttftMs.p50, 'ttftP50Ms'),
    predicted: ({ speed }) => beside(speed?.ttftMs),
  },
  {
    id: 'ttft-p95',
    label: 'TTFT p95 ms',
    unit: 'ms',
    title: 'Time to first token, 95th percentile; of a rate or a trace from when the request was due',
    column: true,
    figure: (cell) => overTrials(cell, userTtftP95Ms),
    limit: ({ ttftP95Ms }) => ttftP95Ms,
    side: '≤',
  },
  {
    id: 'tpot-p50',
    label: 'TPOT p50 ms',
    unit: 'ms',
    title: 'Time per output token after the first, median',
    column: true,
    figure: (cell) => overTrials(cell, (trial) => trial.tpotMs.p50, 'tpotP50Ms'),
    predicted: ({ speed }) => beside(speed?.tpotMs),
  },
  {
    id: 'tpot-p95',
    label: 'TPOT p95 ms',
    unit: 'ms',
    title: 'Time per output token after the first, 95th percentile',
    figure: (cell) => overTrials(cell, (trial) => trial.tpotMs.p95),
    limit: ({ tpotP95Ms }) => tpotP95Ms,
    side: '≤',
  },
  {
    id: 'itl-p50',
    label: 'ITL p50 ms',
    unit: 'ms',
    title: 'Gap between stream events, median',
    column: true,
    figure: (cell) => overTrials(cell, (trial) => trial.itlMs.p50),
  },
  {
    id: 'itl-p95',
    label: 'ITL p95 ms',
    unit: 'ms',
    title: 'Gap between stream events, 95th percentile',
    figure: (cell) => overTrials(cell, (trial) => trial.itlMs.p95),
  },
  {
    id: 'e2e-p50',
    label: 'E2E p50 ms',
    unit: 'ms',
    title: 'End-to-end latency, median',
    column: true,
    figure: (cell) => overTrials(cell, (trial) => trial.e2eMs.p50),
  },
  {
    id: 'e2e-p95',
    label: 'E2E p95 ms',
    unit: 'ms',
    title: 'End-to-end latency, 95th percentile',
    figure: (cell) => overTrials(cell, (trial) => trial.e2eMs.p95),
  },
  {
    id: 'queue-p95',
    label: 'Queue delay p95 ms',
    unit: 'ms',
    title: 'From when a request was due to when it was sent, 95th percentile',
    figure: (cell) => overTrials(cell, (trial) => trial.queueDelayMs?.p95),
  },
  {
    id: 'dollars',
    label: '$ per 1M output tokens',
    unit: '$',
    title: 'List price of the GPUs over the output tokens that they gave',
    figure: dollars,
  },
  {
    id: 'joules',
    label: 'Joules per output token',
    unit: 'J',
    title: 'Energy of the GPUs over the output tokens that they gave',
    figure: ({ telemetry }) => single(telemetry?.joulesPerOutputToken),
  },
  {
    id: 'watts',
    label: 'GPU power W',
    unit: 'W',
    title: 'Mean power of all GPUs together',
    figure: ({ telemetry }) => single(telemetry?.meanWatts),
  },
  {
    id: 'gpu-memory',
    label: 'GPU memory GiB',
    unit: 'GiB',
    title: 'Memory in use, most of one GPU',
    figure: ({ telemetry }) => scaled(single(telemetry?.memoryUsedBytes), 1 / GiB),
  },
  {
    id: 'pcie',
    label: 'PCIe GB/s',
    unit: 'GB/s',
    title: 'Both ways together, mean over the GPUs',
    figure: ({ telemetry }) => {
      const [out, into] = [telemetry?.pcieTxBytesPerSecond, telemetry?.pcieRxBytesPerSecond];
      return out === undefined || into === undefined ? null : single((out + into) / 1e9);
    },
  },
  {
    id: 'kv-usage',
    label: 'KV cache in use %',
    unit: '%',
    title: 'Most of the KV cache in use, as the engine says',
    figure: ({ engineMetrics }) => scaled(single(engineMetrics?.kvUsageMost ?? engineMetrics?.kvUsage), 100),
  },
  {
    id: 'preemptions',
    label: 'Preemptions',
    unit: '',
    title: 'Requests that the engine put off for want of KV cache',
    figure: ({ engineMetrics }) => single(engineMetrics?.preemptions),
  },
  {
    id: 'startup',
    label: 'Start-up s',
    unit: 's',
    title: 'From the start of the process to its first answer',
    figure: ({ speed }) => single(speed?.startupSeconds?.measured),
    predicted: ({ speed }) => beside(speed?.startupSeconds),
  },
];

const byId = new Map(metrics.map((metric) => [metric.id, metric]));

export function metricOf(id: MetricId): Metric {
  const metric = byId.get(id);
  if (metric === undefined) throw new Error(`no metric ${id}`);
  return metric;
}

const moreIsBetter: ReadonlySet<MetricId> = new Set([
  'system',
  'per-query',
  'per-gpu',
  'requests',
  'goodput',
]);

/** Of several, the one that a person would choose. */
export function isBetter(id: MetricId, value: number, than: number): boolean {
  return moreIsBetter.has(id) ? value > than : value < than;
}

export function isMetricId(id: unknown): id is MetricId {
  return metricIds.some((one) => one === id);
}
