import type { RunResults } from '../../src/core/sweep/run.ts';
import { button, element, setAttributes, setText } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import { fileName, type SavedFile, savedText } from '../common/savedFile.ts';
import { Table } from '../common/table.ts';
import { type CellFigures, type Standing, serviceLevelWords, standings } from './cellFigures.ts';
import { cellColumns, shownMetrics } from './cellTable.ts';
import type { Choices } from './choices.ts';
import type { Dimension } from './dimensions.ts';

export interface CellListEvents {
  pick(cell: string): void;
  change(choices: Partial<Choices>): void;
  copy(text: string): void;
  save(file: SavedFile): void;
}

export interface CellListContent {
  readonly results: RunResults;
  readonly all: readonly CellFigures[];
  /** Those that are neither hidden nor filtered out. */
  readonly shown: readonly CellFigures[];
  readonly dimensions: readonly Dimension[];
  readonly choices: Choices;
  /** Metrics that the plot shows. */
  readonly plotted: readonly string[];
  /** Cells of the plan's line that the cursor is in. */
  readonly planCursor: readonly string[];
  readonly format: Formatter;
}

const kindWords: Readonly<Record<Standing, string>> = {
  measured: 'measured',
  'misses-service-level': 'misses the SLO',
  'client-bound': 'client-bound',
  unsteady: 'not steady',
  inconsistent: 'against Little’s law',
  'request-failures': 'requests failed',
  failed: 'failed',
  running: 'running',
  waiting: 'waiting',
  skipped: 'skipped',
  'passed-over': 'passed over',
};

/** *The numbers*: every cell, to sort, filter, hide and pick. */
export class CellList {
  readonly element = element('section', { class: 'cells', 'aria-label': 'Cells' });
  readonly #filter = element('input', {
    id: 'filter',
    type: 'search',
    placeholder: 'oom, concurrency>8, ttft-p95<500',
    autocomplete: 'off',
    spellcheck: 'false',
  });
  readonly #kinds = element('span', { class: 'tools', role: 'group', 'aria-label': 'Kinds of cells' });
  readonly #unhide = button('', () => this.events.change({ hiddenCells: [], hiddenKinds: [] }), {
    class: 'quiet',
    hidden: true,
  });
  readonly #place = element('div');
  #table: Table<CellFigures> | undefined;
  #columnsKey = '';
  #kindsKey = '';
  #content: CellListContent | undefined;
  #numbers: ReadonlyMap<string, number> = new Map();

  constructor(private readonly events: CellListEvents) {
    this.#filter.addEventListener('input', () => events.change({ filter: this.#filter.value }));
    this.element.append(
      element(
        'div',
        { class: 'tools' },
        element('label', { for: 'filter' }, 'Filter'),
        this.#filter,
        this.#kinds,
        this.#unhide,
        button('Copy table', () => events.copy(this.#table?.toTsv() ?? ''), {
          class: 'quiet',
          title: 'Copy what is shown, separated by tabs',
        }),
        button('CSV', () => this.#save(), {
          class: 'quiet',
          'aria-label': 'Save the table as CSV',
          title: 'Save what is shown as a file, separated by commas',
        }),
      ),
      this.#place,
    );
  }

  show(content: CellListContent): void {
    const { results, all, shown, dimensions, choices, plotted } = content;
    this.#content = content;
    if (document.activeElement !== this.#filter) this.#filter.value = choices.filter;
    this.#numbers = new Map(results.cells.map(({ cell }, at) => [cell, at + 1]));
    this.#showKinds(all, choices);
    const why = results.cells.some((cell) => cell.why !== undefined);
    const metrics = shownMetrics(all, plotted);
    const key = JSON.stringify([
      dimensions.map(({ id, numeric }) => [id, numeric]),
      why,
      metrics.map(({ id }) => id),
    ]);
    if (this.#table === undefined || key !== this.#columnsKey) {
      this.#columnsKey = key;
      this.#table = new Table<CellFigures>({
        caption: 'Cells',
        columns: cellColumns(
          () => this.#format(),
          dimensions,
          { why, metrics },
          {
            pick: (cell) => this.events.pick(cell),
            hide: (cell) => this.#hide(cell),
            numberOf: (cell) => this.#numbers.get(cell) ?? 0,
          },
        ),
        rowKey: (row) => row.cell.cell,
        rowClass: (row) => this.#rowClass(row),
        rowSelected: (row) => row.cell.cell === this.#content?.choices.picked,
        rowClicked: (row) => this.events.pick(row.cell.cell),
        copy: (text) => this.events.copy(text),
      });
      this.#place.replaceChildren(this.#table.element);
    }
    this.#table.caption = captionOf(results, all.length, shown.length);
    this.#table.show(shown);
  }

  reveal(cell: string): void {
    this.#table?.reveal(cell);
  }

  #rowClass({ cell, standing }: CellFigures): string {
    const content = this.#content;
    const isAtCursor = content?.planCursor.includes(cell.cell) === true;
    return [
      standing === 'skipped' || standing === 'passed-over' ? 'struck' : '',
      cell.cell === content?.choices.picked ? 'picked' : '',
      cell.cell === content?.choices.held ? 'held' : '',
      isAtCursor ? 'at-cursor' : '',
    ]
      .filter((part) => part !== '')
      .join(' ');
  }

  #hide(cell: string): void {
    const hidden = this.#content?.choices.hiddenCells ?? [];
    this.events.change({ hiddenCells: [...new Set([...hidden, cell])] });
  }

  #showKinds(all: readonly CellFigures[], { hiddenKinds, hiddenCells }: Choices): void {
    const counts = new Map<Standing, number>();
    for (const { standing } of all) counts.set(standing, (counts.get(standing) ?? 0) + 1);
    const present = standings.filter((kind) => counts.has(kind));
    setText(this.#unhide, `Show ${hiddenCells.length} hidden`);
    this.#unhide.hidden = hiddenCells.length === 0;
    const key = JSON.stringify([present.map((kind) => [kind, counts.get(kind)]), hiddenKinds]);
    if (key === this.#kindsKey) return;
    this.#kindsKey = key;
    const focused = document.activeElement?.getAttribute('data-kind');
    this.#kinds.replaceChildren(
      ...(present.length < 2
        ? []
        : present.map((kind) =>
            button(`${kindWords[kind]} ${counts.get(kind) ?? 0}`, () => this.#toggleKind(kind), {
              class: 'quiet',
              'aria-pressed': !hiddenKinds.includes(kind),
              'data-kind': kind,
              title: 'Show or hide these cells',
            }),
          )),
    );
    for (const one of this.#kinds.querySelectorAll('button'))
      if (focused && one.getAttribute('data-kind') === focused) one.focus();
    setAttributes(this.#kinds, { hidden: present.length < 2 });
  }

  #toggleKind(kind: Standing): void {
    const hidden = this.#content?.choices.hiddenKinds ?? [];
    this.events.change({
      hiddenKinds: hidden.includes(kind) ? hidden.filter((one) => one !== kind) : [...hidden, kind],
    });
  }

  #save(): void {
    const table = this.#table;
    const results = this.#content?.results;
    if (table === undefined || results === undefined) return;
    const simulated = results.mode === 'rehearsal' ? ' (simulated)' : '';
    this.events.save(savedText(fileName(`${results.run} cells${simulated}`, 'csv'), table.toCsv()));
  }

  #format(): Formatter {
    const content = this.#content;
    if (content === undefined) throw new Error('nothing is shown yet');
    return content.format;
  }
}

function captionOf({ mode, serviceLevel }: RunResults, all: number, shown: number): string {
  const simulated = mode === 'rehearsal' ? ' (simulated)' : '';
  const some = shown === all ? '' : `: ${shown} of ${all}`;
  const level = serviceLevel === null ? '' : `; SLO: ${serviceLevelWords(serviceLevel)}`;
  return `Cells${simulated}${some}${level}`;
}
