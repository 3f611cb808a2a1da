import type { Formatter } from '../common/format.ts';
import { gapRegions, gapWords } from './gapRegions.ts';
import type { HostTelemetry } from './hostTelemetry.ts';
import { type LineFigures, type MetricContent, range, timeAxis } from './metricCharts.ts';
import { phaseRegions } from './phaseRegions.ts';
import type { TimeWindow } from './timeWindow.ts';

export const hostChart = 'host' as const;

/** More lines than this can't be told apart; the table has all. */
const mostHosts = 8;

/** How busy the processors of the hosts were: real also where their GPUs are a recording. undefined: nobody samples it. */
export function hostContent(
  all: readonly HostTelemetry[],
  window: TimeWindow,
  width: number,
  format: Formatter,
  chosen: ReadonlyMap<string, boolean> = new Map(),
): MetricContent | undefined {
  const lines = all.flatMap((host) => {
    const column = host.hostColumn('cpuPercent');
    return column === undefined ? [] : [{ host, column }];
  });
  if (lines.length === 0) return undefined;
  const rows: LineFigures[] = [];
  const series = lines.flatMap(({ host, column }, at) => {
    const { offsetMs, series: kept } = host;
    const [from, to] = [window.fromMs - offsetMs, window.toMs - offsetMs];
    const found = kept?.statistics(column, from, to);
    if (found === undefined) return [];
    const key = `${host.state.host}/${hostChart}`;
    const label = lines.length === 1 ? 'CPU' : host.state.host;
    rows.push({ key, label, unit: '%', ...found });
    const hidden = !(chosen.get(key) ?? at < mostHosts);
    const line = hidden ? undefined : kept?.line(column, from, to, 2 * width);
    const points = (line?.x ?? []).map((x, i) => ({ x: x + offsetMs, y: line?.y[i] ?? Number.NaN }));
    const marker = lines.length === 1 ? {} : { marker: at };
    return [{ key, hidden, label, points, colour: at, ...marker }];
  });
  const shown = lines.map(({ host }) => ({ host }));
  const gaps = gapRegions(shown, window);
  return {
    rows,
    summary: `${summaryOf(rows, format)}${gapWords(gaps, format)}`,
    chart: {
      x: timeAxis(window, format),
      left: { label: '% of all cores', unit: '%', scale: 'linear', min: 0, max: 100, format: format.tick },
      series,
      regions: [...phaseRegions(shown, window), ...gaps],
    },
  };
}

function summaryOf(rows: readonly LineFigures[], format: Formatter): string {
  if (rows.length === 0) return 'Not known: the CPU was not sampled in this time.';
  const busiest = rows.reduce((most, row) => (row.max > most.max ? row : most));
  const whose = rows.length === 1 ? 'CPU' : `${busiest.label}, the busiest of ${rows.length},`;
  return `${whose} ${format.significant(busiest.last)} % at the end, ${range(busiest.min, busiest.max, format)} in all.`;
}
