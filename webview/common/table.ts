import { button, element, setAttributes, setText } from './dom.ts';

export interface Cell {
  readonly text: string;
  /** What sorting compares; null sorts last. Left out: the text. */
  readonly sort?: number | string | null;
  /** Exact value for copies. Left out: the text. */
  readonly copy?: string;
  /** Shown on hover and read after the text: why it is missing, how it is known. */
  readonly title?: string;
  /** Shown in place of the text; a button in it takes the focus of the cell. */
  readonly content?: Node;
}

export interface Column<Row> {
  readonly id: string;
  readonly label: string;
  readonly title?: string;
  readonly numeric?: boolean;
  cell(row: Row): Cell;
}

export interface TableOptions<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  /** Stable over updates: sorting, focus and selection follow it. */
  rowKey(row: Row): string;
  rowClass?(row: Row): string;
  copy(text: string): void;
  /** Called when a column was chosen to sort by. */
  sorted?(): void;
}

interface Order {
  readonly column: string;
  readonly direction: 'ascending' | 'descending';
}

/**
 * A sortable table that is one stop of the Tab key: arrows, Home and End move in it, Enter or a click copies
 * the exact value of a cell (or presses its button), Ctrl+C does too. Rows may be shown anew at any time.
 */
export class Table<Row> {
  readonly element: HTMLElement;
  readonly #table: HTMLTableElement;
  readonly #caption = element('caption');
  readonly #body = element('tbody');
  readonly #headers = new Map<string, HTMLTableCellElement>();
  #rows: readonly Row[] = [];
  #order: Order | undefined;
  /** Row and column of the one cell that Tab reaches; row 0 is the header. */
  #at = { row: 1, column: 0 };

  constructor(private readonly options: TableOptions<Row>) {
    const head = element('tr', { role: 'row' });
    for (const column of options.columns) {
      const header = element(
        'th',
        {
          scope: 'col',
          role: 'columnheader',
          class: column.numeric ? 'numeric' : undefined,
          title: column.title,
        },
        button(column.label, () => this.#sortBy(column), { class: 'sort', tabindex: -1 }),
      );
      this.#headers.set(column.id, header);
      head.append(header);
    }
    this.#table = element(
      'table',
      { role: 'grid' },
      this.#caption,
      element('thead', { role: 'rowgroup' }, head),
      this.#body,
    );
    setAttributes(this.#body, { role: 'rowgroup' });
    setText(this.#caption, options.caption);
    this.element = element('div', { class: 'table-scroll' }, this.#table);
    this.#table.addEventListener('keydown', (event) => this.#onKey(event));
    this.#table.addEventListener('focusin', (event) => this.#onFocus(event));
    this.#body.addEventListener('click', (event) => this.#copyCellOf(event.target));
  }

  set caption(caption: string) {
    setText(this.#caption, caption);
  }

  show(rows: readonly Row[]): void {
    this.#rows = rows;
    const focused = this.#table.contains(document.activeElement) ? this.#focusedKey() : undefined;
    const ordered = this.#ordered();
    this.#body.replaceChildren(...ordered.map((row) => this.#rowElement(row)));
    if (focused !== undefined) {
      const row = ordered.findIndex((candidate) => this.options.rowKey(candidate) === focused);
      if (row >= 0) this.#at = { ...this.#at, row: row + 1 };
    }
    this.#at = { ...this.#at, row: Math.min(this.#at.row, ordered.length) };
    this.#markStop();
    if (focused !== undefined) this.#stop()?.focus({ preventScroll: true });
  }

  /** The same rows, their cells made anew. */
  refresh(): void {
    this.show(this.#rows);
  }

  /** With a header line; exact values. */
  toTsv(): string {
    const clean = (text: string) => text.replaceAll(/[\t\r\n]+/g, ' ');
    return this.#lines()
      .map((line) => line.map(clean).join('\t'))
      .join('\n');
  }

  /** As RFC 4180 has it. */
  toCsv(): string {
    const quoted = (text: string) => (/[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
    return this.#lines()
      .map((line) => `${line.map(quoted).join(',')}\r\n`)
      .join('');
  }

  #lines(): readonly (readonly string[])[] {
    const columns = this.options.columns.filter(({ label }) => label !== '');
    const header = columns.map(({ label }) => label);
    const lines = this.#ordered().map((row) =>
      columns.map((column) => {
        const cell = column.cell(row);
        return cell.copy ?? cell.text;
      }),
    );
    return [header, ...lines];
  }

  #rowElement(row: Row): HTMLTableRowElement {
    return element(
      'tr',
      { role: 'row', 'data-key': this.options.rowKey(row), class: this.options.rowClass?.(row) },
      ...this.options.columns.map((column) => {
        const cell = column.cell(row);
        const content = cell.content ?? cell.text;
        return element(
          'td',
          {
            role: 'gridcell',
            tabindex: cell.content instanceof HTMLButtonElement ? undefined : -1,
            class: column.numeric ? 'numeric' : undefined,
            title: cell.title,
            'data-copy': cell.copy ?? cell.text,
          },
          content,
          cell.title === undefined ? null : element('span', { class: 'for-readers' }, `, ${cell.title}`),
        );
      }),
    );
  }

  #ordered(): readonly Row[] {
    const order = this.#order;
    const column = this.options.columns.find((candidate) => candidate.id === order?.column);
    if (order === undefined || column === undefined) return this.#rows;
    const sign = order.direction === 'ascending' ? 1 : -1;
    return this.#rows.toSorted((a, b) => {
      const [left, right] = [sortValue(column.cell(a)), sortValue(column.cell(b))];
      if (left === null || right === null) return Number(left === null) - Number(right === null);
      if (typeof left === 'number' && typeof right === 'number') return sign * (left - right);
      return sign * String(left).localeCompare(String(right));
    });
  }

  #sortBy(column: Column<Row>): void {
    const again = this.#order?.column === column.id && this.#order.direction === 'ascending';
    this.#order = { column: column.id, direction: again ? 'descending' : 'ascending' };
    for (const [id, header] of this.#headers)
      setAttributes(header, { 'aria-sort': id === column.id ? this.#order.direction : undefined });
    this.show(this.#rows);
    this.options.sorted?.();
  }

  #focusedKey(): string | undefined {
    return document.activeElement?.closest('tr')?.dataset['key'] ?? '';
  }

  #cells(row: number): readonly HTMLElement[] {
    return [...(this.#table.rows[row]?.cells ?? [])];
  }

  /** The element of a cell that takes the focus. */
  #target(row: number, column: number): HTMLElement | undefined {
    const cell = this.#cells(row)[column];
    return cell?.querySelector<HTMLElement>('button') ?? cell;
  }

  #stop(): HTMLElement | undefined {
    return this.#target(this.#at.row, this.#at.column);
  }

  #markStop(): void {
    for (const stop of this.#table.querySelectorAll('[tabindex="0"]')) setAttributes(stop, { tabindex: -1 });
    const stop = this.#stop();
    if (stop !== undefined) setAttributes(stop, { tabindex: 0 });
  }

  #onFocus(event: FocusEvent): void {
    const cell =
      event.target instanceof Element ? event.target.closest<HTMLTableCellElement>('th, td') : null;
    const row = cell?.closest('tr');
    if (cell === null || row === null || row === undefined) return;
    this.#at = { row: row.rowIndex, column: cell.cellIndex };
    this.#markStop();
  }

  #onKey(event: KeyboardEvent): void {
    // A field in a cell has its own use for them.
    if (event.target instanceof HTMLInputElement) return;
    const { row, column } = this.#at;
    const lastColumn = this.options.columns.length - 1;
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? this.#table.rows.length - 1 : row, lastColumn],
    };
    const to = moves[event.key];
    const isCopy = event.key === 'Enter' || (event.key === 'c' && (event.ctrlKey || event.metaKey));
    if (to !== undefined) {
      const target = this.#target(to[0], to[1]);
      if (target === undefined) return;
      this.#at = { row: to[0], column: to[1] };
      this.#markStop();
      target.focus();
      event.preventDefault();
    } else if (isCopy && event.target instanceof HTMLTableCellElement) {
      this.#copyCellOf(event.target);
      event.preventDefault();
    }
  }

  #copyCellOf(target: EventTarget | null): void {
    const cell = target instanceof Element ? target.closest<HTMLTableCellElement>('td') : null;
    // A click that ends the marking of text is no click on the number, and a button does its own.
    const marking = window.getSelection()?.isCollapsed === false;
    if (cell === null || marking || cell.querySelector('button') !== null) return;
    this.options.copy(cell.dataset['copy'] ?? '');
    cell.classList.add('copied');
    window.setTimeout(() => cell.classList.remove('copied'), 700);
  }
}

function sortValue(cell: Cell): number | string | null {
  return cell.sort === undefined ? cell.text : cell.sort;
}
