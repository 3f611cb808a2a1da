/** What several trials of one cell say together. */
import type { CellInterval, MetricInterval, OutlyingTrial } from './cellResult.ts';
import { type IntervalMetric, intervalMetrics, type LoadResult } from './loadResult.ts';
import { figure } from './reportFigures.ts';
import { halfWidth95 } from './studentT.ts';

export function metricOf(trial: LoadResult, metric: IntervalMetric): number | null {
  switch (metric) {
    case 'systemTokensPerSecond':
      return trial.systemTokensPerSecond;
    case 'perQueryTokensPerSecond':
      return trial.perQueryTokensPerSecond;
    case 'ttftP50Ms':
      return trial.ttftMs.p50;
    case 'tpotP50Ms':
      return trial.tpotMs.p50;
  }
}

export const metricWords: Readonly<Record<IntervalMetric, string>> = {
  systemTokensPerSecond: 'system tokens/s',
  perQueryTokensPerSecond: 'tokens/s per query',
  ttftP50Ms: 'TTFT p50',
  tpotP50Ms: 'TPOT p50',
};

/** 95 % intervals: Student's t over the repeats, or the batches within the only one. A figure that a trial lacks has none. */
export function cellInterval(trials: readonly LoadResult[]): CellInterval | undefined {
  const found = intervalMetrics.flatMap((metric) => {
    const interval = metricInterval(trials, metric);
    return interval === undefined ? [] : [[metric, interval] as const];
  });
  return found.length === 0 ? undefined : Object.fromEntries(found);
}

function metricInterval(trials: readonly LoadResult[], metric: IntervalMetric): MetricInterval | undefined {
  const values = trials.flatMap((trial) => metricOf(trial, metric) ?? []);
  const [only] = trials;
  if (values.length < trials.length || only === undefined) return undefined;
  if (trials.length > 1) return overRepeats(values);
  const error = only.errors?.[metric];
  const [mean] = values;
  if (error === undefined || mean === undefined) return undefined;
  const { standardError, batches } = error;
  const half = (error.high - error.low) / 2;
  return { mean, low: Math.max(0, mean - half), high: mean + half, n: 1, standardError, batches };
}

/** Of at least two values. */
function overRepeats(values: readonly number[]): MetricInterval {
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const standardError = Math.sqrt(variance / n);
  const half = halfWidth95(n - 1) * standardError;
  const central = n >= LEAST_TRIALS ? { median: median(values) } : {};
  return { mean, low: mean - half, high: mean + half, n, standardError, ...central };
}

/** A run this many robust deviations from the median stands apart (Iglewicz and Hoaglin, 1993). */
const MOST_DEVIATIONS = 3.5;
const LEAST_TRIALS = 5;
/** Where all repeats are nearly the same, the rule alone would call a hair's breadth an outlier. */
const LEAST_SHARE = 0.01;

/** Trials whose throughput stands apart: |x - median| > 3.5 x 1.4826 x MAD. They are named, and stay in every figure. */
export function outlyingTrials(trials: readonly LoadResult[]): readonly OutlyingTrial[] {
  const values = trials.map(({ systemTokensPerSecond }) => systemTokensPerSecond);
  const known = values.filter((value) => value !== null);
  if (known.length < LEAST_TRIALS) return [];
  const centre = median(known);
  const deviation = 1.4826 * median(known.map((value) => Math.abs(value - centre)));
  return values.flatMap((value, trial) => {
    if (value === null) return [];
    const off = Math.abs(value - centre);
    if (off <= MOST_DEVIATIONS * deviation || off <= LEAST_SHARE * centre) return [];
    return [
      {
        trial,
        why: `${figure(value)} system tokens/s where the median of ${known.length} trials is ${figure(centre)}`,
      },
    ];
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? Number.NaN) + upper) / 2;
}
