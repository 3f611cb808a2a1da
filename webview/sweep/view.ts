import { findDevice } from '../../src/core/device/catalogue.ts';
import type { RunResults } from '../../src/core/sweep/run.ts';
import type { FromSweep } from '../../src/protocol/panel.ts';
import { element, setText } from '../common/dom.ts';
import { createFormatter, type Formatter } from '../common/format.ts';
import { CellDetail } from './cellDetail.ts';
import { type CellFigures, cellFigures } from './cellFigures.ts';
import { CellList } from './cellList.ts';
import { type Choices, forAnotherRun } from './choices.ts';
import { ComparisonSection } from './comparisonSection.ts';
import { type Dimension, sweptDimensions } from './dimensions.ts';
import { cellFilter } from './filter.ts';
import { SweepHeader } from './header.ts';
import { plotChoice } from './plotChoice.ts';
import { PlotSection } from './plotSection.ts';
import { SearchList } from './searchList.ts';
import type { SweepState } from './state.ts';

export interface SweepEvents {
  post(message: FromSweep): void;
  /** What is chosen is another; it is kept. */
  chosen(choices: Choices): void;
}

/** What is worked out of the results once, however often the page is drawn. */
interface Prepared {
  readonly results: RunResults;
  readonly figures: readonly CellFigures[];
  readonly dimensions: readonly Dimension[];
}

/** Answer, picture, numbers, the picked cell, and how all of it is known, of one run. */
export class SweepView {
  readonly #header: SweepHeader;
  readonly #results = element('div', { class: 'results', hidden: true });
  readonly #empty = element('p', { class: 'empty' }, 'Waiting for the data of the run …');
  readonly #foot = element('p', { class: 'foot quiet-text' });
  readonly #plot: PlotSection;
  readonly #list: CellList;
  readonly #detail: CellDetail;
  readonly #comparison: ComparisonSection;
  readonly #searches: SearchList;
  #format: Formatter = createFormatter('en-US');
  #locale = 'en-US';
  #state: SweepState | undefined;
  #prepared: Prepared | undefined;
  /** What the host was asked for, so that it is asked once. */
  #asked = { cell: '', telemetry: '', run: '' };

  constructor(
    root: HTMLElement,
    private choices: Choices,
    private readonly events: SweepEvents,
  ) {
    const post = (message: FromSweep) => events.post(message);
    const pick = (cell: string) => this.pick(cell);
    const shared = {
      pick,
      copy: (text: string) => post({ type: 'copy', text }),
      save: (file: { readonly name: string; readonly base64: string }) => post({ type: 'save', ...file }),
    };
    this.#header = new SweepHeader(post);
    this.#searches = new SearchList(pick);
    this.#plot = new PlotSection({ ...shared, chosen: (plot) => this.#change({ plot }) });
    this.#list = new CellList({ ...shared, change: (choices) => this.#change(choices) });
    this.#detail = new CellDetail({
      ...shared,
      planLine: (cell) => post({ type: 'plan-line', cell }),
      engineLog: (cell) => post({ type: 'engine-log', cell }),
      remedy: (cell, remedy) => post({ type: 'remedy', cell, remedy }),
      hold: (held) => this.#change({ held }),
      close: () => this.#change({ picked: null }),
      wholeRun: (wholeRun) => this.#change({ wholeRun }),
    });
    this.#comparison = new ComparisonSection({
      copy: shared.copy,
      compareRun: (comparedRun) => this.#change({ comparedRun }),
      letGo: () => this.#change({ held: null }),
    });
    this.#results.append(
      this.#plot.element,
      this.#searches.element,
      this.#list.element,
      this.#detail.element,
      this.#comparison.element,
      this.#foot,
    );
    root.replaceChildren(...this.#header.elements, this.#empty, this.#results);
  }

  show(state: SweepState): void {
    const before = this.#state?.results?.run;
    this.#state = state;
    if (state.locale !== this.#locale) {
      this.#locale = state.locale;
      this.#format = createFormatter(state.locale);
    }
    const { results } = state;
    if (before !== undefined && results !== null && results.run !== before) {
      this.choices = forAnotherRun(this.choices);
      this.#asked = { cell: '', telemetry: '', run: '' };
      this.events.chosen(this.choices);
    }
    this.#header.show(state, this.#format);
    this.#results.hidden = results === null;
    this.#empty.hidden = results !== null;
    this.#results.classList.toggle('stale', state.connection !== null);
    if (results === null)
      setText(
        this.#empty,
        'No run to show. Start one from the lens of a *.sweep.yaml file, or pick one in the Runs view.',
      );
    else this.#draw();
  }

  /** Shows the cell's details and its row. */
  pick(cell: string): void {
    this.#change({ picked: cell });
    this.#list.reveal(cell);
  }

  #change(choices: Partial<Choices>): void {
    this.choices = { ...this.choices, ...choices };
    this.events.chosen(this.choices);
    this.#draw();
  }

  #prepare(results: RunResults): Prepared {
    if (this.#prepared?.results !== results) {
      const dollarsPerGpuHour =
        results.price?.dollarsPerHour ?? findDevice(results.device)?.dollarsPerHour ?? null;
      this.#prepared = {
        results,
        figures: cellFigures(results, { dollarsPerGpuHour }),
        dimensions: sweptDimensions(results.cells),
      };
    }
    return this.#prepared;
  }

  #draw(): void {
    const state = this.#state;
    const results = state?.results ?? null;
    if (state === undefined || results === null) return;
    const { figures, dimensions } = this.#prepare(results);
    const { choices } = this;
    const format = this.#format;
    const shown = this.#shown(figures, dimensions);
    const choice = plotChoice(choices.plot, results.question ?? null, dimensions);
    const picked = figures.find(({ cell }) => cell.cell === choices.picked);
    const held = figures.find(({ cell }) => cell.cell === choices.held);
    this.#ask(choices, picked);
    this.#plot.show({ results, figures: shown, dimensions, choice, picked: choices.picked, format });
    this.#searches.show(results);
    this.#list.show({
      results,
      all: figures,
      shown,
      dimensions,
      choices,
      plotted: [choice.x, choice.y],
      planCursor: state.planCursor,
      format,
    });
    this.#detail.show({
      results,
      picked,
      held: choices.held,
      telemetry: state.telemetry,
      wholeRun: choices.wholeRun,
      format,
    });
    this.#comparison.show({
      results,
      picked: picked?.cell,
      held: held?.cell,
      others: state.others,
      chosenRun: choices.comparedRun,
      compared: state.compared,
      format,
    });
    setText(this.#foot, footWords(results));
  }

  #shown(figures: readonly CellFigures[], dimensions: readonly Dimension[]): readonly CellFigures[] {
    const { filter, hiddenCells, hiddenKinds } = this.choices;
    const hidden = new Set(hiddenCells);
    const passes = cellFilter(filter, dimensions);
    return figures.filter(
      (one) => !hidden.has(one.cell.cell) && !hiddenKinds.includes(one.standing) && passes(one),
    );
  }

  #ask({ wholeRun, comparedRun }: Choices, picked: CellFigures | undefined): void {
    const id = picked?.cell.cell ?? '';
    if (id !== this.#asked.cell) {
      this.#asked.cell = id;
      if (id !== '') this.events.post({ type: 'cell', cell: id });
    }
    const ran = picked?.cell.startedWallMs != null;
    const cell = wholeRun ? null : (picked?.cell.cell ?? null);
    // What a running cell samples goes on: it is asked for again when it has ended.
    const telemetry = ran ? JSON.stringify([cell, picked?.cell.finishedWallMs]) : '';
    if (telemetry !== this.#asked.telemetry) {
      this.#asked.telemetry = telemetry;
      if (ran) this.events.post({ type: 'telemetry', cell });
    }
    const run = comparedRun ?? '';
    if (run !== this.#asked.run) {
      this.#asked.run = run;
      if (run !== '') this.events.post({ type: 'compare', run });
    }
  }
}

function footWords({ run, host, mode, origin }: RunResults): string {
  const how =
    origin !== undefined
      ? `read from ${origin.file}, as ${origin.tool}${origin.version === null ? '' : ` ${origin.version}`} wrote it`
      : mode === 'rehearsal'
        ? 'simulated by the rehearsal engine, not measured'
        : 'measured';
  return `How we know: run ${run} on ${host}, ${how}. Error bars are 95 % intervals; of repeats without one, from the least to the most. Percentiles that the sample can’t certify show as –.`;
}
