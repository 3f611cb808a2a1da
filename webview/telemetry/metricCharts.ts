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
}

/** Lines that there is anything of in the window. One GPU: a colour a metric. Several: a colour a GPU. */
function linesOf(chart: MetricChart, gpus: readonly ShownGpu[], window: TimeWindow): readonly Line[] {
  return gpus.flatMap((gpu) => {
    const all = chart.metrics.flatMap((metric, at): Line[] => {
      const column = gpu.host.column(gpu.index, metric.column);
      if (column === undefined || statistics(gpu, column, window) === undefined) return [];
      const alone = gpus.length === 1;
      const label = alone
        ? metric.label
        : chart.metrics.length === 1
          ? gpu.label
          : `${gpu.label} ${metric.label}`;
      return [{ gpu, metric, column, label, colour: alone ? at : gpu.colour, dash: at }];
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
  const top = definition.top ?? memoryTop(definition, gpus);
  const hasRight = lines.some(({ metric }) => metric.axis === 'right');
  return {
    rows,
    summary: summaryOf(definition, lines, rows, format),
    chart: {
      x: time,
      left: {
        label: definition.left,
        scale: 'linear',
        min: 0,
        ...(top === undefined ? {} : { max: top }),
        format: format.significant,
      },
      ...(hasRight && definition.right !== undefined
        ? { right: { label: definition.right, scale: 'linear', min: 0, format: format.count } }
        : {}),
      series: lines.map((line) => drawnLine(line, window, width)),
      marks: limits(definition, gpus, format),
      regions: gaps(gpus, window),
    },
  };
}

function drawnLine(
  { gpu, metric, column, label, colour, dash }: Line,
  window: TimeWindow,
  width: number,
): ChartSeries {
  const { offsetMs, series } = gpu.host;
  const drawn = series?.line(column, window.fromMs - offsetMs, window.toMs - offsetMs, 2 * width);
  return {
    label: `${label}${gpu.host.header?.recorded === true ? ' (recorded)' : ''}`,
    points: (drawn?.x ?? []).map((x, i) => ({
      x: x + offsetMs,
      y: (drawn?.y[i] ?? Number.NaN) / metric.divisor,
    })),
    colour,
    dash,
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

/** Room for the total to show as a line, with nothing squeezed above it. */
function memoryTop({ id }: MetricChart, gpus: readonly ShownGpu[]): number | undefined {
  if (id !== 'memory' || gpus.length === 0) return undefined;
  return Math.max(...gpus.map(({ gpu }) => gpu.memoryTotalBytes / GiB)) * 1.05;
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
    const now =
      own.length === 1
        ? `${format.significant(last[0] ?? Number.NaN)} ${metric.unit}`
        : `${format.significant(Math.min(...last))} to ${format.significant(Math.max(...last))} ${metric.unit}`;
    return [`${metric.label} ${now} at the end (${format.significant(low)} to ${format.significant(high)})`];
  });
  const fallback = lines.some(({ metric }) => metric.fallback === true)
    ? ' SM, tensor and DRAM activity are not known here.'
    : '';
  return `${parts.join('; ')}.${fallback}`;
}
