import { ChartView } from './chart.ts';
import type { ChartContent, ChartSeries } from './chartContent.ts';
import { chartPicture } from './chartPicture.ts';
import { button, element, onKey, setAttributes, setText, svgElement } from './dom.ts';
import { fileName, type SavedFile, savedText } from './savedFile.ts';
import { type Swatch, shapePaths, swatchOf } from './swatch.ts';
import { Table, type TableOptions } from './table.ts';
import { observeTheme, readTheme, type Theme } from './theme.ts';

export interface FigureOptions<Row> {
  readonly id: string;
  readonly title: string;
  /** The chart as a table. */
  readonly table: TableOptions<Row>;
  /** Keeps a picture, or the data, where the user says. */
  save(file: SavedFile): void;
  /** Lines come and go by the legend: called with the line's key. */
  toggleLine?(key: string, shown: boolean): void;
}

export interface FigureContent<Row> {
  /** `hidden` lines stand in the legend alone. */
  readonly chart: Omit<ChartContent, 'series'> & { readonly series: readonly LegendSeries[] };
  readonly rows: readonly Row[];
  /** One sentence that says what the chart shows. */
  readonly summary: string;
  /** Left out: that of the options. */
  readonly title?: string;
}

/** `key`: what the legend's button of the line stands for; without one it has none. */
export type LegendSeries = ChartSeries & { readonly key?: string; readonly hidden?: boolean };

interface Toggle {
  readonly element: HTMLElement;
  toggle(): void;
}
const figures: Toggle[] = [];

/** A chart with its sentence, its legend, and its twin: the same as a table, by button or the key `t`. */
export class Figure<Row> {
  readonly element: HTMLElement;
  readonly chart: ChartView;
  readonly #title = element('h2');
  readonly #summary: HTMLElement;
  readonly #legend = element('ul', { class: 'legend' });
  readonly #plot: HTMLElement;
  readonly #twin: HTMLElement;
  readonly #toggle: HTMLButtonElement;
  readonly #picture: HTMLButtonElement;
  readonly #canvas: HTMLCanvasElement;
  #table: Table<Row>;
  #rows: readonly Row[] = [];
  #empty = false;
  #series: readonly LegendSeries[] = [];
  #legendKey = '';

  constructor(private readonly options: FigureOptions<Row>) {
    const summaryId = `${options.id}-summary`;
    this.#summary = element('p', { id: summaryId, class: 'summary' });
    this.#canvas = element('canvas', {
      role: 'img',
      'aria-label': options.title,
      'aria-describedby': summaryId,
    });
    this.#plot = element('div', { class: 'plot' }, this.#canvas);
    this.#table = new Table(options.table);
    this.#twin = element(
      'div',
      { id: `${options.id}-table`, class: 'twin', hidden: true },
      this.#table.element,
    );
    this.#toggle = button('Table', () => this.#toggleTwin(), {
      class: 'quiet',
      'aria-pressed': false,
      'aria-controls': this.#twin.id,
      'aria-keyshortcuts': 't',
      title: 'Show the chart as a table (t)',
    });
    this.#picture = button('PNG', () => this.#savePicture(), {
      class: 'quiet',
      title: 'Save the chart as a picture',
      'aria-label': `Save ${options.title} as PNG`,
    });
    this.element = element(
      'section',
      { id: options.id, class: 'figure', 'aria-labelledby': `${options.id}-title` },
      element(
        'header',
        {},
        this.#title,
        element(
          'span',
          { class: 'tools' },
          this.#toggle,
          button('Copy', () => this.#copy(), {
            class: 'quiet',
            title: 'Copy the data, separated by tabs',
            'aria-label': `Copy data of ${options.title}`,
          }),
          button('CSV', () => this.#saveData(), {
            class: 'quiet',
            title: 'Save the data as a file, separated by commas',
            'aria-label': `Save data of ${options.title} as CSV`,
          }),
          this.#picture,
        ),
      ),
      this.#summary,
      this.#legend,
      this.#plot,
      this.#twin,
    );
    this.#title.id = `${options.id}-title`;
    setText(this.#title, options.title);
    this.chart = new ChartView(this.#canvas);
    observeTheme(() => this.#showLegend(this.#series));
    figures.push({ element: this.element, toggle: () => this.#toggleTwin() });
  }

  /** As the options have it. */
  get title(): string {
    return this.options.title;
  }

  /** `now`: within the frame that asks; left out, the chart is drawn in one of the next. */
  show({ chart, rows, summary, title = this.options.title }: FigureContent<Row>, now = false): void {
    setText(this.#title, title);
    setAttributes(this.#canvas, { 'aria-label': title });
    setText(this.#summary, summary);
    this.#showLegend(chart.series);
    const series = chart.series.filter(({ hidden }) => hidden !== true);
    this.#empty =
      (chart.tiles ?? []).length === 0 &&
      chart.series.every(({ points, hidden }) => points.length === 0 && hidden !== true);
    this.#showParts();
    this.chart.show({ ...chart, series }, now);
    this.#table.caption = title;
    this.#rows = rows;
    if (!this.#twin.hidden) this.#table.show(rows);
  }

  /** What the twin's columns are, where that depends on what is drawn. */
  useTable(options: TableOptions<Row>): void {
    this.#table = new Table(options);
    this.#twin.replaceChildren(this.#table.element);
  }

  #copy(): void {
    this.#table.show(this.#rows);
    this.options.table.copy(this.#table.toTsv());
  }

  #saveData(): void {
    this.#table.show(this.#rows);
    this.options.save(savedText(fileName(this.#heading, 'csv'), this.#table.toCsv()));
  }

  #savePicture(): void {
    const base64 = chartPicture(
      this.#canvas,
      this.#heading,
      this.#series.filter(({ hidden }) => hidden !== true),
    );
    if (base64 !== null) this.options.save({ name: fileName(this.#heading, 'png'), base64 });
  }

  get #heading(): string {
    return this.#title.textContent ?? this.options.title;
  }

  #toggleTwin(): void {
    this.#twin.hidden = !this.#twin.hidden;
    if (!this.#twin.hidden) this.#table.show(this.#rows);
    setAttributes(this.#toggle, { 'aria-pressed': !this.#twin.hidden });
    this.#showParts();
  }

  /** Axes without anything between them say less than the sentence above. */
  #showParts(): void {
    const hidden = !this.#twin.hidden || this.#empty;
    this.#plot.hidden = hidden;
    // Of what is not drawn there is no picture.
    this.#picture.hidden = hidden;
    this.#legend.hidden = hidden;
  }

  #showLegend(series: readonly LegendSeries[]): void {
    this.#series = series;
    const theme = readTheme();
    const key = JSON.stringify([
      theme.series,
      theme.highContrast,
      series.map((one) => [one.label, one.colour, one.dash, one.shape, one.key, one.hidden]),
    ]);
    if (key === this.#legendKey) return;
    this.#legendKey = key;
    const focused = this.#legend.contains(document.activeElement)
      ? document.activeElement?.getAttribute('data-line')
      : undefined;
    this.#legend.replaceChildren(...series.map((one) => this.#legendItem(one, theme)));
    for (const toggle of this.#legend.querySelectorAll('button'))
      if (focused !== undefined && toggle.getAttribute('data-line') === focused) toggle.focus();
  }

  #legendItem(one: LegendSeries, theme: Theme): HTMLElement {
    const mark = swatch(swatchOf(one, theme));
    const { key, hidden = false } = one;
    if (key === undefined || this.options.toggleLine === undefined) return element('li', {}, mark, one.label);
    const toggle = button(
      one.label,
      () => this.options.toggleLine?.(key, hidden),
      {
        class: 'quiet legend-line',
        'aria-pressed': !hidden,
        'data-line': key,
        title: hidden ? 'Put the line into the chart' : 'Take the line out of the chart',
      },
      mark,
    );
    return element('li', {}, toggle);
  }
}

/** `t` turns the figure that has the focus, or all of them where none has. */
export function listenForTableKey(): void {
  onKey('t', (target) => {
    const focused = figures.filter(({ element: own }) => own.contains(target));
    for (const { toggle } of focused.length > 0 ? focused : figures) toggle();
  });
}

function swatch({ colour, dash, line, shape, hollow }: Swatch): SVGElement {
  return svgElement(
    'svg',
    { viewBox: '0 0 26 12', width: 26, height: 12, 'aria-hidden': 'true' },
    line
      ? svgElement('path', {
          d: 'M0 6h26',
          stroke: colour,
          'stroke-width': 2,
          'stroke-dasharray': dash.length > 0 ? dash.join(' ') : undefined,
        })
      : null,
    shape === undefined
      ? null
      : svgElement('path', {
          d: shapePaths[shape],
          stroke: colour,
          'stroke-width': 2,
          fill: hollow ? 'none' : colour,
        }),
  );
}
