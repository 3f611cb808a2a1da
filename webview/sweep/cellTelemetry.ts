import type { CellResult, RunResults } from '../../src/core/sweep/run.ts';
import type { EngineMetricsRecord } from '../../src/protocol/engineMetrics.ts';
import { panelProtocol, type RunTelemetry } from '../../src/protocol/panel.ts';
import type { ChartRegion } from '../common/chartMarks.ts';
import { element } from '../common/dom.ts';
import { Figure, type FigureContent } from '../common/figure.ts';
import type { Formatter } from '../common/format.ts';
import type { SavedFile } from '../common/savedFile.ts';
import { lineFigureColumns } from '../telemetry/lineColumns.ts';
import { type LineFigures, metricContent, timeAxis } from '../telemetry/metricCharts.ts';
import { chartTitles, lineCharts } from '../telemetry/metrics.ts';
import { allGpus } from '../telemetry/shownGpu.ts';
import { TelemetryState } from '../telemetry/state.ts';
import type { TimeWindow } from '../telemetry/timeWindow.ts';
import { enableZoom } from '../telemetry/zoom.ts';

export interface CellTelemetryEvents {
  pick(cell: string): void;
  wholeRun(on: boolean): void;
  copy(text: string): void;
  save(file: SavedFile): void;
}

export interface CellTelemetryContent {
  readonly results: RunResults;
  readonly cell: CellResult;
  readonly telemetry: RunTelemetry | null;
  readonly wholeRun: boolean;
  readonly format: Formatter;
}

/** Of the telemetry panel's charts those that say what bounds a cell. */
const shownCharts = lineCharts.filter((id) => id !== 'clocks' && id !== 'temperature');

/** What was sampled while the picked cell ran, or over the whole run, on one time axis; the cells are its shaded stretches. */
export class CellTelemetry {
  readonly element = element('section', { class: 'cell-telemetry', 'aria-label': 'Telemetry', hidden: true });
  readonly #note = element('p', { class: 'quiet-text' });
  readonly #charts = element('div', { class: 'figures' });
  readonly #whole: HTMLInputElement;
  readonly #state = new TelemetryState();
  readonly #chosen = new Map<string, boolean>();
  /** Made when the first telemetry comes. */
  #figures: readonly { readonly id: string; readonly figure: Figure<LineFigures> }[] = [];
  #taken: RunTelemetry | null = null;
  #zoom: TimeWindow | undefined;
  #content: CellTelemetryContent | undefined;

  constructor(private readonly events: CellTelemetryEvents) {
    this.#whole = element('input', { type: 'checkbox', id: 'whole-run' });
    this.#whole.addEventListener('change', () => events.wholeRun(this.#whole.checked));
    this.element.append(
      element(
        'div',
        { class: 'tools' },
        element('h3', {}, 'Telemetry'),
        element('label', { class: 'check' }, this.#whole, 'of the whole run'),
      ),
      this.#note,
      this.#charts,
    );
  }

  show(content: CellTelemetryContent): void {
    const { telemetry, cell, wholeRun, results } = content;
    this.#content = content;
    this.#whole.checked = wholeRun;
    const ran = cell.startedWallMs !== null && results.origin === undefined;
    this.element.hidden = !ran;
    if (!ran) return;
    const isAnswer = telemetry !== null && telemetry.cell === (wholeRun ? null : cell.cell);
    const sampled = isAnswer && (telemetry.host !== null || telemetry.engine.length > 0);
    const words = !isAnswer
      ? ['Reading what was sampled …']
      : sampled
        ? telemetry.notes
        : ['Nothing was sampled in this time.', ...telemetry.notes];
    this.#note.textContent = words.join(' ');
    this.#note.hidden = words.length === 0;
    this.#charts.hidden = !sampled;
    if (!sampled) return;
    this.#take(telemetry);
    this.#draw();
  }

  #take(telemetry: RunTelemetry): void {
    if (telemetry === this.#taken) return;
    this.#taken = telemetry;
    this.#zoom = undefined;
    this.#state.receive(
      {
        type: 'snapshot',
        protocol: panelProtocol,
        hosts: telemetry.host === null ? [] : [telemetry.host],
        windowMs: 60_000,
        recording: { name: '', notes: [] },
        locale: 'en-US',
      },
      Date.now(),
    );
    if (this.#figures.length === 0) this.#makeFigures();
  }

  #makeFigures(): void {
    const titles = [
      ...shownCharts.map((id) => [id, chartTitles[id]] as const),
      [engineChart, 'Engine’s own metrics'] as const,
    ];
    this.#figures = titles.map(([id, title]) => {
      const figure = new Figure<LineFigures>({
        id: `cell-${id}`,
        title,
        table: {
          caption: title,
          columns: lineFigureColumns(() => this.#format()),
          rowKey: ({ key }) => key,
          copy: (text) => this.events.copy(text),
        },
        save: (file) => this.events.save(file),
        toggleLine: (key, shown) => {
          this.#chosen.set(key, shown);
          this.#draw();
        },
      });
      enableZoom(figure.chart, {
        zoomed: (from, to) => {
          this.#zoom = { fromMs: Math.min(from, to), toMs: Math.max(from, to) };
          this.#draw();
        },
        reset: () => {
          this.#zoom = undefined;
          this.#draw();
        },
      });
      figure.chart.onClick((_, { x }) => this.#pickAt(x));
      return { id, figure };
    });
  }

  #draw(): void {
    const content = this.#content;
    if (content === undefined) return;
    const window = this.#zoom ?? this.#window(content);
    const gpus = allGpus(this.#state);
    const present = this.#figures.flatMap(({ id, figure }) => {
      const width = figure.chart.plotWidth;
      const made =
        id === engineChart
          ? engineContent(this.#taken?.engine ?? [], window, content.format)
          : metricContent(
              lineCharts.find((one) => one === id) ?? 'memory',
              gpus,
              window,
              width,
              content.format,
              this.#chosen,
            );
      return made.rows.length === 0 ? [] : [{ figure, made }];
    });
    const elements = present.map(({ figure }) => figure.element);
    const isSame =
      elements.length === this.#charts.children.length &&
      elements.every((one, at) => one === this.#charts.children[at]);
    if (!isSame) this.#charts.replaceChildren(...elements);
    const simulated = content.results.mode === 'rehearsal' ? ' (simulated run)' : '';
    for (const { figure, made } of present)
      figure.show({
        ...made,
        title: `${figure.title}${simulated}`,
        chart: { ...made.chart, regions: [...this.#spans(content), ...(made.chart.regions ?? [])] },
      });
  }

  /** Cells as stretches of time; of the picked one also the part that was measured. */
  #spans({ results, cell, wholeRun }: CellTelemetryContent): readonly ChartRegion[] {
    const all = wholeRun ? results.cells : [cell];
    const numberOf = new Map(results.cells.map((one, at) => [one.cell, at + 1]));
    return all.flatMap((one): ChartRegion[] => {
      if (one.startedWallMs === null) return [];
      const picked = one.cell === cell.cell;
      const measured = picked ? one.telemetry : undefined;
      const span: ChartRegion = {
        from: one.startedWallMs,
        to: one.finishedWallMs ?? Date.now(),
        label: wholeRun ? `${numberOf.get(one.cell) ?? ''}` : '',
        kind: picked && wholeRun ? 'chosen-span' : 'span',
      };
      return measured === undefined
        ? [span]
        : [span, { from: measured.fromWallMs, to: measured.toWallMs, label: 'measured', kind: 'span' }];
    });
  }

  #window({ results, cell, wholeRun }: CellTelemetryContent): TimeWindow {
    const cells = wholeRun ? results.cells : [cell];
    const starts = cells.flatMap(({ startedWallMs }) => startedWallMs ?? []);
    const ends = cells.flatMap(({ finishedWallMs }) => finishedWallMs ?? []);
    const fromMs = starts.reduce((low, one) => Math.min(low, one), Number.POSITIVE_INFINITY);
    const last = ends.reduce((high, one) => Math.max(high, one), Number.NEGATIVE_INFINITY);
    const toMs = ends.length < starts.length ? Math.max(last, this.#state.newestMs || Date.now()) : last;
    const margin = 0.03 * Math.max(1000, toMs - fromMs);
    return { fromMs: fromMs - margin, toMs: toMs + margin };
  }

  #pickAt(wallMs: number): void {
    const cell = this.#content?.results.cells.find(
      ({ startedWallMs, finishedWallMs }) =>
        startedWallMs !== null &&
        startedWallMs <= wallMs &&
        wallMs <= (finishedWallMs ?? Number.POSITIVE_INFINITY),
    );
    if (cell !== undefined && cell.cell !== this.#content?.cell.cell) this.events.pick(cell.cell);
  }

  #format(): Formatter {
    if (this.#content === undefined) throw new Error('nothing is shown yet');
    return this.#content.format;
  }
}

const engineChart = 'engine';

/** Requests that run and wait, and the KV cache in use: one chart, the share on the right. */
function engineContent(
  records: readonly EngineMetricsRecord[],
  window: TimeWindow,
  format: Formatter,
): FigureContent<LineFigures> {
  const copies = [...new Set(records.map(({ instance }) => instance))].sort((a, b) => a - b);
  const lines = copies.flatMap((instance) =>
    (['running', 'waiting', 'kvUsage'] as const).flatMap((field, at) => {
      const factor = field === 'kvUsage' ? 100 : 1;
      const points = records.flatMap((record) => {
        const value = record[field];
        const isShown =
          record.instance === instance && record.wallMs >= window.fromMs && record.wallMs <= window.toMs;
        return value === null || !isShown ? [] : [{ x: record.wallMs, y: value * factor }];
      });
      if (points.length === 0) return [];
      const name = { running: 'running', waiting: 'waiting', kvUsage: 'KV cache in use' }[field];
      return [
        {
          key: `engine/${instance}/${field}`,
          label: copies.length > 1 ? `copy ${instance + 1}: ${name}` : name,
          unit: field === 'kvUsage' ? '%' : 'requests',
          points,
          at,
          instance,
        },
      ];
    }),
  );
  const rows = lines.map(({ key, label, unit, points }): LineFigures => {
    const values = points.map(({ y }) => y);
    return {
      key,
      label,
      unit,
      count: values.length,
      last: values.at(-1) ?? Number.NaN,
      min: values.reduce((low, value) => Math.min(low, value), Number.POSITIVE_INFINITY),
      mean: values.reduce((sum, value) => sum + value, 0) / values.length,
      max: values.reduce((high, value) => Math.max(high, value), Number.NEGATIVE_INFINITY),
    };
  });
  const said = rows.map(({ label, unit, max }) => `${label} up to ${format.significant(max)} ${unit}`);
  return {
    rows,
    summary: `As the engine says at /metrics: ${said.join('; ')}.`,
    chart: {
      x: timeAxis(window, format),
      left: { label: 'requests', scale: 'linear', min: 0, format: format.tick },
      right: { label: '% of the KV cache', scale: 'linear', min: 0, max: 100, format: format.tick },
      series: lines.map(({ label, points, at, instance, unit }) => ({
        label,
        points,
        colour: copies.length > 1 ? instance : at,
        dash: at,
        ...(unit === '%' ? { axis: 'right' as const } : {}),
      })),
    },
  };
}
