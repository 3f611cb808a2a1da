import type { RunResults } from '../../src/core/sweep/run.ts';
import type { ChartAxis, ChartContent, ChartSeries, PointShape } from '../common/chartContent.ts';
import type { ChartMark, ChartRegion } from '../common/chartMarks.ts';
import type { Formatter } from '../common/format.ts';
import { type CellFigures, countsForAnswer, type Standing, standingWords } from './cellFigures.ts';
import { type Dimension, isLogarithmic } from './dimensions.ts';
import { type Figure, isMetricId, type Metric, metricOf } from './metrics.ts';
import type { PlotChoice } from './plotChoice.ts';
import { loadDimension, type PlotLine, plotLines } from './plotLines.ts';

export interface Plot {
  readonly chart: ChartContent;
  /** Cell of each point, by series and point; none where it stands for no cell. */
  readonly cells: readonly (readonly string[])[];
}

export interface PlotInput {
  readonly results: RunResults;
  readonly figures: readonly CellFigures[];
  readonly dimensions: readonly Dimension[];
  readonly choice: PlotChoice;
  /** Ringed. */
  readonly picked: string | null;
  readonly format: Formatter;
}

interface Look {
  readonly words: string;
  readonly shape: PointShape;
  readonly hollow: boolean;
}

const looks: Readonly<Partial<Record<Standing, Look>>> = {
  measured: { words: 'cell done', shape: 'circle', hollow: false },
  'misses-service-level': { words: 'misses the SLO', shape: 'circle', hollow: true },
  'client-bound': { words: 'client-bound, left out of answers', shape: 'triangle', hollow: true },
  unsteady: { words: 'not steady, left out of answers', shape: 'rectRot', hollow: true },
  inconsistent: { words: 'against Little’s law, left out of answers', shape: 'cross', hollow: false },
  'request-failures': { words: 'with failed requests', shape: 'rect', hollow: true },
  failed: { words: 'failed', shape: 'crossRot', hollow: false },
};

/** Of the theme's series colours: red. */
const failedColour = 5;
/** And yellow. */
const kneeColour = 4;

/** Where a cell stands in the plot. */
interface Placed {
  readonly one: CellFigures;
  readonly x: number;
  readonly y: number;
  readonly alongX: Figure | undefined;
  readonly alongY: Figure | undefined;
}

/** The chosen metric against another, or against what was swept: a line a configuration, each point in the shape of what it is. */
export function plot(input: PlotInput): Plot {
  const { results, figures, dimensions, choice, format, picked } = input;
  const simulated = results.mode === 'rehearsal' ? ' (simulated)' : '';
  const y = metricOf(choice.y);
  const horizontal = horizontalAxis(choice.x, dimensions, format);
  const along = horizontal.dimension ?? loadDimension(dimensions);
  const lines = plotLines(figures, dimensions, along, choice.lines);
  const drawn = lines.flatMap((line, colour) =>
    lineSeries(line, { horizontal, y, colour, simulated, labelled: lines.length <= 3, along }),
  );
  const knees = kneeSeries(results, figures, horizontal, y, simulated);
  const series = knees === undefined ? drawn : [...drawn, knees];
  const at = picked === null ? undefined : figures.find(({ cell }) => cell.cell === picked);
  const place = at === undefined ? undefined : placed(at, horizontal, y);
  return {
    chart: {
      x: reaching(
        horizontal.axis,
        series.map(({ chart }) => chart.errorsAlong),
      ),
      left: reaching(
        { label: `${y.label}${simulated}`, scale: 'linear', min: 0, format: format.tick },
        series.map(({ chart }) => chart.errors),
      ),
      series: series.map(({ chart }) => chart),
      marks: limitMarks(results, horizontal, y),
      regions: failedRegions(figures, horizontal),
      nearest: 'point',
      ...(place === undefined ? {} : { emphasis: { x: place.x, y: place.y } }),
      ...(results.mode === 'rehearsal' ? { watermark: 'simulated' } : {}),
    },
    cells: series.map(({ cells }) => cells),
  };
}

/** The axis reaches to the ends of all bars; one with an end of its own stays. */
function reaching(axis: ChartAxis, errors: readonly ChartSeries['errors'][]): ChartAxis {
  const highs = errors.flatMap((bars) => (bars ?? []).flatMap((bar) => bar?.[1] ?? []));
  return axis.max !== undefined || highs.length === 0 ? axis : { ...axis, reaches: Math.max(...highs) };
}

interface Horizontal {
  readonly axis: ChartAxis;
  /** Where it is one. */
  readonly dimension: Dimension | undefined;
  readonly metric: Metric | undefined;
  /** Where a cell stands along it; undefined: nowhere. */
  of(one: CellFigures): number | undefined;
}

interface Drawn {
  readonly chart: ChartSeries;
  readonly cells: readonly string[];
}

interface LineLook {
  readonly horizontal: Horizontal;
  readonly y: Metric;
  readonly colour: number;
  readonly simulated: string;
  readonly labelled: boolean;
  readonly along: Dimension | undefined;
}

function lineSeries({ name, cells, joined }: PlotLine, look: LineLook): readonly Drawn[] {
  const { horizontal, y, colour, simulated } = look;
  const all = cells.flatMap((one) => placed(one, horizontal, y) ?? []).sort((a, b) => a.x - b.x);
  if (all.length === 0) return [];
  const series: Drawn[] = [];
  const counted = all.filter(({ one }) => countsForAnswer(one));
  if (joined && counted.length > 1)
    series.push({
      chart: {
        label: `${name === '' ? `points by ${look.along?.label.toLowerCase() ?? 'cell'}` : name}${simulated}`,
        points: counted.map(point),
        colour,
        dash: colour,
      },
      cells: [],
    });
  for (const standing of Object.keys(looks) as Standing[]) {
    const own = all.filter(({ one }) => one.standing === standing);
    const drawn = looks[standing];
    if (own.length === 0 || drawn === undefined) continue;
    series.push({ chart: points(own, drawn, name, look), cells: own.map(({ one }) => one.cell.cell) });
  }
  const predicted = look.labelled && joined ? predictedSeries(name, cells, look) : undefined;
  return predicted === undefined ? series : [...series, predicted];
}

function points(own: readonly Placed[], drawn: Look, name: string, look: LineLook): ChartSeries {
  const { along, horizontal } = look;
  const labels = look.labelled && horizontal.metric !== undefined && along !== undefined && own.length <= 40;
  return {
    label: [name, `${drawn.words}${look.simulated}`].filter((part) => part !== '').join(': '),
    points: own.map(point),
    colour: drawn === looks.failed ? failedColour : look.colour,
    draw: 'points',
    shape: drawn.shape,
    hollow: drawn.hollow,
    pointNames: own.map(({ one }) => `${one.cell.label} (${standingWords(one)})`),
    errors: own.map(({ alongY }) => intervalOf(alongY)),
    errorsAlong: own.map(({ alongX }) => intervalOf(alongX)),
    ...(labels ? { pointLabels: own.map(({ one }) => String(along.of(one.cell) ?? '')) } : {}),
  };
}

/** What was expected of the same cells before anything ran, with its band. */
function predictedSeries(name: string, cells: readonly CellFigures[], look: LineLook): Drawn | undefined {
  const { y, horizontal, colour } = look;
  const found = cells
    .flatMap((one) => {
      const value = y.predicted?.(one.cell);
      // Against another metric, both have to be predictions: they'd stand nowhere otherwise.
      const x =
        horizontal.metric === undefined ? horizontal.of(one) : horizontal.metric.predicted?.(one.cell)?.mean;
      return value === undefined || x === undefined ? [] : [{ x, ...value }];
    })
    .sort((a, b) => a.x - b.x);
  if (found.length < 2) return undefined;
  return {
    chart: {
      label: [name, 'predicted'].filter((part) => part !== '').join(': '),
      points: found.map(({ x, mean }) => ({ x, y: mean })),
      band: found.map(({ low, high }) => [low, high] as const),
      colour,
      dash: 2,
    },
    cells: [],
  };
}

function kneeSeries(
  results: RunResults,
  figures: readonly CellFigures[],
  horizontal: Horizontal,
  y: Metric,
  simulated: string,
): Drawn | undefined {
  const at = new Set((results.knees ?? []).flatMap(({ cell }) => cell ?? []));
  const own = figures
    .filter(({ cell, standing }) => at.has(cell.cell) && standing !== 'failed')
    .flatMap((one) => placed(one, horizontal, y) ?? []);
  if (own.length === 0) return undefined;
  return {
    chart: {
      label: `knee: more load gives little more${simulated}`,
      points: own.map(point),
      colour: kneeColour,
      draw: 'points',
      shape: 'rectRot',
      hollow: true,
      size: 9,
      pointLabels: own.map(() => '  knee'),
      pointNames: own.map(({ one }) => `knee: ${one.cell.label}`),
    },
    cells: own.map(({ one }) => one.cell.cell),
  };
}

/** A cell that failed has no figure: along what was swept it stands on the axis. */
function placed(one: CellFigures, horizontal: Horizontal, y: Metric): Placed | undefined {
  const x = horizontal.of(one);
  const figure = one.figure(y.id) ?? undefined;
  const failedAt = one.standing === 'failed' && horizontal.dimension !== undefined ? 0 : undefined;
  const value = figure?.mean ?? failedAt;
  if (x === undefined || value === undefined) return undefined;
  const alongX =
    horizontal.metric === undefined ? undefined : (one.figure(horizontal.metric.id) ?? undefined);
  return { one, x, y: value, alongX, alongY: figure };
}

function point({ x, y }: Placed): { readonly x: number; readonly y: number } {
  return { x, y };
}

/** What is known of how sure it is; of several trials without an interval, how far they lie apart. */
function intervalOf(figure: Figure | undefined): readonly [number, number] | null {
  if (figure === undefined) return null;
  if (figure.interval !== null) return [figure.interval.low, figure.interval.high];
  return figure.trials > 1 ? [figure.min, figure.max] : null;
}

function horizontalAxis(id: string, dimensions: readonly Dimension[], format: Formatter): Horizontal {
  const dimension = dimensions.find((one) => one.id === id);
  if (dimension !== undefined) return dimensionAxis(dimension, format);
  const metric = metricOf(isMetricId(id) ? id : 'per-query');
  return {
    axis: { label: metric.label, scale: 'linear', min: 0, format: format.tick },
    dimension: undefined,
    metric,
    of: (one) => one.figure(metric.id)?.mean,
  };
}

function dimensionAxis(dimension: Dimension, format: Formatter): Horizontal {
  const { values, label, numeric } = dimension;
  if (!numeric) {
    const places = new Map(values.map((value, at) => [value, at]));
    return {
      axis: {
        label,
        scale: 'linear',
        min: -0.5,
        max: values.length - 0.5,
        ticks: values.map((_, at) => at),
        format: (at) => String(values[Math.round(at)] ?? ''),
      },
      dimension,
      metric: undefined,
      of: ({ cell }) => places.get(dimension.of(cell) ?? ''),
    };
  }
  const [first, last] = [Number(values[0]), Number(values.at(-1))];
  const margin = 0.04 * (last - first);
  const logarithmic = isLogarithmic(dimension);
  return {
    axis: {
      label,
      ticks: values.map(Number),
      scale: logarithmic ? 'logarithmic' : 'linear',
      min: logarithmic ? first / 1.15 : first - margin,
      max: logarithmic ? last * 1.15 : last + margin,
      format: format.tick,
    },
    dimension,
    metric: undefined,
    of: ({ cell }) => {
      const value = dimension.of(cell);
      return typeof value === 'number' ? value : undefined;
    },
  };
}

function limitMarks(results: RunResults, { metric }: Horizontal, y: Metric): ChartMark[] {
  const level = results.serviceLevel;
  if (level === null) return [];
  const markOf = (one: Metric | undefined, direction: ChartMark['direction']): ChartMark[] => {
    const at = one?.limit?.(level);
    if (one === undefined || at === undefined) return [];
    return [{ direction, at, label: `SLO ${one.side ?? ''} ${at} ${one.unit}`, kind: 'limit' }];
  };
  return [...markOf(metric, 'vertical'), ...markOf(y, 'horizontal')];
}

/** Stretches of what was swept in which every cell that was tried failed: to halfway to the next value. */
function failedRegions(figures: readonly CellFigures[], { dimension, axis }: Horizontal): ChartRegion[] {
  if (dimension === undefined || !dimension.numeric) return [];
  const byValue = new Map<number, CellFigures[]>();
  for (const one of figures) {
    const value = dimension.of(one.cell);
    if (typeof value !== 'number') continue;
    const tried = one.standing === 'failed' || one.cell.trials.length > 0;
    if (tried) byValue.set(value, [...(byValue.get(value) ?? []), one]);
  }
  const values = [...byValue.keys()].sort((a, b) => a - b);
  const failed = values.map(
    (value) => byValue.get(value)?.every(({ standing }) => standing === 'failed') === true,
  );
  const logarithmic = axis.scale === 'logarithmic';
  const between = (a: number, b: number) => (logarithmic ? Math.sqrt(a * b) : (a + b) / 2);
  const regions: ChartRegion[] = [];
  for (let first = 0; first < values.length; first++) {
    if (failed[first] !== true) continue;
    let last = first;
    while (failed[last + 1] === true) last++;
    const [low = 0, high = 0, before, after] = [
      values[first],
      values[last],
      values[first - 1],
      values[last + 1],
    ];
    const why = byValue.get(low)?.[0]?.cell.failure?.kind.replaceAll('-', ' ') ?? 'failed';
    regions.push({
      from: before === undefined ? (axis.min ?? low) : between(before, low),
      to: after === undefined ? (axis.max ?? high) : between(high, after),
      label: why,
      kind: 'failed',
    });
    first = last;
  }
  return regions;
}
