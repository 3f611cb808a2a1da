/** Two runs side by side: the difference of each figure with its interval, which is what tells a change from noise. */
import type { MetricInterval } from './cellResult.ts';
import { type IntervalMetric, intervalMetrics } from './loadResult.ts';
import { metricOf } from './repeats.ts';
import type { CellResult, RunResults } from './run.ts';
import { halfWidth95 } from './studentT.ts';
import { isUsable, unusableWords } from './usable.ts';

/** `uncertain`: no interval can be given, so nothing is said of which is larger. */
export type DifferenceVerdict = 'higher' | 'lower' | 'no-real-difference' | 'uncertain';

/** Second minus first, 95 %. */
export interface Difference {
  readonly first: number;
  readonly second: number;
  readonly difference: number;
  /** Null where neither repeats nor batches give an error. */
  readonly low: number | null;
  readonly high: number | null;
  /** (second - first) / first; null where the first is 0. */
  readonly relative: number | null;
  readonly verdict: DifferenceVerdict;
  /** `paired`: repeats of the same seeds, one by one. `two-sample`: Welch, over repeats or batches. */
  readonly method: 'paired' | 'two-sample' | 'none';
}

export interface CellComparison {
  readonly label: string;
  readonly first: CellResult;
  readonly second: CellResult;
  /** Why it tells nothing, where it does not: one of them failed, is not steady, was held back by the client. */
  readonly notCompared: string | null;
  readonly metrics: Readonly<Partial<Record<IntervalMetric, Difference>>>;
}

export interface OverallDifference {
  /** Mean over the cells of ln(second / first), as a relative change: 0.03 is 3 % more. */
  readonly relative: number;
  readonly low: number;
  readonly high: number;
  readonly cells: number;
  readonly verdict: DifferenceVerdict;
}

export interface RunComparison {
  readonly first: string;
  readonly second: string;
  /** `cell`: the same content hash. `label`: the same words, in another model, engine or version. */
  readonly pairedBy: 'cell' | 'label' | 'none';
  readonly cells: readonly CellComparison[];
  /** Labels that one of them alone has. */
  readonly onlyFirst: readonly string[];
  readonly onlySecond: readonly string[];
  readonly overall: Readonly<Partial<Record<IntervalMetric, OverallDifference>>>;
}

/** Cells are paired by what they are, else, where the runs have none in common, by their labels. */
export function compareRuns(first: RunResults, second: RunResults): RunComparison {
  const byCell = new Map(second.cells.map((cell) => [cell.cell, cell]));
  const isSame = first.cells.some(({ cell }) => byCell.has(cell));
  const byLabel = new Map(second.cells.map((cell) => [cell.label, cell]));
  const partnerOf = (cell: CellResult) => (isSame ? byCell.get(cell.cell) : byLabel.get(cell.label));
  const pairs = first.cells.flatMap((cell) => {
    const partner = partnerOf(cell);
    return partner === undefined ? [] : [comparison(cell, partner)];
  });
  const paired = new Set(pairs.map(({ second: cell }) => cell));
  return {
    first: first.run,
    second: second.run,
    pairedBy: pairs.length === 0 ? 'none' : isSame ? 'cell' : 'label',
    cells: pairs,
    onlyFirst: first.cells.filter((cell) => partnerOf(cell) === undefined).map(({ label }) => label),
    onlySecond: second.cells.filter((cell) => !paired.has(cell)).map(({ label }) => label),
    overall: Object.fromEntries(
      intervalMetrics.flatMap((metric) => {
        const overall = overallDifference(pairs, metric);
        return overall === undefined ? [] : [[metric, overall] as const];
      }),
    ),
  };
}

function comparison(first: CellResult, second: CellResult): CellComparison {
  const unusable = [first, second].find((cell) => !isUsable(cell));
  const metrics = intervalMetrics.flatMap((metric) => {
    const difference = unusable === undefined ? differenceOf(first, second, metric) : undefined;
    return difference === undefined ? [] : [[metric, difference] as const];
  });
  return {
    label: first.label,
    first,
    second,
    notCompared:
      unusable === undefined
        ? null
        : `${unusable === first ? 'the first' : 'the second'} is ${unusable.state === 'done' ? unusableWords(unusable) : unusable.state}`,
    metrics: Object.fromEntries(metrics),
  };
}

/** Undefined where one of them does not have the figure. */
export function differenceOf(
  first: CellResult,
  second: CellResult,
  metric: IntervalMetric,
): Difference | undefined {
  const values = [first, second].map(({ trials }) =>
    trials.flatMap((trial) => metricOf(trial, metric) ?? []),
  );
  const [one = [], other = []] = values;
  if (one.length === 0 || other.length === 0) return undefined;
  if (one.length < first.trials.length || other.length < second.trials.length) return undefined;
  const means = [one, other].map((all) => all.reduce((sum, value) => sum + value, 0) / all.length);
  const [a = 0, b = 0] = means;
  const interval =
    pairedHalf(one, other) ??
    welchHalf(first.interval?.[metric], second.interval?.[metric], [first, second], metric);
  const difference = b - a;
  const half = interval?.half ?? null;
  return {
    first: a,
    second: b,
    difference,
    low: half === null ? null : difference - half,
    high: half === null ? null : difference + half,
    relative: a === 0 ? null : difference / a,
    verdict: verdictOf(difference, half),
    method: interval?.method ?? 'none',
  };
}

function verdictOf(difference: number, half: number | null): DifferenceVerdict {
  if (half === null) return 'uncertain';
  if (Math.abs(difference) <= half) return 'no-real-difference';
  return difference > 0 ? 'higher' : 'lower';
}

interface HalfWidth {
  readonly half: number;
  readonly method: Difference['method'];
}

/** Repeats of the same number draw the same lengths: their differences vary less than they do. Three at least. */
function pairedHalf(one: readonly number[], other: readonly number[]): HalfWidth | undefined {
  const n = one.length;
  if (n < 3 || other.length !== n) return undefined;
  const differences = one.map((value, at) => (other[at] ?? 0) - value);
  const mean = differences.reduce((sum, value) => sum + value, 0) / n;
  const variance = differences.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return { half: halfWidth95(n - 1) * Math.sqrt(variance / n), method: 'paired' };
}

/** Welch's interval from two standard errors, each with its own degrees of freedom. */
function welchHalf(
  one: MetricInterval | undefined,
  other: MetricInterval | undefined,
  cells: readonly [CellResult, CellResult],
  metric: IntervalMetric,
): HalfWidth | undefined {
  if (one === undefined || other === undefined) return undefined;
  const [a, b] = [one.standardError ** 2, other.standardError ** 2];
  if (a + b === 0) return { half: 0, method: 'two-sample' };
  // Results of an earlier version have the batches with the trial alone.
  const freedom = ({ n, batches }: MetricInterval, cell: CellResult) =>
    n > 1 ? n - 1 : (batches ?? cell.trials[0]?.errors?.[metric]?.batches ?? 2) - 1;
  const degrees = (a + b) ** 2 / (a ** 2 / freedom(one, cells[0]) + b ** 2 / freedom(other, cells[1]));
  return { half: halfWidth95(Math.max(1, Math.round(degrees))) * Math.sqrt(a + b), method: 'two-sample' };
}

/** Student's t over the pairs: each cell is one observation of the same change. Three at least. */
function overallDifference(
  pairs: readonly CellComparison[],
  metric: IntervalMetric,
): OverallDifference | undefined {
  const ratios = pairs.flatMap(({ metrics }) => {
    const difference = metrics[metric];
    return difference === undefined || !(difference.first > 0) || !(difference.second > 0)
      ? []
      : [Math.log(difference.second / difference.first)];
  });
  const n = ratios.length;
  if (n < 3) return undefined;
  const mean = ratios.reduce((sum, value) => sum + value, 0) / n;
  const variance = ratios.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  const half = halfWidth95(n - 1) * Math.sqrt(variance / n);
  return {
    relative: Math.expm1(mean),
    low: Math.expm1(mean - half),
    high: Math.expm1(mean + half),
    cells: n,
    verdict: verdictOf(mean, half),
  };
}
