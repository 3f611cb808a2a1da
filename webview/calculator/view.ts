import type { FlagValue } from '../../src/core/engine/deployment.ts';
import { findEngine } from '../../src/core/engine/engines.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import { estimateSensitivity, type FlagSensitivity } from '../../src/core/estimate/sensitivity.ts';
import type {
  DeploymentEstimate,
  EstimateLoad,
  EstimateRequest,
  UnknownEstimate,
} from '../../src/core/estimate/types.ts';
import type { FromCalculator } from '../../src/protocol/panel.ts';
import { button, element, setText } from '../common/dom.ts';
import { Figure } from '../common/figure.ts';
import { createFormatter, type Formatter } from '../common/format.ts';
import { frames } from '../common/frames.ts';
import { Table } from '../common/table.ts';
import { VerdictLine, verdictWord } from '../common/verdict.ts';
import { ChangeList } from './changeList.ts';
import { type Change, changes } from './changes.ts';
import { contextColumns, contextFigure, type SpeedRow, speedColumns, speedFigure } from './charts.ts';
import { Checks } from './checks.ts';
import { commandLine } from './commandLine.ts';
import { ComparisonView } from './comparisonView.ts';
import { Controls } from './controls.ts';
import { type ContextPoint, concurrencyByContext, speedByBatch } from './curves.ts';
import { Facts } from './facts.ts';
import { FixList } from './fixList.ts';
import { FollowBar } from './followBar.ts';
import { MemorySection } from './memorySection.ts';
import type { KnownModels } from './models.ts';
import { Selectors } from './selectors.ts';
import {
  type CalculatorState,
  type Choice,
  choose,
  drop,
  type EditValue,
  effectiveRequest,
  setFlag,
  setLoad,
  withLoad,
  withModels,
} from './state.ts';
import { type TermRow, termColumns, termRows } from './terms.ts';
import { telling, whatIfColumns } from './whatIf.ts';

export interface CalculatorEvents {
  post(message: FromCalculator): void;
  changed(state: CalculatorState): void;
}

/** Does it fit, and what if: every change is answered in the frame in which it was made. */
export class CalculatorView {
  readonly #title = element('h1', {}, 'Calculator');
  readonly #follow: FollowBar;
  readonly #verdict = new VerdictLine();
  readonly #notices = element('div', { class: 'notices' });
  readonly #selectors: Selectors;
  readonly #actions = element('div', { class: 'tools' });
  readonly #applyAll: HTMLButtonElement;
  readonly #copyCommand: HTMLButtonElement;
  readonly #changes: ChangeList;
  readonly #fixes: FixList;
  readonly #empty = element('p', { class: 'empty' }, 'Waiting for the deployment …');
  readonly #body = element('div', { class: 'body', hidden: true });
  readonly #memory: MemorySection;
  readonly #controls: Controls;
  readonly #facts: Facts;
  readonly #contextFigure: Figure<ContextPoint>;
  readonly #speedFigure: Figure<SpeedRow>;
  readonly #comparison: ComparisonView;
  readonly #whatIf: Table<FlagSensitivity>;
  readonly #terms: Table<TermRow>;
  readonly #expandedTerms = new Set<string>();
  readonly #checks: Checks;
  #state: CalculatorState;
  #format: Formatter;
  /** The file's own resolved flags; worked out once for each state of the file. */
  #base:
    | { readonly request: EstimateRequest; readonly resolved: Readonly<Record<string, FlagValue>> }
    | undefined;

  constructor(
    root: HTMLElement,
    state: CalculatorState,
    private readonly events: CalculatorEvents,
  ) {
    this.#state = state;
    this.#format = createFormatter(state.locale);
    const format = () => this.#format;
    const copy = (text: string) => events.post({ type: 'copy', text });
    const save = (file: { readonly name: string; readonly base64: string }) =>
      events.post({ type: 'save', ...file });
    this.#follow = new FollowBar({
      pick: (index) => events.post({ type: 'pick', index }),
      followCursor: (on) => events.post({ type: 'follow-cursor', on }),
    });
    this.#selectors = new Selectors((choice) => this.#choose(choice));
    this.#changes = new ChangeList({
      apply: (change) => this.#apply([change]),
      drop: (change) => this.update((current) => drop(current, change.id)),
    });
    this.#fixes = new FixList((edits) => this.#setAll(edits));
    this.#memory = new MemorySection((stacked) => this.update((current) => ({ ...current, stacked })));
    this.#controls = new Controls({
      set: (flag, value) => this.#setAll([{ flag, to: value }]),
      unset: (flag) => this.update((current) => drop(current, flag)),
      setLoad: (figure, value) => this.update((current) => setLoad(current, figure, value)),
    });
    this.#facts = new Facts(copy);
    this.#checks = new Checks(copy);
    this.#applyAll = button('Apply', () => this.#apply(this.#currentChanges(null)), { class: 'primary' });
    this.#copyCommand = button('Copy command', () => {
      const request = effectiveRequest(this.#state);
      if (request !== null) copy(commandLine(request));
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
      save,
    });
    this.#speedFigure = new Figure<SpeedRow>({
      id: 'speed',
      title: 'Speed by batch (estimated)',
      table: { caption: '', columns: speedColumns(format), rowKey: ({ key }) => key, copy },
      save,
    });
    this.#comparison = new ComparisonView(format, {
      copy,
      attempt: (device, gpuCount, flags) => this.#attempt({ device, gpuCount }, flags),
      price: (name, dollarsPerHour) => this.#setPrice(name, dollarsPerHour),
    });
    this.#whatIf = new Table<FlagSensitivity>({
      caption: 'What one step of a flag would give',
      columns: whatIfColumns(format, (flag, to) => this.#setAll([{ flag, to }])),
      rowKey: ({ flag, to }) => `${flag}=${String(to)}`,
      copy,
    });
    this.#terms = new Table<TermRow>({
      caption: 'Terms of a rank',
      columns: termColumns(format, this.#expandedTerms, (name) => this.#expandTerm(name)),
      rowKey: ({ name }) => name,
      copy,
    });
    this.#actions.append(this.#applyAll, this.#copyCommand);
    const tableSection = (name: string, table: Table<never> | Table<TermRow> | Table<FlagSensitivity>) =>
      element(
        'section',
        { class: 'figure', 'aria-label': name },
        table.element,
        element(
          'div',
          { class: 'tools' },
          button('Copy', () => copy(table.toTsv()), { class: 'quiet', 'aria-label': `Copy table: ${name}` }),
        ),
      );
    this.#body.append(
      this.#memory.element,
      this.#controls.element,
      this.#facts.element,
      element('div', { class: 'figures' }, this.#contextFigure.element, this.#speedFigure.element),
      this.#comparison.element,
      element(
        'div',
        { class: 'tables' },
        tableSection('Terms of a rank', this.#terms),
        tableSection('What one step of a flag would give', this.#whatIf),
      ),
      this.#checks.element,
    );
    this.#verdict.element.hidden = true;
    root.replaceChildren(
      element('header', { class: 'panel-header' }, this.#title, this.#follow.element, this.#actions),
      this.#verdict.element,
      this.#fixes.element,
      this.#selectors.element,
      this.#changes.element,
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

  /** The models that ship have come: others than the file's can be chosen now. */
  setModels(models: KnownModels): void {
    this.update((state) => withModels(state, models));
  }

  #setAll(edits: readonly { readonly flag: string; readonly to: EditValue }[]): void {
    const resolved = this.#baseResolved();
    this.update((state) =>
      edits.reduce((current, { flag, to }) => setFlag(current, flag, to, resolved), state),
    );
  }

  #choose(choice: Choice): void {
    this.update((state) => choose(state, choice));
  }

  #attempt(choice: Choice, flags: Readonly<Record<string, number>>): void {
    const resolved = this.#baseResolved();
    this.update((state) =>
      Object.entries(flags).reduce(
        (current, [flag, to]) => setFlag(current, flag, to, resolved),
        choose(state, choice),
      ),
    );
  }

  /** Shown at once; the settings, which keep it, say the same a little later. */
  #setPrice(name: string, dollarsPerHour: number | null): void {
    this.events.post({ type: 'price', name, dollarsPerHour });
    this.update((state) => {
      const { [name]: _, ...others } = state.prices;
      return { ...state, prices: dollarsPerHour === null ? others : { ...others, [name]: dollarsPerHour } };
    });
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

  #currentChanges(usual: EstimateLoad | null): readonly Change[] {
    return changes(this.#state, this.#baseResolved(), usual);
  }

  #show(): void {
    const state = this.#state;
    const bare = effectiveRequest(state);
    let usual: EstimateLoad | null = null;
    const usualLoad = (of: EstimateRequest): EstimateLoad => {
      usual = estimate(of, { fixes: false }).speed;
      return usual;
    };
    const request = bare === null ? null : withLoad(bare, state.load, () => usualLoad(bare));
    const now = request === null ? null : estimate(request);
    const list = this.#currentChanges(usual);
    setText(this.#title, request === null ? 'Calculator' : titleOf(request, now));
    this.#follow.show(state);
    this.#selectors.show(state, request);
    this.#showVerdict(now ?? state.hostEstimate);
    this.#showChanges(list);
    this.#fixes.show(now?.verdict.fixes ?? []);
    this.#showNotices(now ?? state.hostEstimate);
    this.#copyCommand.hidden = request === null;
    this.#body.hidden = request === null;
    this.#empty.hidden = request !== null;
    if (request === null || now === null) {
      if (state.received) setText(this.#empty, emptyText(state));
      return;
    }
    this.#memory.show(state, request, now, this.#format);
    this.#controls.show(request, now, new Map(list.map(({ id, from }) => [id, from])), this.#format);
    this.#facts.show(now, this.#format);
    this.#checks.show(now);
    this.#showLater(request, now);
  }

  /** Dozens of estimates, and the canvas: one part a frame, after the answer stands. */
  #showLater(request: EstimateRequest, now: DeploymentEstimate): void {
    const { measured, prices } = this.#state;
    // A program without the flag has no length to vary.
    this.#contextFigure.element.hidden =
      findEngine(request.deployment.engine)?.canonicalFlag('max-model-len') === undefined;
    frames.request(this.#contextFigure, () =>
      this.#contextFigure.show(contextFigure(concurrencyByContext(request), now, this.#format)),
    );
    frames.request(this.#speedFigure, () =>
      this.#speedFigure.show(
        speedFigure(now.kv.numBlocks > 0 ? speedByBatch(request, now) : [], measured, now, this.#format),
      ),
    );
    frames.request(this.#comparison, () => this.#comparison.show(request, now, prices));
    frames.request(this.#terms, () => this.#terms.show(termRows(now, this.#format)));
    frames.request(this.#whatIf, () => this.#whatIf.show(telling(estimateSensitivity(request), now)));
  }

  #expandTerm(name: string): void {
    if (!this.#expandedTerms.delete(name)) this.#expandedTerms.add(name);
    this.#terms.refresh();
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
    this.#changes.show(list);
  }

  #showNotices(shown: DeploymentEstimate | UnknownEstimate | null): void {
    const texts = (shown?.warnings ?? []).map(({ message }) => message);
    if (this.#state.incompatible)
      texts.unshift('This panel and the extension are of different versions. Reload the window.');
    this.#notices.hidden = texts.length === 0;
    this.#notices.replaceChildren(...texts.map((text) => element('p', { class: 'notice' }, text)));
  }
}

function emptyText({ choice, models }: CalculatorState): string {
  return choice.model !== undefined && models === null
    ? `Loading the facts of ${choice.model} …`
    : 'Choose a model and a GPU to see what fits.';
}

function titleOf(request: EstimateRequest, now: DeploymentEstimate | null): string {
  const { deployment, model, gpuCount, device } = request;
  const engine =
    `${findEngine(deployment.engine)?.label ?? deployment.engine} ${now?.engineVersion ?? ''}`.trim();
  return `${model.id} · ${engine} · ${gpuCount} × ${device.label}`;
}
