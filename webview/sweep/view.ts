import { findDevice } from '../../src/core/device/catalogue.ts';
import type { CellResult, RunResults } from '../../src/core/sweep/run.ts';
import type { FromSweep, SweepProgress } from '../../src/protocol/panel.ts';
import { button, element, setAttributes, setText } from '../common/dom.ts';
import { Figure } from '../common/figure.ts';
import { createFormatter, type Formatter } from '../common/format.ts';
import { Table } from '../common/table.ts';
import { VerdictLine } from '../common/verdict.ts';
import { type CellFigures, cellFigures, failureWords, serviceLevelWords } from './cellFigures.ts';
import { cellColumns } from './cellTable.ts';
import { actions, type HorizontalAxis, headline, horizontalAxes, type SweepState } from './state.ts';
import { throughputChart, throughputSummary } from './throughputChart.ts';

export interface SweepEvents {
  post(message: FromSweep): void;
  axisChosen(axis: HorizontalAxis): void;
}

const axisNames: Readonly<Record<HorizontalAxis, string>> = {
  ttft: 'TTFT p95',
  'per-query': 'tokens/s per query',
  concurrency: 'concurrency',
};

/** Answer, picture, numbers, and how they are known, of one run. */
export class SweepView {
  readonly #title = element('h1', {}, 'Sweep');
  readonly #simulated = element('span', { class: 'tag tag-simulated', hidden: true }, 'simulated');
  readonly #subtitle = element('p', { class: 'quiet-text' });
  readonly #verdict = new VerdictLine();
  readonly #notices = element('div', { class: 'notices' });
  readonly #progress = element('section', { class: 'progress', 'aria-label': 'Progress', hidden: true });
  readonly #progressBar = element('progress', { 'aria-label': 'Cells done' });
  readonly #progressText = element('p');
  readonly #cancel: HTMLButtonElement;
  readonly #resume: HTMLButtonElement;
  readonly #report: HTMLButtonElement;
  readonly #axis: HTMLSelectElement;
  readonly #results = element('div', { class: 'results', hidden: true });
  readonly #empty = element('p', { class: 'empty' }, 'Waiting for the data of the run …');
  readonly #figure: Figure<CellFigures>;
  readonly #tablePlace = element('section', { class: 'cells', 'aria-label': 'Cells' });
  readonly #failures = element('section', {
    class: 'failures',
    'aria-label': 'Cells that failed',
    hidden: true,
  });
  readonly #foot = element('p', { class: 'foot quiet-text' });
  #table: { readonly view: Table<CellFigures>; readonly grouped: boolean } | undefined;
  #format: Formatter = createFormatter('en-US');
  #state: SweepState | undefined;

  constructor(
    root: HTMLElement,
    axis: HorizontalAxis,
    private readonly events: SweepEvents,
  ) {
    this.#cancel = button('Cancel run', () => events.post({ type: 'cancel' }));
    this.#resume = button('Resume run', () => events.post({ type: 'resume' }), { class: 'primary' });
    this.#report = button('Open report', () => events.post({ type: 'report' }));
    this.#axis = element(
      'select',
      { id: 'axis' },
      ...horizontalAxes.map((name) =>
        element('option', { value: name, selected: name === axis }, axisNames[name]),
      ),
    );
    this.#axis.addEventListener('change', () => {
      events.axisChosen(this.#chosenAxis());
      this.#showFigure();
    });
    this.#figure = new Figure<CellFigures>({
      id: 'throughput',
      title: 'Throughput',
      table: this.#tableOptions(true),
      save: (file) => this.events.post({ type: 'save', ...file }),
    });
    this.#progress.append(this.#progressBar, this.#progressText);
    this.#results.append(
      element(
        'div',
        { class: 'tools' },
        element('label', { for: 'axis' }, 'System tokens/s against'),
        this.#axis,
      ),
      this.#figure.element,
      this.#tablePlace,
      this.#failures,
      this.#foot,
    );
    this.#verdict.element.hidden = true;
    root.replaceChildren(
      element(
        'header',
        { class: 'panel-header' },
        element('div', { class: 'title' }, this.#title, this.#simulated),
        element('div', { class: 'tools' }, this.#cancel, this.#resume, this.#report),
        this.#subtitle,
      ),
      this.#verdict.element,
      this.#notices,
      this.#progress,
      this.#empty,
      this.#results,
    );
    this.#showActions(null);
  }

  show(state: SweepState): void {
    this.#state = state;
    this.#format = createFormatter(state.locale);
    const { results } = state;
    this.#showNotices(state);
    this.#showActions(results);
    this.#showProgress(state.progress);
    this.#verdict.element.hidden = results === null;
    this.#results.hidden = results === null;
    this.#empty.hidden = results !== null;
    this.#results.classList.toggle('stale', state.connection !== null);
    if (results === null) {
      setText(
        this.#empty,
        'No run to show. Start one from the lens of a *.sweep.yaml file, or pick one in the Runs view.',
      );
      return;
    }
    const simulated = results.mode === 'rehearsal';
    setText(this.#title, results.name);
    this.#simulated.hidden = !simulated;
    setText(this.#subtitle, subtitle(results));
    const { mark, word, sentence } = headline(results);
    this.#verdict.show(mark, word, sentence);
    this.#showFigure();
    this.#showTable(results);
    this.#showFailures(results.cells);
    setText(
      this.#foot,
      `How we know: run ${results.run} on ${results.host}, ${simulated ? 'simulated by the rehearsal engine, not measured' : 'measured'}. Percentiles that the sample can’t certify show as –.`,
    );
  }

  #chosenAxis(): HorizontalAxis {
    return horizontalAxes.find((name) => name === this.#axis.value) ?? 'ttft';
  }

  #showFigure(): void {
    const results = this.#state?.results ?? null;
    if (results === null) return;
    const figures = cellFigures(results);
    const axis = this.#chosenAxis();
    const simulated = results.mode === 'rehearsal' ? ' (simulated)' : '';
    this.#figure.show({
      title: `System tokens/s against ${axisNames[axis]}${simulated}`,
      chart: throughputChart(results, figures, axis, this.#format),
      rows: figures.filter((one) => one.systemTokensPerSecond !== null),
      summary: throughputSummary(results, figures, this.#format),
    });
  }

  #tableOptions(grouped: boolean) {
    return {
      caption: 'Cells',
      columns: cellColumns(() => this.#format, grouped),
      rowKey: (row: CellFigures) => row.cell.cell,
      rowClass: (row: CellFigures) => (row.standing === 'skipped' ? 'struck' : ''),
      copy: (text: string) => this.events.post({ type: 'copy', text }),
    };
  }

  #showTable(results: RunResults): void {
    const rows = cellFigures(results);
    const grouped = rows.some((row) => row.group !== '');
    if (this.#table?.grouped !== grouped) {
      const view = new Table<CellFigures>(this.#tableOptions(grouped));
      this.#table = { view, grouped };
      this.#tablePlace.replaceChildren(
        view.element,
        element(
          'div',
          { class: 'tools' },
          button('Copy table', () => this.events.post({ type: 'copy', text: view.toTsv() }), {
            class: 'quiet',
          }),
        ),
      );
    }
    const simulated = results.mode === 'rehearsal' ? ' (simulated)' : '';
    const level = results.serviceLevel === null ? '' : `; SLO: ${serviceLevelWords(results.serviceLevel)}`;
    this.#table.view.caption = `Cells${simulated}${level}`;
    this.#table.view.show(rows);
  }

  #showFailures(cells: readonly CellResult[]): void {
    const failed = cells.filter((cell) => cell.failure !== null && cell.state === 'failed');
    this.#failures.hidden = failed.length === 0;
    const open = new Set([...this.#failures.querySelectorAll('details[open]')].map((one) => one.id));
    this.#failures.replaceChildren(
      element('h2', {}, 'Cells that failed'),
      ...failed.map((cell) => failureDetails(cell, open)),
    );
  }

  #showNotices({ connection, results, incompatible }: SweepState): void {
    const notices: HTMLElement[] = [];
    if (incompatible)
      notices.push(
        element(
          'p',
          { class: 'notice notice-failed' },
          'This panel and the extension are of different versions. Reload the window.',
        ),
      );
    if (connection !== null)
      notices.push(
        element(
          'p',
          { class: 'notice', id: 'connection-lost' },
          element('strong', {}, 'Connection lost. '),
          `${connection} The run itself goes on on its host; below is what was known until then.`,
        ),
      );
    const warnings = results?.warnings ?? [];
    if (warnings.length > 0)
      notices.push(
        element(
          'div',
          { class: 'notice' },
          element('ul', {}, ...warnings.map((text) => element('li', {}, text))),
        ),
      );
    this.#notices.hidden = notices.length === 0;
    this.#notices.replaceChildren(...notices);
  }

  #showActions(results: RunResults | null): void {
    const possible = results === null ? { cancel: false, resume: false, report: false } : actions(results);
    this.#cancel.hidden = !possible.cancel;
    this.#resume.hidden = !possible.resume;
    this.#report.hidden = !possible.report;
  }

  #showProgress(progress: SweepProgress | null): void {
    this.#progress.hidden = progress === null;
    if (progress === null) return;
    setAttributes(this.#progressBar, { max: Math.max(1, progress.total), value: progress.completed });
    setText(this.#progressText, progressWords(progress, this.#format));
  }
}

function subtitle(results: RunResults): string {
  const engine = [results.engine.name, results.engine.version ?? 'version not known'].join(' ');
  const device = findDevice(results.device)?.label ?? results.device;
  return [results.model, engine, device, results.host].join(' · ');
}

function progressWords(progress: SweepProgress, format: Formatter): string {
  const left =
    progress.remainingSeconds === null
      ? 'time left not known'
      : `about ${format.duration(progress.remainingSeconds)} left`;
  return [
    `${progress.completed} of ${progress.total} cells done`,
    progress.cell === null ? '' : `now ${progress.cell}`,
    progress.phase ?? '',
    `${format.duration(progress.elapsedSeconds)} gone`,
    left,
  ]
    .filter((part) => part !== '')
    .join(' · ');
}

function failureDetails(cell: CellResult, open: ReadonlySet<string>): HTMLElement {
  const id = `failure-${cell.cell}`;
  const predicted = cell.prediction === null ? '' : `Predicted: ${cell.prediction.reason}`;
  return element(
    'details',
    { id, open: open.has(id) },
    element('summary', {}, `${cell.label}: ${failureWords(cell)}`),
    element('p', {}, cell.failure?.message ?? ''),
    predicted === '' ? null : element('p', { class: 'quiet-text' }, predicted),
    (cell.failure?.logExcerpt.length ?? 0) === 0
      ? null
      : element(
          'pre',
          { tabindex: 0, 'aria-label': 'Log excerpt' },
          cell.failure?.logExcerpt.join('\n') ?? '',
        ),
  );
}
