import type { RunResults } from '../../src/core/sweep/run.ts';
import { element, setText } from '../common/dom.ts';
import { Figure } from '../common/figure.ts';
import type { Formatter } from '../common/format.ts';
import type { SavedFile } from '../common/savedFile.ts';
import type { Column } from '../common/table.ts';
import { type CellFigures, standingWords } from './cellFigures.ts';
import { metricColumn } from './cellTable.ts';
import type { Dimension } from './dimensions.ts';
import { gainWords, type HeatField, type HeatMap, heatMap } from './heatMap.ts';
import { isMetricId, type Metric, metricOf, metrics } from './metrics.ts';
import { plot } from './plot.ts';
import type { KeptChoice, PlotChoice } from './plotChoice.ts';
import { plotSummary } from './plotSummary.ts';

export interface PlotEvents {
  chosen(choice: KeptChoice): void;
  pick(cell: string): void;
  copy(text: string): void;
  save(file: SavedFile): void;
}

export interface PlotContent {
  readonly results: RunResults;
  /** Without those that are hidden or filtered out. */
  readonly figures: readonly CellFigures[];
  readonly dimensions: readonly Dimension[];
  readonly choice: PlotChoice;
  readonly picked: string | null;
  readonly format: Formatter;
}

/** *The plot of the question*, and every other that the selects above it make. */
export class PlotSection {
  readonly element = element('section', { class: 'plot-section', 'aria-label': 'Plot' });
  readonly #tools = element('div', { class: 'tools' });
  readonly #place = element('div');
  readonly #points: Figure<CellFigures>;
  /** Made when it is first wanted. */
  #heat: Figure<HeatField> | undefined;
  #content: PlotContent | undefined;
  #cells: readonly (readonly string[])[] = [];
  #heatMap: HeatMap | undefined;
  #toolsKey = '';
  #columnsKey = '';

  constructor(private readonly events: PlotEvents) {
    this.#points = new Figure<CellFigures>({
      id: 'throughput',
      title: 'Throughput',
      table: this.#pointTable([]),
      save: (file) => events.save(file),
    });
    this.#points.chart.onClick((place) => {
      const cell = place === undefined ? undefined : this.#cells[place.series]?.[place.point];
      if (cell !== undefined) events.pick(cell);
    });
    this.#place.append(this.#points.element);
    this.element.append(this.#tools, this.#place);
  }

  show(content: PlotContent): void {
    this.#content = content;
    this.#showTools(content);
    if (content.choice.kind === 'heat') this.#showHeat(content);
    else this.#showPoints(content);
  }

  #showPoints(content: PlotContent): void {
    const { results, figures, choice, dimensions, format } = content;
    if (!this.#points.element.isConnected) this.#place.replaceChildren(this.#points.element);
    const y = metricOf(choice.y);
    const x = isMetricId(choice.x) ? metricOf(choice.x) : undefined;
    const dimension = dimensions.find(({ id }) => id === choice.x);
    const key = JSON.stringify([choice.x, choice.y]);
    if (key !== this.#columnsKey) {
      this.#columnsKey = key;
      this.#points.useTable(this.#pointTable(x === undefined ? [y] : [x, y], dimension));
    }
    const drawn = plot(content);
    this.#cells = drawn.cells;
    this.#points.show({
      title: `${y.label} against ${(x ?? dimension)?.label ?? ''}${simulatedWords(results)}`,
      chart: drawn.chart,
      rows: figures.filter((one) => one.figure(y.id) !== null || one.standing === 'failed'),
      summary: plotSummary(results, figures, y, format),
    });
  }

  #showHeat(content: PlotContent): void {
    const map = heatMap(content);
    this.#heatMap = map;
    this.#heat ??= this.#makeHeat();
    if (!this.#heat.element.isConnected) this.#place.replaceChildren(this.#heat.element);
    const { choice, dimensions, results } = content;
    const label = (id: string) => dimensions.find((one) => one.id === id)?.label ?? id;
    const title = `${choice.gain ? 'Gain in ' : ''}${metricOf(choice.y).label} by ${map?.chart.x.label ?? label(choice.x)} and ${label(choice.rows)}${simulatedWords(results)}`;
    this.#heat.show({
      title,
      chart: map?.chart ?? noChart,
      rows: map?.fields ?? [],
      summary: map?.summary ?? 'There are too many values for a map: filter the cells first.',
    });
  }

  #makeHeat(): Figure<HeatField> {
    const format = () => this.#content?.format;
    const numeric = (
      id: string,
      label: string,
      of: (one: HeatField) => number | null,
    ): Column<HeatField> => ({
      id,
      label,
      numeric: true,
      cell: (one) => {
        const value = of(one);
        if (value === null) return { text: '–', sort: null, copy: '', title: one.why };
        const words = id === 'gain' ? gainWords : (shown: number, by: Formatter) => by.significant(shown);
        const by = format();
        return {
          text: by === undefined ? String(value) : words(value, by),
          sort: value,
          copy: String(value),
        };
      },
    });
    const figure = new Figure<HeatField>({
      id: 'heat',
      title: 'Heat map',
      table: {
        caption: 'Heat map',
        columns: [
          { id: 'column', label: 'Column', cell: ({ column }) => ({ text: column }) },
          { id: 'row', label: 'Row', cell: ({ row }) => ({ text: row }) },
          numeric('value', 'Figure', ({ value }) => value),
          numeric('gain', 'Against the first row', ({ gain }) => gain),
          {
            id: 'cells',
            label: 'Cells',
            numeric: true,
            cell: ({ cells }) => ({ text: String(cells.length), sort: cells.length }),
          },
        ],
        rowKey: ({ column, row }) => `${column}\n${row}`,
        copy: (text) => this.events.copy(text),
      },
      save: (file) => this.events.save(file),
    });
    figure.chart.onClick((_, at) => {
      const cell = this.#heatMap?.cellAt(at.x, at.y);
      if (cell !== undefined) this.events.pick(cell);
    });
    return figure;
  }

  #pointTable(shown: readonly Metric[], dimension?: Dimension) {
    const format = () => {
      const known = this.#content?.format;
      if (known === undefined) throw new Error('nothing is shown yet');
      return known;
    };
    const columns: Column<CellFigures>[] = [
      { id: 'cell', label: 'Cell', cell: ({ cell }) => ({ text: cell.label }) },
      ...(dimension === undefined
        ? []
        : [
            {
              id: dimension.id,
              label: dimension.label,
              numeric: dimension.numeric,
              cell: ({ cell }: CellFigures) => {
                const value = dimension.of(cell);
                return { text: value === undefined ? '–' : String(value), sort: value ?? null };
              },
            },
          ]),
      ...shown.map((metric) => metricColumn(metric, format)),
      { id: 'standing', label: 'State', cell: (row) => ({ text: standingWords(row) }) },
    ];
    return {
      caption: 'Throughput',
      columns,
      rowKey: (row: CellFigures) => row.cell.cell,
      copy: (text: string) => this.events.copy(text),
    };
  }

  /** Made anew only where what can be chosen, or what is chosen, is another: a select that has the focus keeps it. */
  #showTools({ choice, dimensions, figures }: PlotContent): void {
    const known = knownMetrics(figures);
    const key = JSON.stringify([choice, dimensions.map(({ id }) => id), known.map(({ id }) => id)]);
    if (key === this.#toolsKey) return;
    this.#toolsKey = key;
    const focused = this.#tools.contains(document.activeElement) ? document.activeElement?.id : undefined;
    const ofMetrics = known.map(({ id, label }) => [id, label] as const);
    const ofDimensions = dimensions.map(({ id, label }) => [id, label] as const);
    const set = (field: keyof PlotChoice) => (value: string) =>
      this.events.chosen({ ...choice, [field]: value });
    const heat = choice.kind === 'heat';
    const gain = element('input', { id: 'gain', type: 'checkbox', checked: choice.gain });
    gain.addEventListener('change', () => this.events.chosen({ ...choice, gain: gain.checked }));
    this.#tools.replaceChildren(
      ...(dimensions.length > 1
        ? [
            select(
              'kind',
              'Chart',
              [
                ['points', 'points'],
                ['heat', 'heat map'],
              ],
              choice.kind,
              set('kind'),
            ),
          ]
        : []),
      select('y', heat ? 'of' : 'Draw', ofMetrics, choice.y, set('y')),
      select(
        'x',
        heat ? 'by' : 'against',
        heat ? ofDimensions : [...ofDimensions, ...ofMetrics],
        choice.x,
        set('x'),
      ),
      ...(heat
        ? [
            select(
              'rows',
              'and',
              ofDimensions.filter(([id]) => id !== choice.x),
              choice.rows,
              set('rows'),
            ),
            element('label', { class: 'check' }, gain, 'gain over the first row'),
          ]
        : dimensions.length > 1
          ? [
              select(
                'lines',
                'a line for each',
                [
                  ['all', 'configuration'],
                  ...ofDimensions.filter(([id]) => id !== choice.x),
                  ['none', '– (none)'],
                ],
                choice.lines,
                set('lines'),
              ),
            ]
          : []),
    );
    if (focused !== undefined && focused !== '')
      this.#tools.querySelector<HTMLElement>(`[id="${focused}"]`)?.focus();
  }
}

/** So many cells tell which figures a run has. */
const mostAsked = 1000;

/** What can be chosen: the metrics that every run has, and of the others those that there is anything of. */
function knownMetrics(figures: readonly CellFigures[]): readonly Metric[] {
  const every = Math.ceil(figures.length / mostAsked);
  const asked = every <= 1 ? figures : figures.filter((_, at) => at % every === 0);
  return metrics.filter(({ id, column }) => column === true || asked.some((one) => one.figure(id) !== null));
}

const noChart = {
  x: { label: '', scale: 'linear', format: String },
  left: { label: '', scale: 'linear', format: String },
  series: [],
} as const;

function select(
  id: string,
  label: string,
  options: readonly (readonly [string, string])[],
  chosen: string,
  changed: (value: string) => void,
): HTMLElement {
  const list = element(
    'select',
    { id },
    ...options.map(([value, words]) => element('option', { value, selected: value === chosen }, words)),
  );
  list.addEventListener('change', () => changed(list.value));
  const name = element('label', { for: id });
  setText(name, label);
  return element('span', { class: 'choice' }, name, list);
}

function simulatedWords({ mode }: RunResults): string {
  return mode === 'rehearsal' ? ' (simulated)' : '';
}
