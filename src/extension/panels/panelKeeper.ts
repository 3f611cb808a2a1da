import { type Event, type ExtensionContext, type WebviewPanel, window } from 'vscode';
import { DisposableStore } from '../disposable.ts';
import { createPanel } from './panel.ts';
import type { PanelName } from './webviewHtml.ts';

export interface KeptPanel<Target> {
  show(target: Target): void;
  reveal(): void;
  dispose(): void;
  readonly onDidDispose: Event<void>;
}

type MakePanel<Target> = (
  panel: WebviewPanel,
  target: Target,
  remember: (target: Target) => void,
  restored: boolean,
) => KeptPanel<Target>;

/**
 * The one panel of a kind: opened when asked for, and brought back by the editor after its window was reloaded. What it is about
 * (`Target`) is kept in the workspace's state, as the page may be gone at any time.
 */
export class PanelKeeper<Target> extends DisposableStore {
  readonly #context: ExtensionContext;
  readonly #name: PanelName;
  readonly #title: string;
  readonly #make: MakePanel<Target>;
  #panel: KeptPanel<Target> | undefined;

  constructor(
    context: ExtensionContext,
    name: PanelName,
    title: string,
    initial: Target,
    make: MakePanel<Target>,
  ) {
    super();
    this.#context = context;
    this.#name = name;
    this.#title = title;
    this.#make = make;
    this.register(
      window.registerWebviewPanelSerializer(`loadline.${name}`, {
        deserializeWebviewPanel: async (panel) => {
          this.#keep(panel, context.workspaceState.get<Target>(this.#key) ?? initial, true);
        },
      }),
    );
  }

  open(target: Target): void {
    if (this.#panel) {
      this.#remember(target);
      this.#panel.show(target);
      this.#panel.reveal();
    } else {
      this.#keep(createPanel(this.#name, this.#title), target, false);
    }
  }

  override dispose(): void {
    super.dispose();
    this.#panel?.dispose();
  }

  get #key(): string {
    return `loadline.panel.${this.#name}`;
  }

  #keep(webview: WebviewPanel, target: Target, restored: boolean): void {
    this.#panel?.dispose();
    this.#remember(target);
    const panel = this.#make(webview, target, (changed) => this.#remember(changed), restored);
    this.#panel = panel;
    panel.onDidDispose(() => {
      if (this.#panel === panel) this.#panel = undefined;
    });
  }

  #remember(target: Target): void {
    void this.#context.workspaceState.update(this.#key, target);
  }
}
