/** The plots of a report: those of the question that was asked, else throughput against what users wait for. */
import { parallelModes } from './answers/batchParallel.ts';
import { costRows } from './answers/cost.ts';
import { grouped, variedWords, varyingFlags } from './answers/groups.ts';
import { memoryLimits } from './answers/memoryLimit.ts';
import { gainMap, type MpsArm } from './answers/mps.ts';
import { type BarChart, barsSvg, type HeatMap, heatMapSvg } from './reportBars.ts';
import { type ChartPoint, chartSvg, type LineChart } from './reportChart.ts';
import { figure } from './reportFigures.ts';
import { simulatedMark } from './reportTable.ts';
import type { CellResult, RunResults } from './run.ts';
import { intervalOf, isUsable, loadValue, loadWords, userTtftP95Ms, worst } from './usable.ts';

export interface ReportPlot {
  readonly svg: string;
  readonly summary: string;
}

export function reportPlots(results: RunResults): readonly ReportPlot[] {
  const own = questionPlots(results);
  return own.length > 0 ? own : throughputPlots(results);
}

function questionPlots(results: RunResults): readonly ReportPlot[] {
  switch (results.question) {
    case 'memory-limit':
      return memoryPlots(results);
    case 'cost':
      return costPlots(results);
    case 'batch-parallel':
      return parallelPlots(results);
    case 'mps':
      return mpsPlots(results);
    default:
      return [];
  }
}

const line = (chart: LineChart): ReportPlot => ({ svg: chartSvg(chart), summary: chart.summary });
const bars = (chart: BarChart): ReportPlot => ({ svg: barsSvg(chart), summary: chart.summary });
const map = (chart: HeatMap): ReportPlot => ({ svg: heatMapSvg(chart), summary: chart.summary });

/** System tokens/s of a cell with its interval, as a point over something. */
function throughputPoint(cell: CellResult, x: number, label: string): ChartPoint[] {
  const interval = intervalOf(cell, 'systemTokensPerSecond');
  if (interval === null) return [];
  const { mean, low, high, known } = interval;
  return [{ x, y: mean, label, hollow: !isUsable(cell), ...(known ? { low, high } : {}) }];
}

function memoryPlots(results: RunResults): readonly ReportPlot[] {
  const limits = memoryLimits(results.cells);
  const [first] = limits;
  if (first === undefined) return [];
  const series = limits.map(({ group, points }) => ({
    name: group,
    points: points.flatMap(({ value, best }) => (best === null ? [] : throughputPoint(best, value, ''))),
  }));
  const only = limits.length === 1 ? first : undefined;
  const failed = limits.flatMap(({ points }) =>
    points.flatMap(({ value, failure }) =>
      failure === null ? [] : [{ x: value, label: failure.split(/ at |, /)[0] ?? failure }],
    ),
  );
  const summary = limits
    .map(({ group, enough, startsFrom }) => {
      const name = group === '' ? '' : `${group}: `;
      if (startsFrom === null) return `${name}Nothing runs.`;
      return `${name}Runs from ${startsFrom}${enough === null ? '' : `, at peak throughput from ${enough.value}`}.`;
    })
    .join(' ');
  return [
    line({
      title: `Throughput by ${first.flag}${simulatedMark(results)}`,
      summary: `${summary} Crosses are cells that failed; bars are 95 % intervals.`,
      xTitle: first.flag,
      yTitle: 'system, tokens/s',
      series,
      limit: null,
      mark:
        only?.enough === null || only === undefined
          ? null
          : { x: only.enough.value, label: `${only.enough.value} is enough` },
      failed: [...new Map(failed.map((one) => [one.x, one])).values()],
      hatched:
        only?.failsAt === null || only === undefined
          ? null
          : { from: 0, to: only.failsAt, label: 'does not run' },
    }),
  ];
}

function costPlots(results: RunResults): readonly ReportPlot[] {
  const rows = costRows(results.cells, results.serviceLevel, results.price ?? null);
  const [best] = rows;
  if (best === undefined) return [];
  const priced = best.dollarsPerMillionOutput !== null;
  const name = (row: (typeof rows)[number]) =>
    [row.words, row.load].filter((words) => words !== '').join(', ');
  return [
    bars({
      title: priced
        ? `Cost of a million output tokens${simulatedMark(results)}`
        : `Output tokens/s a GPU${simulatedMark(results)}`,
      summary: `${name(best)} is ${priced ? 'cheapest' : 'fastest a GPU'}; each at its best batch${results.serviceLevel === null ? '' : ' within the service level'}.`,
      unit: priced ? 'US dollars, at the price of the GPU hour' : 'tokens/s',
      bars: rows.map((row) => ({
        name: name(row),
        value: row.dollarsPerMillionOutput ?? row.outputTokensPerSecond / row.gpuCount,
        words:
          row.dollarsPerMillionOutput === null
            ? figure(row.outputTokensPerSecond / row.gpuCount)
            : `$${figure(row.dollarsPerMillionOutput)} at ${loadWords(row.cell)}`,
        isBest: row === best,
      })),
    }),
    ...throughputByLoad(results),
  ];
}

function parallelPlots(results: RunResults): readonly ReportPlot[] {
  const modes = parallelModes(results.cells);
  const name = ({ words, load }: (typeof modes)[number]) =>
    [words, load].filter((part) => part !== '').join(', ');
  const series = modes.map((mode) => ({
    name: name(mode),
    points: mode.points.flatMap(({ batch, seconds, cell }) =>
      seconds === null ? [] : [{ x: batch, y: seconds, label: '', hollow: !isUsable(cell) }],
    ),
  }));
  if (series.every(({ points }) => points.length === 0)) return [];
  const failed = modes.flatMap((mode) =>
    mode.outOfMemoryAt === null ? [] : [{ x: mode.outOfMemoryAt, label: `out of memory` }],
  );
  const plots: ReportPlot[] = [
    line({
      title: `Time of a batch${simulatedMark(results)}`,
      summary: `Seconds a batch, by its size.${
        failed.length > 0
          ? ` Memory runs out: ${modes
              .filter(({ outOfMemoryAt }) => outOfMemoryAt !== null)
              .map((mode) => `${name(mode)} at ${mode.outOfMemoryAt}`)
              .join(', ')}.`
          : ''
      }`,
      xTitle: 'batch, requests',
      yTitle: 'time of a batch, s',
      xScale: 'log2',
      series,
      limit: null,
      failed: [...new Map(failed.map((one) => [one.x, one])).values()],
    }),
  ];
  const traffic = modes.flatMap((mode) => {
    const point = mode.points.findLast(({ pcieBytesPerSecond }) => pcieBytesPerSecond !== null);
    return point?.pcieBytesPerSecond == null
      ? []
      : [{ mode, bytes: point.pcieBytesPerSecond, batch: point.batch }];
  });
  if (traffic.length > 0)
    plots.push(
      bars({
        title: `PCIe traffic${simulatedMark(results)}`,
        summary: 'Bytes sent and received, mean of the GPUs, at the largest batch that ran.',
        unit: 'MB/s, TX and RX',
        bars: traffic.map(({ mode, bytes, batch }) => ({
          name: `${name(mode)}, batch ${batch}`,
          value: bytes / 1e6,
          words: figure(bytes / 1e6),
          isBest: false,
        })),
      }),
    );
  return plots;
}

const armTitles: Readonly<Record<MpsArm, string>> = {
  mps: 'Gain of engines under MPS over one',
  control: 'Control: gain of one engine under the load of all',
  'time-slicing': 'Gain of time-sliced engines over one',
};

function mpsPlots(results: RunResults): readonly ReportPlot[] {
  const points = gainMap(results.cells);
  const columns = [...new Set(points.map(({ column }) => column))];
  const rows = [...new Set(points.map(({ row }) => row))];
  const arms: readonly MpsArm[] = ['mps', 'control', 'time-slicing'];
  return arms.flatMap((arm) => {
    const found = points.flatMap((point) => {
      const gain = point.arms[arm]?.gain.relative;
      return gain === undefined || gain === null ? [] : [{ ...point, gain }];
    });
    if (found.length === 0) return [];
    const best = found.reduce((top, point) => (point.gain > top.gain ? point : top));
    const words = (share: number) => `${share >= 0 ? '+' : '−'}${figure(Math.abs(100 * share))} %`;
    return [
      map({
        title: `${armTitles[arm]}${simulatedMark(results)}`,
        summary: `Most: ${words(best.gain)} (${[best.row, best.column].filter((part) => part !== '').join(', ')}). The load is that of each copy.`,
        columns,
        rows: rows.map((row) => ({
          name: row === '' ? 'all' : row,
          cells: columns.map((column) => {
            const point = found.find((one) => one.row === row && one.column === column);
            return point === undefined ? null : { share: point.gain, words: words(point.gain) };
          }),
        })),
      }),
    ];
  });
}

/** Throughput against TTFT and against the rate of a query; against the load where neither can be drawn. */
function throughputPlots(results: RunResults): readonly ReportPlot[] {
  const level = results.serviceLevel;
  const found = [
    systemPlot(
      results,
      'TTFT by system throughput',
      'TTFT p95, ms',
      (cell) => worstPoint(worst(cell, userTtftP95Ms, Math.max)),
      limitOf(level?.ttftP95Ms, (limit) => `SLO ${limit} ms`),
    ),
    systemPlot(
      results,
      'Rate of a query by system throughput',
      'per query, tokens/s',
      (cell) => intervalOf(cell, 'perQueryTokensPerSecond'),
      limitOf(level?.perQueryTokensPerSecond, (limit) => `SLO ${limit} tokens/s`),
    ),
  ].flatMap((chart) => (chart.series.some(({ points }) => points.length > 0) ? [line(chart)] : []));
  return found.length > 0 ? found : throughputByLoad(results);
}

/** Over trials, with its 95 % interval where there is one. */
type Interval = NonNullable<ReturnType<typeof intervalOf>>;

/** A percentile has no interval. */
function worstPoint(value: number | null): Interval | null {
  return value === null ? null : { mean: value, low: value, high: value, known: false };
}

function limitOf(limit: number | undefined, words: (limit: number) => string): LineChart['limit'] {
  return limit === undefined ? null : { y: limit, label: words(limit) };
}

function systemPlot(
  results: RunResults,
  title: string,
  yTitle: string,
  of: (cell: CellResult) => Interval | null,
  limit: LineChart['limit'],
): LineChart {
  const series = ladders(results.cells).map(({ name, cells }) => ({
    name,
    points: cells.flatMap((cell) => {
      const x = intervalOf(cell, 'systemTokensPerSecond');
      const y = of(cell);
      if (cell.state !== 'done' || x === null || y === null) return [];
      const label = String(loadValue(cell) ?? '');
      return [
        {
          x: x.mean,
          y: y.mean,
          label,
          hollow: !isUsable(cell),
          ...(y.known ? { low: y.low, high: y.high } : {}),
          ...(x.known ? { left: x.low, right: x.high } : {}),
        },
      ];
    }),
  }));
  const all = series.flatMap(({ points }) => points);
  const [first, last] = [all[0], all.at(-1)];
  const axis = results.cells.some(({ concurrency }) => concurrency !== null) ? 'concurrency' : 'requests/s';
  const summary =
    first === undefined || last === undefined
      ? 'No cell has both figures.'
      : `From ${figure(first.x)} tokens/s in all and ${figure(first.y)} (${yTitle}) at ${axis} ${first.label} to ${figure(last.x)} and ${figure(last.y)} at ${last.label}. The number at a point is its ${axis}${all.some(({ hollow }) => hollow) ? "; hollow points are client-bound, not steady or against Little's law" : ''}${all.some(({ low, left }) => low !== undefined || left !== undefined) ? '; bars are 95 % intervals' : ''}.`;
  return {
    title: `${title}${simulatedMark(results)}`,
    summary,
    xTitle: 'system, tokens/s',
    yTitle,
    series,
    limit,
  };
}

function throughputByLoad(results: RunResults): readonly ReportPlot[] {
  const series = ladders(results.cells).map(({ name, cells }) => ({
    name,
    points: cells.flatMap((cell) => {
      const load = loadValue(cell);
      return load === null || cell.state !== 'done' ? [] : throughputPoint(cell, load, '');
    }),
  }));
  if (series.every(({ points }) => points.length < 2)) return [];
  const isRate = results.cells.every(({ concurrency }) => concurrency === null);
  const knee = results.knees?.length === 1 ? results.knees[0] : undefined;
  return [
    line({
      title: `Throughput by load${simulatedMark(results)}`,
      summary: `${knee?.why ?? 'Throughput of each engine start, by load.'} Bars are 95 % intervals; hollow points are left out of the answer.`,
      xTitle: isRate ? 'requests/s' : 'requests in flight',
      yTitle: 'system, tokens/s',
      xScale: 'log2',
      series,
      limit: null,
      mark: knee?.value == null ? null : { x: knee.value, label: `knee ${knee.value}` },
      failed: results.cells.flatMap((cell) => {
        const load = loadValue(cell);
        return cell.state === 'failed' && load !== null ? [{ x: load, label: 'failed' }] : [];
      }),
    }),
  ];
}

/** Cells of one engine start under one kind of load, by load. */
function ladders(
  cells: readonly CellResult[],
): readonly { readonly name: string; readonly cells: readonly CellResult[] }[] {
  const varying = varyingFlags(cells);
  const shared = cells.some((cell) => arrangementWords(cell) !== '');
  const groups = grouped(cells, (cell) =>
    [variedWords(cell, varying), arrangementWords(cell) || (shared ? '1 copy' : ''), cell.load ?? '']
      .filter((part) => part !== '')
      .join(', '),
  );
  return [...groups].map(([name, own]) => ({
    name,
    cells: own.toSorted((a, b) => (loadValue(a) ?? 0) - (loadValue(b) ?? 0)),
  }));
}

export function arrangementWords({ arrangement }: CellResult): string {
  if (arrangement === undefined || arrangement.copies === 1) return '';
  const { copies, sharing } = arrangement;
  return `${copies} copies${sharing === undefined ? '' : sharing === 'mps' ? ' under MPS' : ', time-sliced'}`;
}
