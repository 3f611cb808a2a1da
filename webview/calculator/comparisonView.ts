import type { DeploymentEstimate, EstimateRequest } from '../../src/core/estimate/types.ts';
import { button, element, setAttributes, setText } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import { type Cell, type Column, Table } from '../common/table.ts';
import { markIcon, verdictWord } from '../common/verdict.ts';
import type { ComparisonKind, ComparisonRow } from './comparison.ts';

export interface ComparisonEvents {
  copy(text: string): void;
  /** Tries a GPU, as many of them and with the flags that it takes. */
  attempt(device: string, gpuCount: number, flags: Readonly<Record<string, number>>): void;
  /** null goes back to the list price. */
  price(name: string, dollarsPerHour: number | null): void;
}

/** What is worth a look; the rest on demand. */
const fewRows = 12;

/** The whole catalogue takes longer than a frame: while a slider is moved, what stood before stays, greyed. */
const handRestsMs = 120;

const kinds: readonly { readonly kind: ComparisonKind; readonly label: string }[] = [
  { kind: 'gpu', label: 'GPUs' },
  { kind: 'instance', label: 'Cloud instances' },
];

interface Shown {
  readonly request: EstimateRequest;
  readonly now: DeploymentEstimate;
  readonly prices: Readonly<Record<string, number>>;
}

/** *Cheaper or faster GPUs*: the same load on every GPU, or on every instance type of the clouds, by cost. */
export class ComparisonView {
  readonly element: HTMLElement;
  readonly #caption = element('p', { class: 'summary' });
  readonly #tabs: readonly HTMLButtonElement[];
  readonly #more: HTMLButtonElement;
  readonly #table: Table<ComparisonRow>;
  readonly #events: ComparisonEvents;
  readonly #format: () => Formatter;
  #kind: ComparisonKind = 'gpu';
  #all = false;
  #timer: number | undefined;
  #shown: Shown | undefined;
  /** Whose price is being typed: until then nothing is drawn anew under the hand. */
  #editing: string | undefined;

  constructor(format: () => Formatter, events: ComparisonEvents) {
    this.#format = format;
    this.#events = events;
    this.#table = new Table<ComparisonRow>({
      caption: 'Cheaper or faster GPUs',
      columns: this.#columns(),
      rowKey: ({ id }) => id,
      rowClass: ({ current }) => (current ? 'current' : ''),
      copy: events.copy,
      // The fastest need not be among the cheapest.
      sorted: () => {
        this.#all = true;
        void this.#draw();
      },
    });
    this.#more = button(
      'Show all',
      () => {
        this.#all = !this.#all;
        void this.#draw();
      },
      { class: 'quiet' },
    );
    this.#tabs = kinds.map(({ kind, label }) =>
      button(label, () => this.#choose(kind), {
        role: 'tab',
        id: `compare-${kind}`,
        class: 'quiet',
        'aria-controls': 'compare-table',
      }),
    );
    const tabs = element(
      'div',
      { role: 'tablist', class: 'tools', 'aria-label': 'What to compare' },
      ...this.#tabs,
    );
    tabs.addEventListener('keydown', (event) => this.#onTabKey(event));
    this.element = element(
      'section',
      { class: 'figure', id: 'comparison', 'aria-labelledby': 'comparison-title' },
      element(
        'header',
        {},
        element('h2', { id: 'comparison-title' }, 'Cheaper or faster'),
        element(
          'span',
          { class: 'tools' },
          tabs,
          button('Copy', () => events.copy(this.#table.toTsv()), {
            class: 'quiet',
            'aria-label': 'Copy table: cheaper or faster GPUs',
          }),
        ),
      ),
      this.#caption,
      element(
        'div',
        { id: 'compare-table', role: 'tabpanel', 'aria-labelledby': 'compare-gpu' },
        this.#table.element,
      ),
      this.#more,
    );
    this.#markTabs();
  }

  show(request: EstimateRequest, now: DeploymentEstimate, prices: Readonly<Record<string, number>>): void {
    const isFirst = this.#shown === undefined;
    this.#shown = { request, now, prices };
    window.clearTimeout(this.#timer);
    if (isFirst) {
      void this.#draw();
      return;
    }
    this.element.classList.add('stale');
    this.#timer = window.setTimeout(() => void this.#draw(), handRestsMs);
  }

  async #draw(): Promise<void> {
    if (this.#shown === undefined || this.#editing !== undefined) return;
    const { compare } = await import('./comparison.ts');
    const { request, now, prices } = this.#shown;
    if (this.#editing !== undefined) return;
    const rows = compare(this.#kind, request, now, prices);
    const shown = this.#all ? rows : rows.filter((row, at) => at < fewRows || row.current);
    this.element.classList.remove('stale');
    const { batch, inputTokens, outputTokens } = now.speed;
    const { count } = this.#format();
    const carry = rows.filter((row) => 'way' in row).length;
    setText(
      this.#caption,
      `${count(batch)} requests at once of ${count(inputTokens)} tokens in and ${count(outputTokens)} out, estimated: ${count(carry)} of ${count(rows.length)} ${this.#kind === 'gpu' ? 'kinds of GPU' : 'instance types'} carry it. By cost; prices can be edited.`,
    );
    this.#table.caption = `The same load on other ${this.#kind === 'gpu' ? 'GPUs' : 'cloud instances'}`;
    this.#table.show(shown);
    this.#more.hidden = rows.length <= fewRows;
    setText(this.#more, this.#all ? 'Show fewer' : `Show all ${count(rows.length)}`);
  }

  #choose(kind: ComparisonKind): void {
    this.#kind = kind;
    this.#all = false;
    this.#markTabs();
    void this.#draw();
  }

  #markTabs(): void {
    for (const [i, tab] of this.#tabs.entries()) {
      const isChosen = kinds[i]?.kind === this.#kind;
      setAttributes(tab, { 'aria-selected': isChosen, tabindex: isChosen ? 0 : -1 });
    }
    setAttributes(this.element.querySelector('#compare-table') ?? this.element, {
      'aria-labelledby': `compare-${this.#kind}`,
    });
  }

  #onTabKey(event: KeyboardEvent): void {
    if (event.key !== 'ArrowLeft' && event.key !== 'ArrowRight') return;
    const other = kinds.findIndex(({ kind }) => kind !== this.#kind);
    this.#choose(kinds[other]?.kind ?? 'gpu');
    this.#tabs[other]?.focus();
    event.preventDefault();
  }

  #columns(): readonly Column<ComparisonRow>[] {
    const figure = (
      id: string,
      label: string,
      title: string,
      pick: (row: Extract<ComparisonRow, { way: unknown }>['way']) => number | null,
      band: (row: Extract<ComparisonRow, { way: unknown }>['way']) => readonly [number, number] | null,
    ): Column<ComparisonRow> => ({
      id,
      label,
      title,
      numeric: true,
      cell: (row) => {
        if ('rejection' in row) return { text: '–', sort: null, copy: '' };
        const [value, range] = [pick(row.way), band(row.way)];
        if (value === null) return { text: 'not known', sort: null, copy: '', title: 'no price is known' };
        const { significant } = this.#format();
        return {
          text: significant(value),
          sort: value,
          copy: String(value),
          ...(range === null ? {} : { title: `${significant(range[0])} to ${significant(range[1])}` }),
        };
      },
    });
    return [
      {
        id: 'name',
        label: 'GPU',
        cell: ({ label, current }) => ({ text: `${label}${current ? ' (now)' : ''}` }),
      },
      { id: 'fits', label: 'Fits', cell: (row) => fitsCell(row) },
      {
        id: 'count',
        label: 'GPUs',
        title: 'Replicas and the GPUs of each',
        numeric: true,
        cell: (row) =>
          'way' in row
            ? {
                text: `${row.way.replicas === 1 ? '' : `${row.way.replicas} × `}${row.way.gpuCount}`,
                sort: row.way.replicas * row.way.gpuCount,
                copy: String(row.way.replicas * row.way.gpuCount),
                title: `${row.way.replicas} ${row.way.replicas === 1 ? 'replica' : 'replicas'} of ${row.way.gpuCount} GPUs`,
              }
            : { text: '–', sort: null, copy: '' },
      },
      figure(
        'ttft',
        'TTFT ms',
        'Time to first token',
        (row) => row.ttftMs,
        (row) => row.bands.ttftMs,
      ),
      figure(
        'tpot',
        'TPOT ms',
        'Time per output token',
        (row) => row.tpotMs,
        (row) => row.bands.tpotMs,
      ),
      figure(
        'throughput',
        'tok/s',
        'Output tokens per second of all replicas together',
        (row) => row.outputTokensPerSecond,
        (row) => row.bands.outputTokensPerSecond,
      ),
      {
        id: 'price',
        label: '$/h',
        title: 'Of one GPU or instance; a click edits it',
        numeric: true,
        cell: (row) => this.#priceCell(row),
      },
      figure(
        'cost',
        '$/1M',
        'US dollars per million output tokens under this load',
        (row) => row.dollarsPerMillionOutputTokens,
        (row) => row.bands.dollarsPerMillionOutputTokens,
      ),
      {
        id: 'use',
        label: 'Try',
        cell: (row) => {
          const { device, label, current } = row;
          if (current) return { text: '' };
          const attempt = () =>
            'way' in row
              ? this.#events.attempt(device, row.way.gpuCount, row.way.flags)
              : this.#events.attempt(device, Math.max(1, row.rejection.gpuCount), {});
          return {
            text: '',
            content: () => button('▸', attempt, { class: 'quiet', 'aria-label': `Try ${label}` }),
          };
        },
      },
    ];
  }

  #priceCell(row: ComparisonRow): Cell {
    const { id, label, unitDollars, priceSource } = row;
    const text = unitDollars === null ? 'not known' : unitDollars.toFixed(2);
    return {
      text,
      sort: unitDollars,
      copy: unitDollars === null ? '' : String(unitDollars),
      content: () =>
        button(text, () => this.#editPrice(row), {
          class: 'value',
          'aria-label': `Price of ${label}: ${text}${priceSource === null ? '' : `, ${priceSource}`}. Edit`,
          title: `${priceSource ?? 'No price is known.'} Click to edit; empty goes back to the list price.`,
          'data-price': id,
        }),
    };
  }

  /** The button becomes a field: Enter keeps, Escape leaves. */
  #editPrice({ id, label, unitDollars }: ComparisonRow): void {
    const place = this.#table.element.querySelector(`[data-price="${CSS.escape(id)}"]`);
    if (place === null) return;
    const field = element('input', {
      type: 'number',
      min: 0,
      step: 'any',
      class: 'price',
      'aria-label': `Price of ${label}, US dollars an hour`,
    });
    field.value = unitDollars === null ? '' : String(unitDollars);
    this.#editing = id;
    const finish = (keep: boolean) => {
      if (this.#editing !== id) return;
      this.#editing = undefined;
      const typed = field.value.trim();
      const price = typed === '' ? null : Number(typed);
      const isPrice = price === null || (Number.isFinite(price) && price > 0);
      if (keep && isPrice && price !== unitDollars) this.#events.price(id, price);
      void this.#draw().then(() =>
        this.#table.element.querySelector<HTMLElement>(`[data-price="${CSS.escape(id)}"]`)?.focus(),
      );
    };
    field.addEventListener('keydown', (event) => {
      if (event.key === 'Enter' || event.key === 'Escape') {
        event.stopPropagation();
        finish(event.key === 'Enter');
      }
    });
    field.addEventListener('blur', () => finish(true));
    place.replaceWith(field);
    field.focus();
    field.select();
  }
}

function fitsCell(row: ComparisonRow): Cell {
  const outcome =
    'way' in row ? row.way.verdict.outcome : row.rejection.cause === 'unknown' ? 'unknown' : 'does-not-fit';
  const word =
    'rejection' in row && row.rejection.cause === 'service-level' ? 'too slow' : verdictWord(outcome);
  return {
    text: word,
    title: 'way' in row ? row.way.verdict.reason : row.rejection.reason,
    content: () => element('span', { class: 'state' }, markIcon(outcome), ` ${word}`),
  };
}
