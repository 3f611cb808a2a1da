import type { FlagValue } from '../../src/core/engine/deployment.ts';
import { findEngine } from '../../src/core/engine/engine.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import type {
  DeploymentEstimate,
  EstimateRequest,
  Fix,
  SpeedEstimate,
  UnknownEstimate,
} from '../../src/core/estimate/types.ts';
import type { FromCalculator } from '../../src/protocol/panel.ts';
import { button, element, setText } from '../common/dom.ts';
import { Figure } from '../common/figure.ts';
import { createFormatter, type Formatter } from '../common/format.ts';
import { frames } from '../common/frames.ts';
import { Table } from '../common/table.ts';
import { VerdictLine, verdictWord } from '../common/verdict.ts';
import { contextColumns, contextFigure, speedColumns, speedFigure } from './charts.ts';
import { commandLine } from './commandLine.ts';
import { Controls } from './controls.ts';
import {
  acrossDevices,
  type ContextPoint,
  concurrencyByContext,
  type DeviceRow,
  speedByBatch,
} from './curves.ts';
import { checkWords, factElements } from './facts.ts';
import { memoryBars } from './memoryBar.ts';
import { Selectors } from './selectors.ts';
import {
  type CalculatorState,
  type Change,
  type Choice,
  changes,
  choose,
  drop,
  type EditValue,
  effectiveRequest,
  setFlag,
} from './state.ts';
import { deviceColumns, type TermRow, termColumns, termRows } from './tables.ts';

export interface CalculatorEvents {
  post(message: FromCalculator): void;
  changed(state: CalculatorState): void;
}

/** Does it fit, and what if: every change is answered in the frame in which it was made. */
export class CalculatorView {
  readonly #title = element('h1', {}, 'Calculator');
  readonly #following = element('p', { class: 'quiet-text' });
  readonly #verdict = new VerdictLine();
  readonly #notices = element('div', { class: 'notices' });
  readonly #selectors: Selectors;
  readonly #actions = element('div', { class: 'tools' });
  readonly #applyAll: HTMLButtonElement;
  readonly #copyCommand: HTMLButtonElement;
  readonly #changes = element('ul', { class: 'changes', 'aria-label': 'Changes on top of the file' });
  readonly #fixes = element('div', { class: 'fixes tools' });
  readonly #empty = element('p', { class: 'empty' }, 'Waiting for the deployment …');
  readonly #body = element('div', { class: 'body', hidden: true });
  readonly #bars = element('section', { class: 'bars', 'aria-label': 'Memory' });
  readonly #controls: Controls;
  readonly #facts = element('dl', { class: 'facts' });
  readonly #contextFigure: Figure<ContextPoint>;
  readonly #speedFigure: Figure<SpeedEstimate>;
  readonly #devices: Table<DeviceRow>;
  readonly #terms: Table<TermRow>;
  readonly #check = element('p', { class: 'quiet-text' });
  #state: CalculatorState;
  #format: Formatter;
  /** The file's own resolved flags; worked out once for each state of the file. */
  #base:
    | { readonly request: EstimateRequest; readonly resolved: Readonly<Record<string, FlagValue>> }
    | undefined;
  #changesKey = '';
  #fixesKey = '';

  constructor(
    root: HTMLElement,
    state: CalculatorState,
    private readonly events: CalculatorEvents,
  ) {
    this.#state = state;
    this.#format = createFormatter(state.locale);
    const format = () => this.#format;
    const copy = (text: string) => events.post({ type: 'copy', text });
    this.#selectors = new Selectors((choice) => this.#choose(choice));
    this.#controls = new Controls({ set: (flag, value) => this.#set(flag, value) });
    this.#applyAll = button('Apply', () => this.#apply(this.#currentChanges()), { class: 'primary' });
    this.#copyCommand = button('Copy command', () => {
      const request = effectiveRequest(this.#state);
      if (request !== null) copy(commandLine(request.deployment));
    });
    this.#contextFigure = new Figure<ContextPoint>({
      id: 'context',
      title: 'Concurrency by context length',
      table: {
        caption: '',
        columns: contextColumns(format),
        rowKey: ({ maxModelLen }) => String(maxModelLen),
        copy,
      },
    });
    this.#speedFigure = new Figure<SpeedEstimate>({
      id: 'speed',
      title: 'Speed by batch (estimated)',
      table: { caption: '', columns: speedColumns(format), rowKey: ({ batch }) => String(batch), copy },
    });
    this.#devices = new Table<DeviceRow>({
      caption: 'The same on other GPUs',
      columns: deviceColumns(format, (device) => this.#choose({ device })),
      rowKey: ({ device }) => device.id,
      copy,
    });
    this.#terms = new Table<TermRow>({
      caption: 'Terms of a rank',
      columns: termColumns(format),
      rowKey: ({ name }) => name,
      copy,
    });
    this.#actions.append(this.#applyAll, this.#copyCommand);
    const tools = (name: string, table: () => string) =>
      element(
        'div',
        { class: 'tools' },
        button('Copy', () => copy(table()), { class: 'quiet', 'aria-label': `Copy table: ${name}` }),
      );
    this.#body.append(
      this.#bars,
      this.#controls.element,
      this.#facts,
      element('div', { class: 'figures' }, this.#contextFigure.element, this.#speedFigure.element),
      element(
        'section',
        { class: 'figure', 'aria-label': 'Other GPUs' },
        this.#devices.element,
        tools('the same on other GPUs', () => this.#devices.toTsv()),
      ),
      element(
        'section',
        { class: 'figure', 'aria-label': 'Terms' },
        this.#terms.element,
        tools('terms of a rank', () => this.#terms.toTsv()),
        this.#check,
      ),
    );
    this.#verdict.element.hidden = true;
    root.replaceChildren(
      element('header', { class: 'panel-header' }, this.#title, this.#following, this.#actions),
      this.#verdict.element,
      this.#fixes,
      this.#selectors.element,
      this.#changes,
      this.#notices,
      this.#empty,
      this.#body,
    );
    this.#show();
  }

  update(change: (state: CalculatorState) => CalculatorState): void {
    this.#state = change(this.#state);
    this.#format = createFormatter(this.#state.locale);
    this.events.changed(this.#state);
    this.#show();
  }

  #set(flag: string, value: EditValue): void {
    this.update((state) => setFlag(state, flag, value, this.#baseResolved()));
  }

  #choose(choice: Choice): void {
    this.update((state) => choose(state, choice));
  }

  #apply(list: readonly Change[]): void {
    const edits = list.flatMap(({ edit }) => (edit === null ? [] : [edit]));
    if (edits.length > 0) this.events.post({ type: 'apply', changes: edits });
  }

  #baseResolved(): Readonly<Record<string, FlagValue>> {
    const request = this.#state.base;
    if (request === null) return {};
    if (this.#base?.request !== request)
      this.#base = { request, resolved: estimate(request, { fixes: false }).resolved };
    return this.#base.resolved;
  }

  #currentChanges(): readonly Change[] {
    return changes(this.#state, this.#baseResolved());
  }

  #show(): void {
    const state = this.#state;
    const request = effectiveRequest(state);
    const now = request === null ? null : estimate(request);
    const list = this.#currentChanges();
    setText(this.#title, request === null ? 'Calculator' : titleOf(request, now));
    setText(
      this.#following,
      state.following === null ? 'stands alone: no file is changed' : `following ${state.following}`,
    );
    this.#selectors.show(state, request);
    this.#showVerdict(now ?? state.hostEstimate);
    this.#showChanges(list);
    this.#showFixes(now?.verdict.fixes ?? []);
    this.#showNotices(now ?? state.hostEstimate);
    this.#copyCommand.hidden = request === null;
    this.#body.hidden = request === null;
    this.#empty.hidden = request !== null;
    if (request === null || now === null) {
      if (state.received) setText(this.#empty, 'Choose a model and a GPU to see what fits.');
      return;
    }
    this.#bars.replaceChildren(...memoryBars(now, this.#format));
    this.#controls.show(request, now, new Map(list.map(({ id, from }) => [id, from])), this.#format);
    this.#facts.replaceChildren(...factElements(now, this.#format));
    setText(this.#check, checkWords(now, this.#format));
    this.#showLater(request, now);
  }

  /** Dozens of estimates, and the canvas: one part a frame, after the answer stands. */
  #showLater(request: EstimateRequest, now: DeploymentEstimate): void {
    frames.request(this.#contextFigure, () =>
      this.#contextFigure.show(contextFigure(concurrencyByContext(request), now, this.#format)),
    );
    frames.request(this.#speedFigure, () =>
      this.#speedFigure.show(
        speedFigure(now.kv.numBlocks > 0 ? speedByBatch(request, now) : [], now, this.#format),
      ),
    );
    frames.request(this.#devices, () => {
      const { batch, inputTokens, outputTokens } = now.speed;
      const load = [batch, inputTokens, outputTokens].map(this.#format.count);
      this.#devices.caption = `The same on other GPUs (batch ${load[0]}, ${load[1]} tokens in, ${load[2]} out)`;
      this.#devices.show(acrossDevices(request));
    });
    frames.request(this.#terms, () => this.#terms.show(termRows(now, this.#format)));
  }

  #showVerdict(shown: DeploymentEstimate | UnknownEstimate | null): void {
    this.#verdict.element.hidden = shown === null;
    if (shown === null) return;
    const { outcome, reason } = shown.verdict;
    this.#verdict.show(outcome, verdictWord(outcome), reason);
  }

  #showChanges(list: readonly Change[]): void {
    const edits = list.filter(({ edit }) => edit !== null).length;
    this.#applyAll.hidden = edits === 0;
    setText(this.#applyAll, edits === 1 ? 'Apply 1 change' : `Apply ${edits} changes`);
    const key = JSON.stringify(list);
    if (key === this.#changesKey) return;
    this.#changesKey = key;
    this.#changes.hidden = list.length === 0;
    this.#changes.replaceChildren(...list.map((change) => this.#changeElement(change)));
  }

  #changeElement(change: Change): HTMLElement {
    const { id, label, from, to, edit } = change;
    return element(
      'li',
      {},
      element(
        'span',
        { class: 'change' },
        element('code', {}, label),
        ` ${from} → `,
        element('strong', {}, to),
      ),
      edit === null
        ? element('span', { class: 'quiet-text' }, 'tried here only')
        : button('Apply', () => this.#apply([change]), {
            class: 'quiet',
            'aria-label': `Apply ${label} ${to}`,
          }),
      button('Drop', () => this.update((state) => drop(state, id)), {
        class: 'quiet',
        'aria-label': `Drop ${label} ${to}`,
      }),
    );
  }

  #showFixes(fixes: readonly Fix[]): void {
    const key = JSON.stringify(fixes);
    if (key === this.#fixesKey) return;
    this.#fixesKey = key;
    this.#fixes.hidden = fixes.length === 0;
    this.#fixes.replaceChildren(
      element('span', {}, 'Would help:'),
      ...fixes.flatMap((fix) => {
        const edits = [fix, ...(fix.also ?? [])].flatMap(({ flag, to }) =>
          typeof to === 'object' ? [] : [{ flag, to }],
        );
        const apply = () => {
          for (const { flag, to } of edits) this.#set(flag, to);
        };
        const words = edits.map(({ flag, to }) => `${flag} ${to}`).join(', ');
        return edits.length === 0 ? [] : [button(`${words} → ${fix.effect}`, apply, { class: 'quiet' })];
      }),
    );
  }

  #showNotices(shown: DeploymentEstimate | UnknownEstimate | null): void {
    const texts = (shown?.warnings ?? []).map(({ message }) => message);
    if (this.#state.incompatible)
      texts.unshift('This panel and the extension are of different versions. Reload the window.');
    this.#notices.hidden = texts.length === 0;
    this.#notices.replaceChildren(...texts.map((text) => element('p', { class: 'notice' }, text)));
  }
}

function titleOf(request: EstimateRequest, now: DeploymentEstimate | null): string {
  const { deployment, model, gpuCount, device } = request;
  const engine =
    `${findEngine(deployment.engine)?.label ?? deployment.engine} ${now?.engineVersion ?? ''}`.trim();
  return `${model.id} · ${engine} · ${gpuCount} × ${device.label}`;
}
