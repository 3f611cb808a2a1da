import type { WindowStatistics } from '../../src/core/series/timeSeries.ts';
import type { Metric, MetricChart, Scale } from './metrics.ts';
import type { ShownGpu } from './shownGpu.ts';
import type { TimeWindow } from './timeWindow.ts';

/** One line of a chart that there is anything of in the window. */
export interface Line {
  readonly key: string;
  readonly gpu: ShownGpu;
  readonly metric: Metric;
  readonly scale: Scale;
  readonly column: number;
  readonly label: string;
  readonly colour: number;
  readonly dash: number;
  /** Which GPU, where there are several. */
  readonly marker: number | undefined;
  readonly found: WindowStatistics;
  readonly hidden: boolean;
}

/** With more GPUs than this a chart shows one metric of each; the others wait in the legend. */
const mostGpusWithAll = 4;
/** A legend with more entries than this is read by nobody: what would wait in it is in the table alone. */
const mostWaiting = 24;

/** One GPU: a colour a metric. Several: a colour a GPU, a dash a metric. `chosen` is what the user said in the legend. */
export function linesOf(
  chart: MetricChart,
  gpus: readonly ShownGpu[],
  window: TimeWindow,
  chosen: ReadonlyMap<string, boolean>,
): readonly Line[] {
  // Where all of it is recorded, the title says so.
  const mixed = new Set(gpus.map(({ host }) => host.header?.recorded)).size > 1;
  const alone = gpus.length === 1;
  return gpus.flatMap((gpu) => {
    const all = chart.metrics.flatMap((metric, at): Line[] => {
      const column = gpu.host.column(gpu.index, metric.column);
      const scale = metric.scale(gpu.gpu);
      if (column === undefined || scale === undefined) return [];
      const found = statistics(gpu, column, window);
      if (found === undefined) return [];
      const name = alone
        ? metric.label
        : chart.metrics.length === 1
          ? gpu.label
          : `${gpu.label} ${metric.label}`;
      return [
        {
          key: `${gpu.key}/${metric.id}`,
          gpu,
          metric,
          scale,
          column,
          label: mixed && gpu.host.header?.recorded === true ? `${name} (recorded)` : name,
          colour: alone ? at : gpu.colour,
          dash: at,
          marker: alone ? undefined : gpu.colour,
          found,
          hidden: false,
        },
      ];
    });
    const major = alone ? all : all.filter(({ metric }) => metric.minor !== true);
    const first = (major.length > 0 ? major : all)[0];
    return all.map((line) => {
      const usual = (major.length > 0 ? major : all).includes(line);
      const shown = usual && (gpus.length <= mostGpusWithAll || line === first);
      return { ...line, hidden: !(chosen.get(line.key) ?? shown) };
    });
  });
}

/** What stands in the legend: what is drawn, and what could be as far as there is room. */
export function legendLines(lines: readonly Line[]): readonly Line[] {
  const shown = lines.length <= mostWaiting ? lines : lines.filter(({ hidden }) => !hidden);
  const metrics = new Set(shown.map(({ metric }) => metric));
  const [first] = shown;
  // Where all lines are of one metric, the axis and the sentence say it.
  return metrics.size > 1 || first?.marker === undefined
    ? shown
    : shown.map((line) => ({ ...line, label: line.gpu.label }));
}

function statistics({ host }: ShownGpu, column: number, { fromMs, toMs }: TimeWindow) {
  return host.series?.statistics(column, fromMs - host.offsetMs, toMs - host.offsetMs);
}
