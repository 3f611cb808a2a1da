import { compareRuns, type RunComparison } from '../../src/core/sweep/compare.ts';
import { type IntervalMetric, intervalMetrics } from '../../src/core/sweep/loadResult.ts';
import type { CellResult, RunResults } from '../../src/core/sweep/run.ts';
import type { ComparedRun, OtherRun } from '../../src/protocol/panel.ts';
import { button, element, setText } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import { Table } from '../common/table.ts';
import { type DifferenceRow, differenceColumns, differenceRows, metricWords } from './difference.ts';
import { gainWords } from './heatMap.ts';

export interface ComparisonEvents {
  compareRun(run: string | null): void;
  letGo(): void;
  copy(text: string): void;
}

export interface ComparisonContent {
  readonly results: RunResults;
  readonly picked: CellResult | undefined;
  readonly held: CellResult | undefined;
  readonly others: readonly OtherRun[];
  readonly chosenRun: string | null;
  readonly compared: ComparedRun | null;
  readonly format: Formatter;
}

/** Two cells of this run, or this run and another: other flags, another host, another day. */
export class ComparisonSection {
  readonly element = element('section', { class: 'comparison', 'aria-labelledby': 'comparison-title' });
  readonly #title = element('h2', { id: 'comparison-title' }, 'Compare');
  readonly #runs = element('select', { id: 'compare-run' });
  readonly #choice: HTMLElement;
  readonly #metric: HTMLSelectElement;
  readonly #metricChoice: HTMLElement;
  readonly #summary = element('p', { class: 'summary' });
  readonly #place = element('div');
  readonly #copy: HTMLButtonElement;
  readonly #letGo: HTMLButtonElement;
  #table: Table<DifferenceRow> | undefined;
  #tableKey = '';
  #runsKey = '';
  #format: Formatter | undefined;
  #content: ComparisonContent | undefined;
  #known: { readonly of: readonly [RunResults, RunResults]; readonly comparison: RunComparison } | undefined;

  constructor(private readonly events: ComparisonEvents) {
    this.#runs.addEventListener('change', () =>
      events.compareRun(this.#runs.value === '' ? null : this.#runs.value),
    );
    this.#choice = element(
      'span',
      { class: 'choice' },
      element('label', { for: 'compare-run' }, 'This run with'),
      this.#runs,
    );
    this.#metric = element(
      'select',
      { id: 'compare-metric' },
      ...intervalMetrics.map((metric) => element('option', { value: metric }, metricWords[metric])),
      element('option', { value: '' }, 'all figures'),
    );
    this.#metric.addEventListener('change', () => {
      if (this.#content !== undefined) this.show(this.#content);
    });
    this.#metricChoice = element(
      'span',
      { class: 'choice' },
      element('label', { for: 'compare-metric' }, 'by'),
      this.#metric,
    );
    this.#copy = button('Copy', () => events.copy(this.#table?.toTsv() ?? ''), {
      class: 'quiet',
      'aria-label': 'Copy the differences',
    });
    this.#letGo = button('Let go of the cell', () => events.letGo(), { class: 'quiet' });
    this.element.append(
      element(
        'header',
        { class: 'tools' },
        this.#title,
        this.#choice,
        this.#metricChoice,
        this.#letGo,
        this.#copy,
      ),
      this.#summary,
      this.#place,
    );
  }

  show(content: ComparisonContent): void {
    const { held, picked, others, chosenRun, format } = content;
    this.#content = content;
    this.#format = format;
    this.#showRuns(others, chosenRun);
    this.element.hidden = others.length === 0 && held === undefined;
    this.#choice.hidden = others.length === 0;
    this.#letGo.hidden = held === undefined;
    if (held !== undefined) this.#showCells(held, picked, content.results);
    else if (chosenRun !== null) this.#showOtherRun(content, chosenRun);
    else this.#showNothing('');
  }

  #showCells(held: CellResult, picked: CellResult | undefined, results: RunResults): void {
    if (picked === undefined || picked.cell === held.cell) {
      this.#showNothing(`${held.label} is held. Pick another cell to see the difference.`);
      return;
    }
    // As one run with the held cell against one with the picked.
    const label = `${held.label} against ${picked.label}`;
    const comparison = compareRuns(
      { ...results, cells: [{ ...held, label }] },
      { ...results, cells: [{ ...picked, cell: held.cell, label }] },
    );
    this.#showRows(differenceRows(comparison.cells, null), { first: held.label, second: picked.label }, '');
  }

  #showOtherRun({ results, compared, others, format }: ComparisonContent, run: string): void {
    if (compared?.run !== run) {
      this.#showNothing('Reading the other run …');
      return;
    }
    const other = compared.results;
    if (other === null) {
      this.#showNothing('That run has no results.');
      return;
    }
    const isKnown = this.#known?.of[0] === other && this.#known.of[1] === results;
    const comparison =
      isKnown && this.#known !== undefined ? this.#known.comparison : compareRuns(other, results);
    this.#known = { of: [other, results], comparison };
    const name = otherWords(
      others.find((one) => one.run === run),
      run,
    );
    const summary = comparisonWords(comparison, name, format);
    const simulated = (other.mode === 'rehearsal') !== (results.mode === 'rehearsal');
    this.#showRows(
      differenceRows(comparison.cells, this.#chosenMetric()),
      namesOf(other, results),
      simulated
        ? `${summary} One of them is simulated: the difference says nothing of the hardware.`
        : summary,
    );
  }

  #showRows(
    rows: readonly DifferenceRow[],
    names: { readonly first: string; readonly second: string },
    summary: string,
  ): void {
    const key = JSON.stringify(names);
    if (this.#table === undefined || key !== this.#tableKey) {
      this.#tableKey = key;
      this.#table = new Table<DifferenceRow>({
        caption: 'Differences, 95 %',
        columns: differenceColumns(() => this.#knownFormat(), names),
        rowKey: ({ cell, metric }) => `${cell}\n${metric}`,
        copy: (text) => this.events.copy(text),
      });
      this.#place.replaceChildren(this.#table.element);
    }
    setText(this.#summary, summary);
    this.#summary.hidden = summary === '';
    this.#place.hidden = this.#copy.hidden = rows.length === 0;
    // Of two cells all figures are shown: they are few.
    this.#metricChoice.hidden = this.#content?.held !== undefined;
    this.#table.show(rows);
  }

  #showNothing(why: string): void {
    setText(this.#summary, why);
    this.#summary.hidden = why === '';
    this.#place.hidden = this.#copy.hidden = this.#metricChoice.hidden = true;
  }

  #chosenMetric(): IntervalMetric | null {
    return intervalMetrics.find((metric) => metric === this.#metric.value) ?? null;
  }

  #showRuns(others: readonly OtherRun[], chosen: string | null): void {
    const key = JSON.stringify([others, chosen]);
    if (key === this.#runsKey) return;
    this.#runsKey = key;
    this.#runs.replaceChildren(
      element('option', { value: '' }, '– (no other run)'),
      ...others.map((other) =>
        element('option', { value: other.run, selected: other.run === chosen }, otherWords(other, other.run)),
      ),
    );
  }

  #knownFormat(): Formatter {
    if (this.#format === undefined) throw new Error('nothing is shown yet');
    return this.#format;
  }
}

/** By what sets them apart: the host, else the time. */
function namesOf(other: RunResults, own: RunResults): { readonly first: string; readonly second: string } {
  return other.host === own.host
    ? { first: other.run, second: 'this run' }
    : { first: other.host, second: `${own.host} (this run)` };
}

function otherWords(other: OtherRun | undefined, run: string): string {
  if (other === undefined) return run;
  const shared = other.sharedCells === 0 ? 'no cell in common' : `${other.sharedCells} cells in common`;
  return [other.host, other.run, other.simulated ? 'simulated' : '', shared]
    .filter((part) => part !== '')
    .join(' · ');
}

function comparisonWords(
  { overall, pairedBy, cells, onlyFirst, onlySecond }: RunComparison,
  name: string,
  format: Formatter,
): string {
  if (pairedBy === 'none') return `${name} has no cell in common with this run, by content or by name.`;
  const said = intervalMetrics.flatMap((metric) => {
    const found = overall[metric];
    if (found === undefined) return [];
    const words =
      found.verdict === 'no-real-difference'
        ? 'no real difference'
        : `${gainWords(found.relative, format)} (${gainWords(found.low, format)} to ${gainWords(found.high, format)})`;
    return [`${metricWords[metric]}: ${words}`];
  });
  const alone = onlyFirst.length + onlySecond.length;
  const missing = alone === 0 ? '' : ` ${alone} cells are in one of them alone.`;
  const how = pairedBy === 'label' ? ' They are paired by their names: model, engine or version differ.' : '';
  return said.length === 0
    ? `${cells.length} cells in common: too few for a difference over all.${how}${missing}`
    : `This run against ${name}, over ${cells.length} cells: ${said.join('; ')}.${how}${missing}`;
}
