import { button, element, setAttributes, setText } from './dom.ts';
import { RowWindow } from './rowWindow.ts';

export interface Cell {
  readonly text: string;
  /** What sorting compares; null sorts last. Left out: the text. */
  readonly sort?: number | string | null;
  /** Exact value for copies. Left out: the text. */
  readonly copy?: string;
  /** Shown on hover and read after the text: why it is missing, how it is known. */
  readonly title?: string;
  /** Makes what is shown in place of the text; a button in it takes the focus of the cell. */
  readonly content?: () => Node;
}

export interface Column<Row> {
  readonly id: string;
  readonly label: string;
  readonly title?: string;
  readonly numeric?: boolean;
  /** It has buttons alone. */
  readonly notCopied?: true;
  cell(row: Row): Cell;
}

export interface TableOptions<Row> {
  readonly caption: string;
  readonly columns: readonly Column<Row>[];
  /** Stable over updates: sorting, focus and selection follow it. */
  rowKey(row: Row): string;
  rowClass?(row: Row): string;
  /** The rows that are looked at elsewhere on the page. */
  rowSelected?(row: Row): boolean;
  /** Called on a click anywhere in a row but on a button. */
  rowClicked?(row: Row): void;
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
 * the exact value of a cell (or presses its button), Ctrl+C does too. Rows may be shown anew at any time. Of
 * many rows only those in view are in the page.
 */
export class Table<Row> {
  readonly element: HTMLElement;
  readonly #table: HTMLTableElement;
  readonly #caption = element('caption');
  readonly #body = element('tbody');
  readonly #head: HTMLTableRowElement;
  readonly #headers = new Map<string, HTMLTableCellElement>();
  readonly #window: RowWindow;
  #rows: readonly Row[] = [];
  /** The rows as they stand in the table. */
  #ordered: readonly Row[] = [];
  #order: Order | undefined;
  /** Row and column of the one cell that Tab reaches; row 0 is the header. */
  #at = { row: 1, column: 0 };

  constructor(private readonly options: TableOptions<Row>) {
    this.#head = element('tr', { role: 'row' });
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
      this.#head.append(header);
    }
    this.#table = element(
      'table',
      { role: 'grid' },
      this.#caption,
      element('thead', { role: 'rowgroup' }, this.#head),
      this.#body,
    );
    setAttributes(this.#body, { role: 'rowgroup' });
    setText(this.#caption, options.caption);
    this.element = element('div', { class: 'table-scroll' }, this.#table);
    this.#table.addEventListener('keydown', (event) => this.#onKey(event));
    this.#table.addEventListener('focusin', (event) => this.#onFocus(event));
    this.#body.addEventListener('click', (event) => {
      this.#copyCellOf(event.target);
      this.#rowClicked(event.target);
    });
    this.#window = new RowWindow(this.element, this.#body, options.columns.length, () => this.#draw());
  }

  set caption(caption: string) {
    setText(this.#caption, caption);
  }

  show(rows: readonly Row[]): void {
    this.#rows = rows;
    const focused = this.#hasFocus() ? this.#focusedKey() : undefined;
    this.#ordered = this.#inOrder();
    if (focused !== undefined) {
      const row = this.#ordered.findIndex((candidate) => this.options.rowKey(candidate) === focused);
      if (row >= 0) this.#at = { ...this.#at, row: row + 1 };
    }
    this.#at = { ...this.#at, row: Math.min(this.#at.row, this.#ordered.length) };
    this.#window.resize(this.#ordered.length);
    setAttributes(this.#table, { 'aria-rowcount': this.#window.isWindowed ? rows.length + 1 : undefined });
    if (focused !== undefined) this.#window.reach(this.#at.row - 1);
    this.#draw();
  }

  /** Brings a row into view. */
  reveal(key: string): void {
    const row = this.#ordered.findIndex((candidate) => this.options.rowKey(candidate) === key);
    if (row < 0) return;
    if (this.#window.reach(row)) this.#draw();
    this.#element(row + 1)?.scrollIntoView({ block: 'nearest' });
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
    const columns = this.options.columns.filter(({ notCopied }) => notCopied !== true);
    const header = columns.map(({ label }) => label);
    const lines = this.#ordered.map((row) =>
      columns.map((column) => {
        const cell = column.cell(row);
        return cell.copy ?? cell.text;
      }),
    );
    return [header, ...lines];
  }

  /** Those of the rows that are in view, made anew. */
  #draw(): void {
    const hadFocus = this.#hasFocus() && document.activeElement?.closest('tbody') === this.#body;
    const { first, end } = this.#window;
    this.#window.put(this.#ordered.slice(first, end).map((row, at) => this.#rowElement(row, first + at + 1)));
    // What was scrolled away can't keep the focus: the nearest row that is in view has it.
    if (hadFocus) this.#at = { ...this.#at, row: Math.min(Math.max(this.#at.row, first + 1), end) };
    this.#markStop();
    if (hadFocus) this.#stop()?.focus({ preventScroll: true });
  }

  #rowElement(row: Row, at: number): HTMLTableRowElement {
    return element(
      'tr',
      {
        role: 'row',
        'data-key': this.options.rowKey(row),
        'aria-rowindex': this.#window.isWindowed ? at + 1 : undefined,
        'data-row': at,
        'aria-selected': this.options.rowSelected?.(row),
        class: this.options.rowClass?.(row),
      },
      ...this.options.columns.map((column) => {
        const cell = column.cell(row);
        const content = cell.content?.() ?? cell.text;
        return element(
          'td',
          {
            role: 'gridcell',
            tabindex: content instanceof HTMLButtonElement ? undefined : -1,
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

  #inOrder(): readonly Row[] {
    const order = this.#order;
    const column = this.options.columns.find((candidate) => candidate.id === order?.column);
    if (order === undefined || column === undefined) return this.#rows;
    const sign = order.direction === 'ascending' ? 1 : -1;
    return this.#rows
      .map((row) => ({ row, value: sortValue(column.cell(row)) }))
      .sort((a, b) => {
        const [left, right] = [a.value, b.value];
        if (left === null || right === null) return Number(left === null) - Number(right === null);
        if (typeof left === 'number' && typeof right === 'number') return sign * (left - right);
        return sign * inWords.compare(String(left), String(right));
      })
      .map(({ row }) => row);
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

  #hasFocus(): boolean {
    return this.#table.contains(document.activeElement);
  }

  /** Of the header (0) or a row in view. */
  #element(row: number): HTMLTableRowElement | undefined {
    return row === 0 ? this.#head : this.#window.element(row - 1);
  }

  /** The element of a cell that takes the focus. */
  #target(row: number, column: number): HTMLElement | undefined {
    const cell = this.#element(row)?.cells[column];
    return cell?.querySelector<HTMLElement>('button') ?? cell;
  }

  #stop(): HTMLElement | undefined {
    return this.#target(this.#at.row, this.#at.column);
  }

  #markStop(): void {
    for (const stop of this.#table.querySelectorAll('[tabindex="0"]')) setAttributes(stop, { tabindex: -1 });
    const stop = this.#stop() ?? this.#target(this.#window.first + 1, this.#at.column);
    if (stop !== undefined) setAttributes(stop, { tabindex: 0 });
  }

  #onFocus(event: FocusEvent): void {
    const cell =
      event.target instanceof Element ? event.target.closest<HTMLTableCellElement>('th, td') : null;
    const row = cell?.closest('tr');
    if (cell === null || row === null || row === undefined) return;
    this.#at = { row: row === this.#head ? 0 : Number(row.dataset['row']), column: cell.cellIndex };
    this.#markStop();
  }

  #onKey(event: KeyboardEvent): void {
    // A field in a cell has its own use for them.
    if (event.target instanceof HTMLInputElement) return;
    const { row, column } = this.#at;
    const [lastColumn, lastRow] = [this.options.columns.length - 1, this.#ordered.length];
    const moves: Readonly<Record<string, readonly [number, number]>> = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      Home: [event.ctrlKey ? 0 : row, 0],
      End: [event.ctrlKey ? lastRow : row, lastColumn],
      ...(this.#window.isWindowed
        ? {
            PageUp: [Math.max(1, row - pageRows), column],
            PageDown: [Math.min(lastRow, row + pageRows), column],
          }
        : {}),
    };
    const to = moves[event.key];
    const isCopy = event.key === 'Enter' || (event.key === 'c' && (event.ctrlKey || event.metaKey));
    if (to !== undefined) {
      const isCell = to[0] >= 0 && to[0] <= lastRow && to[1] >= 0 && to[1] <= lastColumn;
      if (!isCell) return;
      this.#at = { row: to[0], column: to[1] };
      if (to[0] > 0 && this.#window.reach(to[0] - 1)) this.#draw();
      this.#markStop();
      this.#stop()?.focus();
      event.preventDefault();
    } else if (isCopy && event.target instanceof HTMLTableCellElement) {
      this.#copyCellOf(event.target);
      event.preventDefault();
    }
  }

  #rowClicked(target: EventTarget | null): void {
    if (!(target instanceof Element) || target.closest('button') !== null) return;
    const at = Number(target.closest('tr')?.dataset['row'] ?? Number.NaN);
    const row = this.#ordered[at - 1];
    if (row !== undefined) this.options.rowClicked?.(row);
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

/** Making one for each comparison takes longer than the comparisons. */
const inWords = new Intl.Collator();

/** What Page Up and Page Down move by. */
const pageRows = 20;

function sortValue(cell: Cell): number | string | null {
  return cell.sort === undefined ? cell.text : cell.sort;
}
