import type { CellResult, Remedy, RunResults } from '../../src/core/sweep/run.ts';
import type { RunTelemetry } from '../../src/protocol/panel.ts';
import { button, element, setText } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';
import type { SavedFile } from '../common/savedFile.ts';
import { Table } from '../common/table.ts';
import { markIcon } from '../common/verdict.ts';
import { type BesideRow, besideColumns, besideRows } from './besideTable.ts';
import { type CellFigures, failureWords, standingWords } from './cellFigures.ts';
import { standingMarks } from './cellTable.ts';
import { CellTelemetry } from './cellTelemetry.ts';
import { boundWords } from './why.ts';

export interface CellDetailEvents {
  planLine(cell: string): void;
  engineLog(cell: string): void;
  remedy(cell: string, remedy: number): void;
  hold(cell: string | null): void;
  close(): void;
  pick(cell: string): void;
  wholeRun(on: boolean): void;
  copy(text: string): void;
  save(file: SavedFile): void;
}

export interface CellDetailContent {
  readonly results: RunResults;
  readonly picked: CellFigures | undefined;
  readonly held: string | null;
  readonly telemetry: RunTelemetry | null;
  readonly wholeRun: boolean;
  readonly format: Formatter;
}

/** *The picked cell*: why it failed or what bounds it, predicted beside measured, its telemetry. */
export class CellDetail {
  readonly element = element('section', { class: 'detail', 'aria-labelledby': 'detail-title', hidden: true });
  readonly #title = element('h2', { id: 'detail-title' });
  readonly #hold: HTMLButtonElement;
  readonly #log: HTMLButtonElement;
  readonly #plan: HTMLButtonElement;
  readonly #parts = element('div', { class: 'detail-parts' });
  readonly #beside: Table<BesideRow>;
  readonly #besidePart: HTMLElement;
  readonly #telemetry: CellTelemetry;
  #content: CellDetailContent | undefined;
  #partsKey: CellResult | undefined;

  constructor(private readonly events: CellDetailEvents) {
    const ofPicked = (then: (cell: string) => void) => () => {
      const cell = this.#content?.picked?.cell.cell;
      if (cell !== undefined) then(cell);
    };
    this.#plan = button(
      'Plan line',
      ofPicked((cell) => events.planLine(cell)),
      {
        class: 'quiet',
        title: 'Show where the plan says this cell; of a plan that was edited since, as it was',
      },
    );
    this.#log = button(
      'Engine log',
      ofPicked((cell) => events.engineLog(cell)),
      { class: 'quiet' },
    );
    this.#hold = button(
      '',
      ofPicked((cell) => events.hold(this.#content?.held === cell ? null : cell)),
      {
        class: 'quiet',
        title: 'Hold this cell, then pick another: the difference of the two is shown',
      },
    );
    this.#beside = new Table<BesideRow>({
      caption: 'Predicted beside measured',
      columns: besideColumns(() => this.#format()),
      rowKey: ({ name }) => name,
      rowClass: ({ low, high, measured }) => (low < high && (measured < low || measured > high) ? 'off' : ''),
      copy: (text) => events.copy(text),
    });
    this.#besidePart = element(
      'div',
      { hidden: true },
      this.#beside.element,
      element(
        'div',
        { class: 'tools' },
        button('Copy', () => events.copy(this.#beside.toTsv()), {
          class: 'quiet',
          'aria-label': 'Copy predicted beside measured',
        }),
      ),
    );
    this.#telemetry = new CellTelemetry(events);
    this.element.append(
      element(
        'header',
        {},
        this.#title,
        element(
          'div',
          { class: 'tools' },
          this.#plan,
          this.#log,
          this.#hold,
          button('Close', () => events.close(), { class: 'quiet', 'aria-label': 'Close the cell' }),
        ),
      ),
      this.#parts,
      this.#besidePart,
      this.#telemetry.element,
    );
  }

  show(content: CellDetailContent): void {
    this.#content = content;
    const { picked, results, held, telemetry, wholeRun, format } = content;
    this.element.hidden = picked === undefined;
    if (picked === undefined) {
      this.#partsKey = undefined;
      return;
    }
    const { cell } = picked;
    const simulated = results.mode === 'rehearsal' ? ' (simulated)' : '';
    setText(this.#title, `${cell.label}${simulated}`);
    setText(this.#hold, held === cell.cell ? 'Let go' : 'Hold to compare');
    this.#plan.hidden = results.origin !== undefined;
    this.#log.hidden = results.origin !== undefined || cell.startedWallMs === null || simulated !== '';
    // The same cell again touches nothing: what was opened or marked in it stays.
    if (cell !== this.#partsKey) {
      this.#partsKey = cell;
      this.#parts.replaceChildren(...this.#partsOf(picked, format));
      const rows = besideRows(cell);
      this.#besidePart.hidden = rows.length === 0;
      this.#beside.caption = `Predicted beside measured${simulated}`;
      this.#beside.show(rows);
    }
    this.#telemetry.show({ results, cell, telemetry, wholeRun, format });
  }

  #partsOf(picked: CellFigures, format: Formatter): readonly HTMLElement[] {
    const { cell } = picked;
    return [
      element('p', { class: 'state' }, markIcon(standingMarks[picked.standing]), ` ${standingWords(picked)}`),
      ...this.#failureOf(cell),
      ...whyOf(cell),
      ...listOf('Checks', checksOf(cell)),
      ...listOf('Copies of the engine', copiesOf(cell, format)),
      ...listOf('GPUs and engine meanwhile', meanwhileOf(cell, format)),
    ];
  }

  #failureOf(cell: CellResult): readonly HTMLElement[] {
    const { failure, prediction, passedOver } = cell;
    if (passedOver !== undefined)
      return [element('p', {}, `Passed over by the search ${passedOver.search}: ${passedOver.why}`)];
    const predicted =
      prediction === null
        ? []
        : [
            element(
              'p',
              { class: 'quiet-text' },
              `Predicted: ${prediction.outcome.replaceAll('-', ' ')}; ${prediction.reason}`,
            ),
          ];
    if (failure === null) return predicted;
    const remedies = failure.remedies ?? [];
    return [
      element('p', {}, element('strong', {}, `${failureWords(cell)}. `), failure.message),
      ...predicted,
      ...(remedies.length === 0
        ? []
        : [
            element(
              'ul',
              { class: 'remedies', 'aria-label': 'What would help' },
              ...remedies.map((remedy, at) => this.#remedy(cell.cell, remedy, at)),
            ),
          ]),
      ...(failure.logExcerpt.length === 0
        ? []
        : [
            element(
              'pre',
              { tabindex: 0, role: 'region', 'aria-label': 'Log excerpt' },
              failure.logExcerpt.join('\n'),
            ),
          ]),
    ];
  }

  #remedy(cell: string, remedy: Remedy, at: number): HTMLElement {
    return element(
      'li',
      {},
      button(remedyWords(remedy), () => this.events.remedy(cell, at), {
        class: 'quiet',
        title: 'Write it into the plan',
      }),
      ` ${remedy.why}`,
    );
  }

  #format(): Formatter {
    if (this.#content === undefined) throw new Error('nothing is shown yet');
    return this.#content.format;
  }
}

/** `set max-num-seqs to 64`, `raise mem-fraction-static`. */
export function remedyWords({ flag, change, to }: Remedy): string {
  const value = to === undefined ? '' : ` to ${Array.isArray(to) ? to.join(' ') : String(to)}`;
  return `${change} ${flag}${value}`;
}

function whyOf({ why }: CellResult): readonly HTMLElement[] {
  if (why === undefined) return [];
  const bound =
    why.bound === 'unknown' ? 'What bounds it is not known. ' : `Bound by ${boundWords(why.bound)}. `;
  return [
    element(
      'div',
      { class: 'why' },
      element('p', {}, element('strong', {}, bound)),
      element('ul', {}, ...why.evidence.map((sentence) => element('li', {}, sentence))),
    ),
  ];
}

function checksOf({ trials, outliers = [] }: CellResult): readonly string[] {
  const several = trials.length > 1;
  return [
    ...trials.flatMap(({ checks, client }, at) => {
      const notes = checks?.notes ?? [];
      // The check of the client says these too; of a trial that was sent without its notes they stand alone.
      const because = (client?.boundBecause ?? []).filter((one) => !notes.some((note) => note.includes(one)));
      return [...notes, ...because].map((note) => (several ? `Trial ${at + 1}: ${note}` : note));
    }),
    ...outliers.map(({ trial, why }) => `Trial ${trial + 1} stands apart: ${why}`),
  ];
}

function copiesOf({ trials }: CellResult, format: Formatter): readonly string[] {
  return trials.flatMap(({ perEngine = [] }, at) =>
    perEngine.length < 2
      ? []
      : perEngine.map(({ engine, requests, systemTokensPerSecond, ttftP50Ms }) => {
          const trial = trials.length > 1 ? `trial ${at + 1}, ` : '';
          const rate =
            systemTokensPerSecond === null
              ? 'throughput not known'
              : `${format.significant(systemTokensPerSecond)} tok/s`;
          const ttft = ttftP50Ms === null ? '' : `, TTFT p50 ${format.milliseconds(ttftP50Ms)}`;
          return `${trial}copy ${engine + 1}: ${format.count(requests)} requests, ${rate}${ttft}`;
        }),
  );
}

function meanwhileOf({ telemetry, engineMetrics }: CellResult, format: Formatter): readonly string[] {
  const share = (value: number) => `${format.fixed(100 * value, 0)} %`;
  const parts: readonly (readonly [number | undefined, (value: number) => string])[] = [
    [telemetry?.meanWatts, (value) => `${format.significant(value)} W on the whole`],
    [telemetry?.energyJoules, (value) => `${format.significant(value / 1000)} kJ`],
    [telemetry?.joulesPerOutputToken, (value) => `${format.significant(value)} J an output token`],
    [telemetry?.smActive, (value) => `SM active ${share(value)}`],
    [telemetry?.tensorActive, (value) => `tensor active ${share(value)}`],
    [telemetry?.dramActive, (value) => `DRAM active ${share(value)}`],
    [telemetry?.memoryUsedBytes, (value) => `${format.bytes(value)} of memory in use`],
    [telemetry?.hostCpu, (value) => `host CPU ${share(value)}`],
    [engineMetrics?.kvUsageMost, (value) => `KV cache up to ${share(value)}`],
    [engineMetrics?.preemptions, (value) => `${format.count(value)} preemptions`],
    [engineMetrics?.waiting, (value) => `${format.significant(value)} requests waiting`],
  ];
  const said = parts.flatMap(([value, words]) => (value === undefined ? [] : [words(value)]));
  return said.length === 0 ? [] : [said.join(' · ')];
}

function listOf(title: string, items: readonly string[]): readonly HTMLElement[] {
  if (items.length === 0) return [];
  return [
    element(
      'div',
      {},
      element('h3', {}, title),
      element('ul', {}, ...items.map((item) => element('li', {}, item))),
    ),
  ];
}
