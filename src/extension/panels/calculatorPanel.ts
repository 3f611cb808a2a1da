import { basename } from 'node:path';
import { type ExtensionContext, env, Uri, type WebviewPanel } from 'vscode';
import { type FromCalculator, panelProtocol, type ToCalculator } from '../../protocol/panel.ts';
import { isChange } from '../changes.ts';
import type { Estimates } from '../estimates.ts';
import { Panel } from './panel.ts';

/** The deployment that the calculator follows; null where it stands alone. */
export type CalculatorTarget = { readonly uri: string; readonly index: number } | null;

type Shown = Omit<Extract<ToCalculator, { readonly type: 'delta' }>, 'type'>;

/** *Does it fit, and what if?* beside the file: follows what is typed there, and writes back what is applied. */
export class CalculatorPanel extends Panel<ToCalculator, FromCalculator> {
  readonly #estimates: Estimates;
  #target: CalculatorTarget;

  constructor(
    context: ExtensionContext,
    estimates: Estimates,
    panel: WebviewPanel,
    target: CalculatorTarget,
  ) {
    super(context, 'calculator', panel);
    this.#estimates = estimates;
    this.#target = target;
    this.register(
      estimates.onDidChange((uri) => {
        if (uri === this.#target?.uri) void this.#update();
      }),
    );
  }

  show(target: CalculatorTarget): void {
    this.#target = target;
    void this.#update();
  }

  protected async snapshot(): Promise<ToCalculator> {
    return { type: 'snapshot', protocol: panelProtocol, locale: env.language, ...(await this.#shown()) };
  }

  protected async received(message: Partial<FromCalculator> & { readonly type: string }): Promise<void> {
    if (message.type !== 'apply' || !('changes' in message) || this.#target === null) return;
    const changes = Array.isArray(message.changes) ? message.changes.filter(isChange) : [];
    if (changes.length > 0) await this.#estimates.applyFlags({ ...this.#target, changes });
  }

  async #update(): Promise<void> {
    if (this.isLive) this.post({ type: 'delta', ...(await this.#shown()) });
  }

  async #shown(): Promise<Shown> {
    const nothing: Shown = { following: null, request: null, estimate: null };
    if (this.#target === null) return nothing;
    const { uri, index } = this.#target;
    const deployment = (await this.#estimates.of(uri))[index];
    if (!deployment) return nothing;
    const { request, estimate, range } = deployment;
    return { following: `${basename(Uri.parse(uri).path)}:${range.start.line + 1}`, request, estimate };
  }
}
