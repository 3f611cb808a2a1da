import { basename } from 'node:path';
import {
  type ExtensionContext,
  env,
  type TextEditor,
  Uri,
  type WebviewPanel,
  window,
  workspace,
} from 'vscode';
import type { DocumentEstimate } from '../../protocol/lsp.ts';
import {
  type CalculatorContent,
  type FromCalculator,
  panelProtocol,
  type ToCalculator,
} from '../../protocol/panel.ts';
import { isChange } from '../changes.ts';
import { deploymentAt } from '../deploymentAt.ts';
import type { Estimates } from '../estimates.ts';
import { mayHoldDeployment } from '../languages.ts';
import type { RunManager } from '../runs/runManager.ts';
import { keepPrice, ownPrices, section } from '../settings.ts';
import { measuredPoints } from './measuredPoints.ts';
import { Panel } from './panel.ts';

/** The deployment that the calculator follows; null where it stands alone. */
export type CalculatorTarget = { readonly uri: string; readonly index: number } | null;

export interface CalculatorServices {
  readonly estimates: Estimates;
  readonly runs: RunManager;
}

/** Where it is kept whether the panel goes where the cursor goes. */
const followsCursorKey = 'loadline.calculator.followsCursor';

/** A cursor that only passes through moves nothing. */
const cursorRestsMs = 150;

/** *Does it fit, and what if?* beside the file: follows what is typed there, and writes back what is applied. */
export class CalculatorPanel extends Panel<ToCalculator, FromCalculator> {
  readonly #context: ExtensionContext;
  readonly #estimates: Estimates;
  readonly #runs: RunManager;
  readonly #remember: (target: CalculatorTarget) => void;
  #target: CalculatorTarget;
  #cursorTimer: NodeJS.Timeout | undefined;

  /** `remember` hears which deployment is followed, so that the panel comes back with it. */
  constructor(
    context: ExtensionContext,
    { estimates, runs }: CalculatorServices,
    panel: WebviewPanel,
    target: CalculatorTarget,
    remember: (target: CalculatorTarget) => void,
  ) {
    super(context, 'calculator', panel);
    this.#context = context;
    this.#estimates = estimates;
    this.#runs = runs;
    this.#target = target;
    this.#remember = remember;
    this.register(
      estimates.onDidChange((uri) => {
        if (uri === this.#target?.uri) void this.#update();
      }),
    );
    this.register(
      workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration(`${section}.prices`)) void this.#update();
      }),
    );
    this.register(window.onDidChangeTextEditorSelection(({ textEditor }) => this.#cursorMoved(textEditor)));
  }

  show(target: CalculatorTarget): void {
    this.#target = target;
    void this.#update();
  }

  override dispose(): void {
    clearTimeout(this.#cursorTimer);
    super.dispose();
  }

  protected async snapshot(): Promise<ToCalculator> {
    return { type: 'snapshot', protocol: panelProtocol, locale: env.language, ...(await this.#content()) };
  }

  protected async received(message: Partial<FromCalculator> & { readonly type: string }): Promise<void> {
    if (message.type === 'apply' && 'changes' in message) {
      if (this.#target === null) return;
      const changes = Array.isArray(message.changes) ? message.changes.filter(isChange) : [];
      if (changes.length > 0) await this.#estimates.applyFlags({ ...this.#target, changes });
    } else if (message.type === 'pick' && 'index' in message) {
      if (this.#target !== null && Number.isInteger(message.index))
        this.#goTo({ uri: this.#target.uri, index: Number(message.index) });
    } else if (message.type === 'follow-cursor' && 'on' in message) {
      await this.#context.workspaceState.update(followsCursorKey, message.on === true);
      if (message.on === true && window.activeTextEditor) await this.#goToCursor(window.activeTextEditor);
      await this.#update();
    } else if (message.type === 'price' && 'name' in message) {
      const { name, dollarsPerHour } = message;
      if (typeof name !== 'string' || dollarsPerHour === undefined) return;
      await keepPrice(name, dollarsPerHour);
    }
  }

  get #followsCursor(): boolean {
    return this.#context.workspaceState.get<boolean>(followsCursorKey) ?? false;
  }

  #goTo(target: CalculatorTarget): void {
    this.#remember(target);
    this.show(target);
  }

  #cursorMoved(editor: TextEditor): void {
    if (!this.isLive || !this.#followsCursor) return;
    clearTimeout(this.#cursorTimer);
    this.#cursorTimer = setTimeout(() => void this.#goToCursor(editor), cursorRestsMs);
  }

  /** Stays where it is as long as the cursor is in no deployment. */
  async #goToCursor({ document, selection }: TextEditor): Promise<void> {
    if (!mayHoldDeployment(document)) return;
    const uri = document.uri.toString();
    const found = deploymentAt(await this.#estimates.of(uri), selection.active.line);
    const isThere = this.#target?.uri === uri && this.#target.index === found?.index;
    if (found !== undefined && !isThere) this.#goTo({ uri, index: found.index });
  }

  async #update(): Promise<void> {
    if (this.isLive) this.post({ type: 'delta', ...(await this.#content()) });
  }

  async #content(): Promise<CalculatorContent> {
    const always = { followsCursor: this.#followsCursor, prices: ownPrices() };
    const target = this.#target;
    const deployments = target === null ? [] : await this.#estimates.of(target.uri);
    const shown = deployments[target?.index ?? -1];
    if (target === null || shown === undefined) {
      return {
        ...always,
        following: null,
        request: null,
        estimate: null,
        index: null,
        siblings: [],
        measured: [],
      };
    }
    const runs = this.#runs.views().map(({ results }) => results);
    return {
      ...always,
      following: sourceOf(target.uri, shown),
      request: shown.request,
      estimate: shown.estimate,
      index: shown.index,
      siblings: deployments
        .filter((one) => one !== shown)
        .map((one) => ({ index: one.index, source: sourceOf(target.uri, one), request: one.request })),
      measured: shown.request === null ? [] : measuredPoints(shown.request, runs),
    };
  }
}

function sourceOf(uri: string, { range }: DocumentEstimate): string {
  return `${basename(Uri.parse(uri).path)}:${range.start.line + 1}`;
}
