import { halfWidthOf } from '../../src/core/sweep/reportFigures.ts';
import type { RunResults } from '../../src/core/sweep/run.ts';
import type { Formatter } from '../common/format.ts';
import { type CellFigures, countsForAnswer, type Standing } from './cellFigures.ts';
import { isBetter, type Metric } from './metrics.ts';

/** One sentence: what the chart shows, and what it leaves out. */
export function plotSummary(
  results: RunResults,
  figures: readonly CellFigures[],
  y: Metric,
  format: Formatter,
): string {
  const measured = figures.filter((one) => countsForAnswer(one) && one.figure(y.id) !== null);
  const value = (one: CellFigures) => one.figure(y.id)?.mean ?? Number.NaN;
  const [first] = measured;
  if (first === undefined) {
    if (figures.some(countsForAnswer)) return `No cell has a figure for ${y.label}.`;
    return figures.some(({ cell }) => cell.trials.length > 0)
      ? `No cell counts for an answer.${leftOutWords(figures)}`
      : 'No cell has been measured yet.';
  }
  const best = measured.reduce((top, one) => (isBetter(y.id, value(one), value(top)) ? one : top));
  const worst = measured.reduce((low, one) => (isBetter(y.id, value(low), value(one)) ? one : low));
  const at = (one: CellFigures) => `${words(one, y, format)} at ${one.cell.label}`;
  const spread =
    best === worst ? `${y.label}: ${at(best)}` : `${y.label}: best ${at(best)}, worst ${at(worst)}`;
  const within = measured.filter(({ cell }) => cell.meetsServiceLevel === true).length;
  const level =
    results.serviceLevel === null
      ? ''
      : within === 0
        ? '; no cell meets the SLO'
        : `; ${within} of ${measured.length} measured cells meet the SLO`;
  const knees = (results.knees ?? []).filter(({ cell }) => cell !== null);
  const knee = knees.length === 1 ? `; the knee is at ${kneeWords(results)}` : '';
  const simulated = results.mode === 'rehearsal' ? 'Simulated: ' : '';
  return `${simulated}${spread}${level}${knee}.${leftOutWords(figures)}`;
}

function words(one: CellFigures, { id, unit }: Metric, format: Formatter): string {
  const figure = one.figure(id);
  if (figure === null) return '';
  const band =
    figure.interval === null ? '' : ` ± ${format.significant(halfWidthOf(figure.mean, figure.interval))}`;
  const value = `${format.significant(figure.mean)}${band}`;
  return unit === '$' ? `$${value}` : `${value} ${unit}`.trim();
}

function kneeWords({ knees = [] }: RunResults): string {
  const [knee] = knees;
  if (knee === undefined || knee.value === null) return '';
  return knee.axis === 'concurrency' ? `concurrency ${knee.value}` : `${knee.value} requests/s`;
}

/** What of the run has no place in the plot, or none in the answer. */
function leftOutWords(figures: readonly CellFigures[]): string {
  const count = (standing: Standing) => figures.filter((one) => one.standing === standing).length;
  const counts: readonly (readonly [number, string])[] = [
    [count('failed'), 'failed'],
    [count('client-bound'), 'client-bound and left out of answers'],
    [count('unsteady'), 'not steady and left out of answers'],
    [count('inconsistent'), 'against Little’s law and left out of answers'],
    [count('request-failures'), 'with failed requests'],
    [count('passed-over'), 'passed over by a search'],
    [count('skipped'), 'skipped'],
    [count('waiting') + count('running'), 'without a result yet'],
  ];
  const said = counts.filter(([number]) => number > 0).map(([number, what]) => `${number} ${what}`);
  return said.length === 0 ? '' : ` Cells: ${said.join(', ')}.`;
}
