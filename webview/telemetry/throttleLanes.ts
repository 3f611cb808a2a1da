import { slowingReasons } from '../../src/core/device/slowdown.ts';
import type { Stretch } from '../../src/core/device/slowdowns.ts';
import type { LegendSeries } from '../common/figure.ts';
import type { Formatter } from '../common/format.ts';
import { gapRegions, gapWords } from './gapRegions.ts';
import { type MetricContent, timeAxis } from './metricCharts.ts';
import { phaseRegions } from './phaseRegions.ts';
import type { ShownGpu } from './shownGpu.ts';
import type { TimeWindow } from './timeWindow.ts';

/** A chart with more lanes than this can't be read: the longest are drawn, the table has all. */
const mostLanes = 12;
const laneWidthPixels = 9;

interface Lane {
  readonly gpu: ShownGpu;
  readonly reason: string;
  readonly label: string;
  readonly stretches: readonly Stretch[];
  readonly slowedMs: number;
  readonly samples: number;
}

/** A lane a GPU and reason, for those that were slowed down at all: when, and for what share of the time. */
export function throttleContent(
  gpus: readonly ShownGpu[],
  window: TimeWindow,
  width: number,
  format: Formatter,
): MetricContent {
  const lanes = lanesOf(gpus, window);
  const drawn = [...lanes].sort((a, b) => b.slowedMs - a.slowedMs).slice(0, mostLanes);
  // As they stand in the panel: by GPU, then reason.
  const ordered = lanes.filter((lane) => drawn.includes(lane));
  const gaps = gapRegions(gpus, window);
  const length = window.toMs - window.fromMs;
  return {
    rows: lanes.map(({ gpu, reason, label, slowedMs, stretches, samples }) => {
      const now = stretches.some(({ toMs }) => toMs + gpu.host.offsetMs >= window.toMs);
      return {
        key: `${gpu.key}/${reason}`,
        label,
        unit: '% of time',
        count: samples,
        last: now ? 100 : 0,
        min: slowedMs >= length ? 100 : 0,
        mean: (100 * slowedMs) / length,
        max: 100,
      };
    }),
    summary: `${summaryOf(gpus, lanes, window, format)}${gapWords(gaps, format)}`,
    chart: {
      x: timeAxis(window, format),
      left: {
        label: 'Reason',
        untitled: true,
        scale: 'linear',
        min: -0.6,
        max: Math.max(0, ordered.length - 1) + 0.6,
        ticks: ordered.map((_, at) => ordered.length - 1 - at),
        format: (value) => ordered[ordered.length - 1 - Math.round(value)]?.label ?? '',
      },
      series: ordered.map((lane, at) =>
        laneSeries(lane, ordered.length - 1 - at, window, width, gpus.length),
      ),
      regions: [...phaseRegions(gpus, window), ...gaps],
    },
  };
}

function lanesOf(gpus: readonly ShownGpu[], window: TimeWindow): readonly Lane[] {
  return gpus.flatMap((gpu) => {
    const { host, index, label } = gpu;
    const [from, to] = [window.fromMs - host.offsetMs, window.toMs - host.offsetMs];
    const column = host.column(index, 'throttleReasons');
    const samples = column === undefined ? 0 : (host.series?.statistics(column, from, to)?.count ?? 0);
    return slowingReasons.flatMap(([bit, reason]): Lane[] => {
      const stretches = host.slowdowns(index)?.of(bit, from, to) ?? [];
      if (stretches.length === 0) return [];
      const slowedMs = stretches.reduce(
        (total, one) => total + Math.min(to, one.toMs) - Math.max(from, one.fromMs),
        0,
      );
      return [
        {
          gpu,
          reason,
          label: gpus.length === 1 ? reason : `${label}: ${reason}`,
          stretches,
          slowedMs,
          samples,
        },
      ];
    });
  });
}

function laneSeries(
  { gpu, label, stretches }: Lane,
  y: number,
  { fromMs, toMs }: TimeWindow,
  width: number,
  gpuCount: number,
): LegendSeries {
  const { offsetMs } = gpu.host;
  const pixelMs = (toMs - fromMs) / width;
  const points: { x: number; y: number }[] = [];
  for (const stretch of stretches) {
    const from = Math.max(fromMs, stretch.fromMs + offsetMs);
    // However short, it is to be seen.
    const to = Math.max(from + pixelMs, Math.min(toMs, stretch.toMs + offsetMs));
    const last = points.at(-2);
    // Closer than a pixel, two stretches are one.
    if (last !== undefined && from - last.x < pixelMs) last.x = Math.max(last.x, to);
    else points.push({ x: from, y }, { x: to, y }, { x: to, y: Number.NaN });
  }
  return { label, points, colour: gpuCount === 1 ? 0 : gpu.colour, width: laneWidthPixels };
}

function summaryOf(
  gpus: readonly ShownGpu[],
  lanes: readonly Lane[],
  window: TimeWindow,
  format: Formatter,
): string {
  const isKnown = gpus.some(({ host, index }) => {
    const column = host.column(index, 'throttleReasons');
    return (
      column !== undefined &&
      host.series?.statistics(column, window.fromMs - host.offsetMs, window.toMs - host.offsetMs) !==
        undefined
    );
  });
  if (!isKnown) return 'Not known: reasons for slower clocks were not sampled in this time.';
  if (lanes.length === 0) return 'No GPU was slowed down in this time.';
  const length = window.toMs - window.fromMs;
  const share = ({ slowedMs }: Lane) => `${format.significant((100 * slowedMs) / length)} %`;
  const longest = [...lanes].sort((a, b) => b.slowedMs - a.slowedMs).slice(0, 3);
  const slowed = new Set(lanes.map(({ gpu }) => gpu.key)).size;
  const more = lanes.length > longest.length ? `; ${lanes.length - longest.length} more in the table` : '';
  return `${slowed} of ${gpus.length} ${gpus.length === 1 ? 'GPU was' : 'GPUs were'} slowed down: ${longest.map((lane) => `${lane.label} for ${share(lane)} of the time`).join(', ')}${more}.`;
}
