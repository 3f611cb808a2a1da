/** The comparison of two runs, in words and as a table. */

import { costRows } from './answers/cost.ts';
import type { Difference, OverallDifference, RunComparison } from './compare.ts';
import { type IntervalMetric, intervalMetrics } from './loadResult.ts';
import { metricWords } from './repeats.ts';
import { figure, none } from './reportFigures.ts';
import type { Table } from './reportTable.ts';
import type { RunResults } from './run.ts';
import { loadWords } from './usable.ts';

/** A sentence for each figure, over all pairs. */
export function comparisonSentences(comparison: RunComparison): readonly string[] {
  const { pairedBy, cells, onlyFirst, onlySecond, overall } = comparison;
  if (pairedBy === 'none') return ['The runs have no cell in common, neither by content nor by label.'];
  const compared = cells.filter(({ notCompared }) => notCompared === null).length;
  const sentences = [
    `${compared} of ${cells.length} pairs can be compared (paired by ${pairedBy === 'cell' ? 'what they are' : 'their labels'}).`,
  ];
  for (const metric of intervalMetrics) {
    const difference = overall[metric];
    if (difference !== undefined) sentences.push(overallWords(metric, difference));
  }
  if (onlyFirst.length > 0) sentences.push(`In the first run alone: ${onlyFirst.join('; ')}.`);
  if (onlySecond.length > 0) sentences.push(`In the second run alone: ${onlySecond.join('; ')}.`);
  return sentences;
}

/** Which of the runs, of one plan on several hosts, gives a million tokens for least; undefined where one of them has no price or no throughput. */
export function costSentence(runs: readonly RunResults[]): string | undefined {
  const bests = runs.map((results) => {
    const [row] = costRows(results.cells, results.serviceLevel, results.price ?? null);
    return row === undefined || row.dollarsPerMillionOutput === null
      ? undefined
      : { row, dollars: row.dollarsPerMillionOutput, results };
  });
  const known = bests.flatMap((best) => best ?? []).sort((a, b) => a.dollars - b.dollars);
  const [cheapest, ...others] = known;
  if (cheapest === undefined || known.length < runs.length) return undefined;
  const words = ({ row, dollars, results }: typeof cheapest) =>
    `${results.host} (${results.device}, ${row.words}, ${loadWords(row.cell)}) $${figure(dollars)}`;
  return `A million output tokens cost least on ${words(cheapest)}; ${others.map(words).join(', ')}.`;
}

function overallWords(
  metric: IntervalMetric,
  { relative, low, high, cells, verdict }: OverallDifference,
): string {
  const interval = `${signed(relative)} (95 %: ${signed(low)} to ${signed(high)}) over ${cells} pairs`;
  return verdict === 'no-real-difference'
    ? `${metricWords[metric]}: no real difference, ${interval}.`
    : `${metricWords[metric]}: the second is ${verdict}, ${interval}.`;
}

export function comparisonTable({ cells }: RunComparison): Table {
  const rows = cells.flatMap(({ label, metrics, notCompared }) => {
    const found = intervalMetrics.flatMap((metric) => {
      const difference = metrics[metric];
      return difference === undefined ? [] : [[metricWords[metric], ...differenceCells(difference)]];
    });
    if (found.length === 0) return [[label, none, none, none, none, notCompared ?? 'nothing to compare']];
    return found.map((row, at) => [at === 0 ? label : '', ...row]);
  });
  return {
    columns: [
      { title: 'cell', unit: '', numeric: false },
      { title: 'figure', unit: '', numeric: false },
      { title: 'first', unit: '', numeric: true },
      { title: 'second', unit: '', numeric: true },
      { title: 'difference', unit: '95 %', numeric: true },
      { title: 'verdict', unit: '', numeric: false },
    ],
    rows,
  };
}

const verdictWords: Readonly<Record<Difference['verdict'], string>> = {
  higher: 'second is higher',
  lower: 'second is lower',
  'no-real-difference': 'no real difference',
  uncertain: 'not known: no interval',
};

function differenceCells({ first, second, relative, low, high, verdict }: Difference): string[] {
  const interval =
    low === null || high === null || first === 0
      ? ''
      : ` (${signed(low / first)} to ${signed(high / first)})`;
  return [
    figure(first),
    figure(second),
    relative === null ? none : `${signed(relative)}${interval}`,
    verdictWords[verdict],
  ];
}

/** `+3.20 %` */
function signed(share: number): string {
  return `${share < 0 ? '−' : '+'}${figure(Math.abs(100 * share))} %`;
}
