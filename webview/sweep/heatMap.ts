import type { RunResults } from '../../src/core/sweep/run.ts';
import type { ChartContent } from '../common/chartContent.ts';
import type { ChartTile } from '../common/chartTiles.ts';
import type { Formatter } from '../common/format.ts';
import { type CellFigures, countsForAnswer, failureWords } from './cellFigures.ts';
import type { Dimension } from './dimensions.ts';
import { isBetter, type Metric, type MetricId, metricOf } from './metrics.ts';
import type { PlotChoice } from './plotChoice.ts';

/** One field: the best cell of its column and row. */
export interface HeatField {
  readonly column: string;
  readonly row: string;
  /** null where it has no figure. */
  readonly value: number | null;
  /** Against the first row of the same column: 0.1 is 10 % more. */
  readonly gain: number | null;
  /** Cells that fall into it; the first is the one that its figure is of. */
  readonly cells: readonly CellFigures[];
  readonly why: string;
}

export interface HeatMap {
  readonly chart: ChartContent;
  readonly fields: readonly HeatField[];
  readonly summary: string;
  /** Cell under a place of the chart. */
  cellAt(x: number, y: number): string | undefined;
}

export interface HeatInput {
  readonly results: RunResults;
  readonly figures: readonly CellFigures[];
  readonly dimensions: readonly Dimension[];
  readonly choice: PlotChoice;
  readonly format: Formatter;
}

/** More fields than these are too small to be told apart. */
const mostFields = 2_000;

/**
 * A metric over two swept dimensions, or its gain over the first row: with copies of engines, over one alone. A load that copies share is
 * then told by what each of them has of it, as in the answer to mps: two engines gain over one with the load of one.
 */
export function heatMap({ results, figures, dimensions, choice, format }: HeatInput): HeatMap | undefined {
  const columns = dimensions.find(({ id }) => id === choice.x);
  const rows = dimensions.find(({ id }) => id === choice.rows);
  if (columns === undefined || rows === undefined || columns.id === rows.id) return undefined;
  const each = loadsOfEach(figures, columns, rows);
  const shown = {
    label: each === undefined ? columns.label : `${columns.label} of each engine`,
    columns: (each ?? columns.values).slice(0, 60),
    rows: rows.values.slice(0, 60),
  };
  if (shown.columns.length * shown.rows.length > mostFields) return undefined;
  const metric = metricOf(choice.y);
  const arms = rowsOf(figures, columns, rows, {
    names: shown.rows.map(String),
    sharesLoad: each !== undefined,
  });
  const values = arms.map(({ name, cellsAt }) =>
    shown.columns.map((column) => field(String(column), name, cellsAt(column), metric.id)),
  );
  const [base = []] = values;
  const fields = values.map((line) =>
    line.map((one, at): HeatField => {
      const against = base[at]?.value ?? null;
      const gain = one.value === null || against === null || against === 0 ? null : one.value / against - 1;
      return { ...one, gain };
    }),
  );
  const flat = fields.flat();
  const simulated = results.mode === 'rehearsal' ? ' (simulated)' : '';
  // The first row on top, as in a table.
  const y = (row: number) => fields.length - 1 - row;
  return {
    fields: flat,
    summary: summary(flat, metric, choice.gain, arms[0]?.name ?? '', results, format),
    cellAt: (x, at) => fields[y(Math.round(at))]?.[Math.round(x)]?.cells[0]?.cell.cell,
    chart: {
      x: categories(shown.label, shown.columns.map(String)),
      left: categories(`${rows.label}${simulated}`, arms.map(({ name }) => name).toReversed()),
      series: [
        {
          label: choice.gain ? `gain in ${metric.label} over ${arms[0]?.name ?? ''}` : metric.label,
          points: [],
          colour: 0,
          draw: 'points',
          shape: 'rect',
        },
      ],
      tiles: fields.flatMap((line, row) =>
        line.map((one, column) => tile(one, column, y(row), flat, choice.gain, format)),
      ),
      ...(results.mode === 'rehearsal' ? { watermark: 'simulated' } : {}),
    },
  };
}

interface Arm {
  readonly name: string;
  cellsAt(column: number | string): readonly CellFigures[];
}

function copiesOf({ cell }: CellFigures): number {
  return cell.arrangement?.copies ?? 1;
}

/** Where copies share a load: what each of them has of those that were run. Undefined where the map is of something else. */
function loadsOfEach(
  figures: readonly CellFigures[],
  columns: Dimension,
  rows: Dimension,
): readonly number[] | undefined {
  const isLoad = columns.id === 'concurrency' || columns.id === 'requestsPerSecond';
  if (rows.id !== 'arrangement' || !isLoad) return undefined;
  const loads = figures.flatMap((one) => {
    const load = columns.of(one.cell);
    return copiesOf(one) > 1 && typeof load === 'number' ? [load / copiesOf(one)] : [];
  });
  return loads.length === 0 ? undefined : [...new Set(loads)].sort((a, b) => a - b);
}

/** A row a value; where copies share the load, below one engine alone its control: it, with the load of all of them. */
function rowsOf(
  figures: readonly CellFigures[],
  columns: Dimension,
  rows: Dimension,
  { names, sharesLoad }: { readonly names: readonly string[]; readonly sharesLoad: boolean },
): readonly Arm[] {
  const byPlace = new Map<string, CellFigures[]>();
  const copies = new Map<string, number>();
  const key = (column: number | string | undefined, row: string) => `${String(column)}\n${row}`;
  for (const one of figures) {
    const row = String(rows.of(one.cell));
    const place = key(columns.of(one.cell), row);
    byPlace.set(place, [...(byPlace.get(place) ?? []), one]);
    copies.set(row, copiesOf(one));
  }
  const arm = (name: string, row: string, times: number): Arm => ({
    name,
    cellsAt: (column) => byPlace.get(key(times === 1 ? column : times * Number(column), row)) ?? [],
  });
  if (!sharesLoad) return names.map((name) => arm(name, name, 1));
  const several = [...new Set(copies.values())].filter((count) => count > 1).sort((a, b) => a - b);
  return names.flatMap((name) => {
    const count = copies.get(name) ?? 1;
    const controls = several.map((times) =>
      arm(`${name}, ${times === 2 ? 'twice' : `${times} times`} the load (control)`, name, times),
    );
    return count > 1 ? [arm(name, name, count)] : [arm(name, name, 1), ...controls];
  });
}

function field(
  column: string,
  row: string,
  cells: readonly CellFigures[],
  metric: MetricId,
): Omit<HeatField, 'gain'> {
  const value = (one: CellFigures) => one.figure(metric)?.mean ?? null;
  const usable = cells.filter((one) => countsForAnswer(one) && value(one) !== null);
  const best = usable.reduce<CellFigures | undefined>(
    (top, one) =>
      top === undefined || isBetter(metric, value(one) ?? Number.NaN, value(top) ?? Number.NaN) ? one : top,
    undefined,
  );
  const [first] = cells;
  const failed = cells.find(({ standing }) => standing === 'failed');
  return {
    column,
    row,
    value: best === undefined ? null : value(best),
    cells: best === undefined ? cells : [best, ...cells.filter((one) => one !== best)],
    why:
      best !== undefined
        ? ''
        : first === undefined
          ? 'not in the plan'
          : failed !== undefined
            ? failureWords(failed.cell)
            : first.standing.replaceAll('-', ' '),
  };
}

function tile(
  { value, gain, cells }: HeatField,
  x: number,
  y: number,
  all: readonly HeatField[],
  showsGain: boolean,
  format: Formatter,
): ChartTile {
  const failed = value === null ? cells.find(({ standing }) => standing === 'failed') : undefined;
  if (value === null) {
    const text = failed?.cell.failure?.kind.replaceAll('-', ' ') ?? '';
    return { x, y, text, share: null, failed: failed !== undefined };
  }
  if (showsGain) {
    const most = Math.max(0.05, ...all.map((one) => Math.abs(one.gain ?? 0)));
    return {
      x,
      y,
      text: gain === null ? '' : gainWords(gain, format),
      share: gain === null ? null : gain / most,
    };
  }
  const known = all.flatMap((one) => one.value ?? []);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  return { x, y, text: format.significant(value), share: high === low ? 0.5 : (value - low) / (high - low) };
}

export function gainWords(gain: number, format: Formatter): string {
  const percent = format.fixed(100 * Math.abs(gain), Math.abs(gain) < 0.095 ? 1 : 0);
  return `${gain < 0 ? '−' : '+'}${percent} %`;
}

function categories(label: string, names: readonly string[]): ChartContent['x'] {
  const most = 14;
  const step = Math.max(1, Math.ceil(names.length / most));
  return {
    label,
    scale: 'linear',
    min: -0.5,
    max: names.length - 0.5,
    ticks: names.flatMap((_, at) => (at % step === 0 ? [at] : [])),
    format: (at) => shortened(names[Math.round(at)] ?? ''),
  };
}

function shortened(name: string): string {
  return name.length > 34 ? `${name.slice(0, 32)}…` : name;
}

function summary(
  fields: readonly HeatField[],
  metric: Metric,
  showsGain: boolean,
  base: string,
  results: RunResults,
  format: Formatter,
): string {
  const known = fields.filter(({ value }) => value !== null);
  const [first] = known;
  const simulated = results.mode === 'rehearsal' ? 'Simulated: ' : '';
  if (first === undefined) return `No field has a figure for ${metric.label}.`;
  const value = (one: HeatField) => one.value ?? Number.NaN;
  const best = known.reduce((top, one) => (isBetter(metric.id, value(one), value(top)) ? one : top));
  const place = (one: HeatField) => `${one.column} and ${one.row}`;
  const failed = fields.filter(({ value: none, cells }) => none === null && cells.length > 0).length;
  const missing = failed === 0 ? '' : ` ${failed} ${failed === 1 ? 'field has' : 'fields have'} no figure.`;
  const absolute = `${metric.label} is best at ${place(best)}: ${format.significant(value(best))} ${metric.unit}`;
  if (!showsGain) return `${simulated}${absolute}.${missing}`;
  const others = known.filter(({ row, gain }) => row !== base && gain !== null);
  const gains = others.toSorted((a, b) => (b.gain ?? 0) - (a.gain ?? 0));
  const [most, least] = [gains[0], gains.at(-1)];
  if (most === undefined || least === undefined) return `${simulated}${absolute}.${missing}`;
  if (most === least)
    return `${simulated}Against ${base}, ${metric.label} is ${gainWords(most.gain ?? 0, format)} at ${place(most)}.${missing}`;
  return `${simulated}Against ${base}, ${metric.label} goes from ${gainWords(least.gain ?? 0, format)} (${place(least)}) to ${gainWords(most.gain ?? 0, format)} (${place(most)}).${missing}`;
}
