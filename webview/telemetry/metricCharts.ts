import type { ChartAxis } from '../common/chartContent.ts';
import type { ChartMark } from '../common/chartMarks.ts';
import type { FigureContent, LegendSeries } from '../common/figure.ts';
import type { Formatter } from '../common/format.ts';
import { type Line, legendLines, linesOf } from './chartLines.ts';
import { gapRegions, gapWords } from './gapRegions.ts';
import { type LineChartId, type MetricChart, metricChart, type Scale } from './metrics.ts';
import { phaseRegions } from './phaseRegions.ts';
import { chartedGpus, type ShownGpu } from './shownGpu.ts';
import type { TimeWindow } from './timeWindow.ts';

/** A line of a chart in figures: the chart's twin. Shown values, in `unit`. */
export interface LineFigures {
  readonly key: string;
  readonly label: string;
  readonly unit: string;
  readonly count: number;
  readonly last: number;
  readonly min: number;
  readonly mean: number;
  readonly max: number;
}

export type MetricContent = FigureContent<LineFigures>;

/** What the canvas can draw within a frame: with many lines each has fewer points, its peaks stay. */
const mostPoints = 6_000;
const fewestPointsOfLine = 60;

/** One chart over the window, in at most twice `width` points a line. */
export function metricContent(
  id: LineChartId,
  shown: readonly ShownGpu[],
  window: TimeWindow,
  width: number,
  format: Formatter,
  chosen: ReadonlyMap<string, boolean> = new Map(),
): MetricContent {
  const gpus = chartedGpus(shown);
  const definition = metricChart(
    id,
    gpus.map(({ gpu }) => gpu),
  );
  const lines = linesOf(definition, gpus, window, chosen);
  const drawn = lines.filter(({ hidden }) => !hidden).length;
  const points = Math.min(
    2 * width,
    Math.max(fewestPointsOfLine, Math.floor(mostPoints / Math.max(1, drawn))),
  );
  const rows = lines.map(figuresOf);
  const gaps = gapRegions(gpus, window);
  const marks = limitMarks(definition, gpus, format);
  return {
    rows,
    summary: `${summaryOf(definition, lines, rows, format)}${gapWords(gaps, format)}`,
    chart: {
      x: timeAxis(window, format),
      left: {
        label: definition.left,
        unit: definition.unit,
        scale: 'linear',
        min: 0,
        ...(definition.top === undefined ? {} : { max: definition.top }),
        // The limit is to be seen, however little of it is used; but of a link, whose peak is far away.
        ...(marks.length === 0 || definition.left.startsWith('%')
          ? {}
          : { reaches: Math.max(...marks.map(({ at }) => at)) }),
        format: format.tick,
      },
      series: legendLines(lines).map((line) => drawnLine(line, window, points)),
      marks,
      regions: [...phaseRegions(gpus, window), ...gaps],
    },
  };
}

export function timeAxis({ fromMs, toMs }: TimeWindow, format: Formatter): ChartAxis {
  return { label: 'Time', untitled: true, scale: 'time', min: fromMs, max: toMs, format: format.clock };
}

function drawnLine(
  { key, gpu, column, scale, label, colour, dash, marker, hidden }: Line,
  window: TimeWindow,
  points: number,
): LegendSeries {
  const { offsetMs, series } = gpu.host;
  const drawn = hidden
    ? undefined
    : series?.line(column, window.fromMs - offsetMs, window.toMs - offsetMs, points);
  return {
    key,
    hidden,
    label,
    points: (drawn?.x ?? []).map((x, i) => ({
      x: x + offsetMs,
      y: shownValue(drawn?.y[i] ?? Number.NaN, scale),
    })),
    colour,
    dash,
    ...(marker === undefined ? {} : { marker }),
  };
}

function shownValue(value: number, { factor, offset = 0 }: Scale): number {
  return offset + factor * value;
}

function figuresOf({ key, label, scale, found }: Line): LineFigures {
  const shown = (value: number) => shownValue(value, scale);
  const [a, b] = [shown(found.min), shown(found.max)];
  return {
    key,
    label,
    unit: scale.unit,
    count: found.count,
    last: shown(found.last),
    min: Math.min(a, b),
    mean: shown(found.mean),
    max: Math.max(a, b),
  };
}

function limitMarks({ limits }: MetricChart, gpus: readonly ShownGpu[], format: Formatter): ChartMark[] {
  const all = gpus.flatMap(({ gpu }) => limits?.(gpu, format) ?? []);
  const distinct = new Map(all.map((limit) => [limit.label, limit]));
  return [...distinct.values()].map(({ at, label }) => ({
    direction: 'horizontal',
    at,
    label,
    kind: 'limit',
  }));
}

function summaryOf(
  definition: MetricChart,
  lines: readonly Line[],
  rows: readonly LineFigures[],
  format: Formatter,
): string {
  if (rows.length === 0)
    return `Not known: nothing of ${definition.metrics.map(({ label }) => label).join(', ')} was sampled in this time.`;
  const parts = definition.metrics.flatMap((metric) => {
    const own = rows.filter((_, i) => lines[i]?.metric.id === metric.id);
    const [first] = own;
    if (first === undefined) return [];
    const [low, high] = [Math.min(...own.map(({ min }) => min)), Math.max(...own.map(({ max }) => max))];
    const last = own.map((row) => row.last);
    const end = range(Math.min(...last), Math.max(...last), format);
    return [`${metric.label} ${end} ${first.unit} at the end, ${range(low, high, format)} in all`];
  });
  const hasMajor = lines.some(({ metric }) => metric.minor !== true);
  const major = definition.metrics.filter(({ minor }) => minor !== true).map(({ label }) => label);
  const missing = hasMajor ? '' : ` ${listed(major)} activity are not known here.`;
  return `${parts.join('; ')}.${missing}`;
}

/** `SM, tensor and DRAM`. */
function listed(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

/** `20.0 to 29.0`, or the one figure that both are. */
export function range(low: number, high: number, format: Formatter): string {
  const [from, to] = [format.significant(low), format.significant(high)];
  return from === to ? to : `${from} to ${to}`;
}
