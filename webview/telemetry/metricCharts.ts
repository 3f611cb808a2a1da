import { GB, GiB } from '../../src/core/units.ts';
import type { TelemetryColumn } from '../../src/protocol/agent.ts';
import type { ChartAxis, ChartContent, ChartSeries } from '../common/chart.ts';
import type { ChartMark, ChartRegion } from '../common/chartMarks.ts';
import type { Formatter } from '../common/format.ts';
import type { ShownGpu } from './shownGpu.ts';
import type { TimeWindow } from './state.ts';

interface Metric {
  readonly column: TelemetryColumn;
  readonly label: string;
  readonly unit: string;
  /** Sampled value to shown value. */
  readonly divisor: number;
  readonly axis?: 'right';
  /** Drawn only where the host samples none of the others. */
  readonly fallback?: true;
}

export interface MetricChart {
  readonly id: string;
  readonly title: string;
  readonly left: string;
  readonly right?: string;
  readonly top?: number;
  readonly metrics: readonly Metric[];
}

export const metricCharts: readonly MetricChart[] = [
  {
    id: 'memory',
    title: 'Memory',
    left: 'GiB used',
    metrics: [{ column: 'memoryUsedBytes', label: 'memory', unit: 'GiB', divisor: GiB }],
  },
  {
    id: 'busy',
    title: 'Busy',
    left: '% of time',
    top: 100,
    metrics: [
      { column: 'smActivePercent', label: 'SM', unit: '%', divisor: 1 },
      { column: 'tensorActivePercent', label: 'tensor', unit: '%', divisor: 1 },
      { column: 'dramActivePercent', label: 'DRAM', unit: '%', divisor: 1 },
      { column: 'utilizationPercent', label: 'any kernel', unit: '%', divisor: 1, fallback: true },
    ],
  },
  {
    id: 'power',
    title: 'Power and clock',
    left: 'W',
    right: 'MHz',
    metrics: [
      { column: 'powerWatts', label: 'power', unit: 'W', divisor: 1 },
      { column: 'smClockMHz', label: 'SM clock', unit: 'MHz', divisor: 1, axis: 'right' },
    ],
  },
  {
    id: 'pcie',
    title: 'PCIe',
    left: 'GB/s',
    metrics: [
      { column: 'pcieTxBytesPerSecond', label: 'GPU→host', unit: 'GB/s', divisor: GB },
      { column: 'pcieRxBytesPerSecond', label: 'host→GPU', unit: 'GB/s', divisor: GB },
    ],
  },
];

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

interface Line {
  readonly gpu: ShownGpu;
  readonly metric: Metric;
  readonly column: number;
  readonly label: string;
  readonly colour: number;
  readonly dash: number;
  /** Which GPU, where there are several. */
  readonly marker: number | undefined;
}

/** Lines that there is anything of in the window. One GPU: a colour a metric. Several: a colour a GPU. */
function linesOf(chart: MetricChart, gpus: readonly ShownGpu[], window: TimeWindow): readonly Line[] {
  // Where all of it is recorded, the title says so.
  const mixed = new Set(gpus.map(({ host }) => host.header?.recorded)).size > 1;
  return gpus.flatMap((gpu) => {
    const all = chart.metrics.flatMap((metric, at): Line[] => {
      const column = gpu.host.column(gpu.index, metric.column);
      if (column === undefined || statistics(gpu, column, window) === undefined) return [];
      const alone = gpus.length === 1;
      const name = alone
        ? metric.label
        : chart.metrics.length === 1
          ? gpu.label
          : `${gpu.label} ${metric.label}`;
      const label = mixed && gpu.host.header?.recorded === true ? `${name} (recorded)` : name;
      return [
        {
          gpu,
          metric,
          column,
          label,
          colour: alone ? at : gpu.colour,
          dash: at,
          marker: alone ? undefined : gpu.colour,
        },
      ];
    });
    const preferred = all.filter(({ metric }) => metric.fallback !== true);
    return preferred.length > 0 ? preferred : all;
  });
}

function statistics({ host }: ShownGpu, column: number, { fromMs, toMs }: TimeWindow) {
  return host.series?.statistics(column, fromMs - host.offsetMs, toMs - host.offsetMs);
}

export interface MetricContent {
  readonly chart: ChartContent;
  readonly rows: readonly LineFigures[];
  readonly summary: string;
}

/** One chart over the window, in at most twice `width` points a line. */
export function metricContent(
  definition: MetricChart,
  gpus: readonly ShownGpu[],
  window: TimeWindow,
  width: number,
  format: Formatter,
): MetricContent {
  const lines = linesOf(definition, gpus, window);
  const rows = lines.flatMap((line) => figuresOf(line, window));
  const time: ChartAxis = {
    label: 'Time',
    scale: 'time',
    min: window.fromMs,
    max: window.toMs,
    format: format.clock,
  };
  const reaches = room(definition, gpus);
  const shownGaps = gaps(gpus, window);
  const hasRight = lines.some(({ metric }) => metric.axis === 'right');
  return {
    rows,
    summary: `${summaryOf(definition, lines, rows, format)}${gapWords(shownGaps, format)}`,
    chart: {
      x: time,
      left: {
        label: definition.left,
        scale: 'linear',
        min: 0,
        ...(definition.top === undefined ? {} : { max: definition.top }),
        ...(reaches === undefined ? {} : { reaches }),
        format: format.tick,
      },
      ...(hasRight && definition.right !== undefined
        ? { right: { label: definition.right, scale: 'linear', min: 0, format: format.tick } }
        : {}),
      series: lines.map((line) => drawnLine(line, window, width)),
      marks: limits(definition, gpus, format),
      regions: shownGaps,
    },
  };
}

function drawnLine(
  { gpu, metric, column, label, colour, dash, marker }: Line,
  window: TimeWindow,
  width: number,
): ChartSeries {
  const { offsetMs, series } = gpu.host;
  const drawn = series?.line(column, window.fromMs - offsetMs, window.toMs - offsetMs, 2 * width);
  return {
    label,
    points: (drawn?.x ?? []).map((x, i) => ({
      x: x + offsetMs,
      y: (drawn?.y[i] ?? Number.NaN) / metric.divisor,
    })),
    colour,
    dash,
    ...(marker === undefined ? {} : { marker }),
    ...(metric.axis === undefined ? {} : { axis: metric.axis }),
  };
}

function figuresOf({ gpu, metric, column, label }: Line, window: TimeWindow): LineFigures[] {
  const found = statistics(gpu, column, window);
  if (found === undefined) return [];
  const { divisor } = metric;
  return [
    {
      key: `${gpu.key}/${metric.column}`,
      label,
      unit: metric.unit,
      count: found.count,
      last: found.last / divisor,
      min: found.min / divisor,
      mean: found.mean / divisor,
      max: found.max / divisor,
    },
  ];
}

/** The limit is to be seen, however little of it is used. */
function room({ id }: MetricChart, gpus: readonly ShownGpu[]): number | undefined {
  const limits = gpus.map(({ gpu }) =>
    id === 'memory' ? gpu.memoryTotalBytes / GiB : id === 'power' ? gpu.powerLimitWatts : null,
  );
  const known = limits.filter((limit) => limit !== null);
  return known.length === 0 ? undefined : Math.max(...known);
}

function limits({ id }: MetricChart, gpus: readonly ShownGpu[], format: Formatter): ChartMark[] {
  const pick = id === 'memory' ? 'memoryTotalBytes' : id === 'power' ? 'powerLimitWatts' : undefined;
  if (pick === undefined) return [];
  const values = [...new Set(gpus.map(({ gpu }) => gpu[pick]))].filter((value) => value !== null);
  return values.map((value) => ({
    direction: 'horizontal',
    at: pick === 'memoryTotalBytes' ? value / GiB : value,
    label:
      pick === 'memoryTotalBytes' ? `total ${format.bytes(value)}` : `limit ${format.significant(value)} W`,
    kind: 'limit',
  }));
}

function gaps(gpus: readonly ShownGpu[], { fromMs, toMs }: TimeWindow): ChartRegion[] {
  const hosts = new Set(gpus.map(({ host }) => host));
  return [...hosts].flatMap((host) =>
    host.gaps
      .map((gap) => ({
        from: gap.fromMs + host.offsetMs,
        to: gap.toMs + host.offsetMs,
        label: `gap: ${gap.cause}`,
      }))
      .filter(({ from, to }) => to >= fromMs && from <= toMs),
  );
}

function gapWords(regions: readonly ChartRegion[], format: Formatter): string {
  if (regions.length === 0) return '';
  const seconds = regions.reduce((total, { from, to }) => total + (to - from) / 1000, 0);
  const causes = [...new Set(regions.map(({ label }) => label.replace(/^gap: /, '')))].join(', ');
  return ` ${regions.length === 1 ? '1 gap' : `${regions.length} gaps`} of ${format.duration(seconds)} in all: ${causes}.`;
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
    const own = rows.filter((row) => row.key.endsWith(`/${metric.column}`));
    if (own.length === 0) return [];
    const [low, high] = [Math.min(...own.map(({ min }) => min)), Math.max(...own.map(({ max }) => max))];
    const last = own.map((row) => row.last);
    const end = range(Math.min(...last), Math.max(...last), format);
    return [`${metric.label} ${end} ${metric.unit} at the end, ${range(low, high, format)} in all`];
  });
  const fallback = lines.some(({ metric }) => metric.fallback === true)
    ? ' SM, tensor and DRAM activity are not known here.'
    : '';
  return `${parts.join('; ')}.${fallback}`;
}

function range(low: number, high: number, format: Formatter): string {
  const [from, to] = [format.significant(low), format.significant(high)];
  return from === to ? to : `${from} to ${to}`;
}
