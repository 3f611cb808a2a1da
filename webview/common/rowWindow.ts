import { element, setAttributes } from './dom.ts';

/** Up to so many rows are all in the page. */
const mostRows = 200;
/** Rows above and below those in view, so that a turn of the wheel shows no gap. */
const margin = 15;
/** Until a row has been measured. */
const guessedHeight = 26;

/**
 * Which rows of a long table are in the page: those in view and some around them. What is above and below is one
 * empty row each, as high as the rows that it stands for. Rows are of one height then.
 */
export class RowWindow {
  /** Rows in the page: `[first, end)`. */
  first = 0;
  end = 0;
  #rows = 0;
  #height = guessedHeight;
  #asked = false;
  #elements: readonly HTMLTableRowElement[] = [];

  /** `changed`: other rows came into view; they are put anew. */
  constructor(
    private readonly scroller: HTMLElement,
    private readonly body: HTMLTableSectionElement,
    private readonly columns: number,
    private readonly changed: () => void,
  ) {
    scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
  }

  get isWindowed(): boolean {
    return this.#rows > mostRows;
  }

  /** The table has so many rows now. */
  resize(rows: number): void {
    this.#rows = rows;
    this.scroller.classList.toggle('windowed', this.isWindowed);
    this.#move();
  }

  /** Sees to it that the row is in the page. True where the rows have to be put anew. */
  reach(row: number): boolean {
    const isThere = row >= this.first && row < this.end;
    if (isThere || row < 0 || row >= this.#rows) return false;
    this.scroller.scrollTop = Math.max(0, row * this.#height - this.scroller.clientHeight / 2);
    return this.#move();
  }

  put(rows: readonly HTMLTableRowElement[]): void {
    this.#elements = rows;
    this.#place();
    const height = this.isWindowed ? (rows[0]?.getBoundingClientRect().height ?? 0) : 0;
    if (height === 0 || Math.abs(height - this.#height) < 0.01) return;
    this.#height = height;
    this.#place();
  }

  #place(): void {
    const above = this.#empty(this.first);
    const below = this.#empty(this.#rows - this.end);
    this.body.replaceChildren(...above, ...this.#elements, ...below);
  }

  /** undefined where the row is not in the page. */
  element(row: number): HTMLTableRowElement | undefined {
    return this.#elements[row - this.first];
  }

  #empty(rows: number): HTMLElement[] {
    if (rows <= 0) return [];
    const filling = element('td', { colspan: this.columns });
    filling.style.height = `${rows * this.#height}px`;
    const row = element('tr', { class: 'filling' }, filling);
    setAttributes(row, { 'aria-hidden': 'true' });
    return [row];
  }

  /** True where other rows are to be in the page. */
  #move(): boolean {
    const [first, end] = [this.first, this.end];
    if (this.isWindowed) {
      const inView = Math.ceil(Math.max(200, this.scroller.clientHeight) / this.#height);
      const top = Math.floor(this.scroller.scrollTop / this.#height);
      this.first = Math.max(0, Math.min(top, this.#rows - inView) - margin);
      this.end = Math.min(this.#rows, this.first + inView + 2 * margin);
    } else [this.first, this.end] = [0, this.#rows];
    return first !== this.first || end !== this.end;
  }

  #scrolled(): void {
    if (!this.isWindowed || this.#asked) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      if (this.#move()) this.changed();
    });
  }
}
