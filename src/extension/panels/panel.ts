import { EventEmitter, type ExtensionContext, env, ViewColumn, type WebviewPanel, window } from 'vscode';
import { DisposableStore } from '../disposable.ts';
import { savedFileOf } from './savedFile.ts';
import { saveFile } from './saveFile.ts';
import { type PanelName, webviewHtml, webviewRoots } from './webviewHtml.ts';

/**
 * One webview panel. The extension owns the data: the page says `ready` (when it opens, and again whenever it is shown
 * after having been hidden, as a hidden page is discarded), gets a snapshot, then deltas while it can be seen.
 */
export abstract class Panel<To, From extends { readonly type: string }> extends DisposableStore {
  readonly #disposed = this.register(new EventEmitter<void>());
  readonly onDidDispose = this.#disposed.event;
  readonly #panel: WebviewPanel;
  #ready = false;

  constructor(context: ExtensionContext, name: PanelName, panel: WebviewPanel) {
    super();
    this.#panel = panel;
    panel.webview.options = { enableScripts: true, localResourceRoots: webviewRoots(context.extensionUri) };
    this.register(panel.webview.onDidReceiveMessage((message: unknown) => void this.#receive(message)));
    this.register(
      panel.onDidChangeViewState(() => {
        if (!panel.visible) this.#ready = false;
      }),
    );
    this.register(
      panel.onDidDispose(() => {
        this.#disposed.fire();
        this.dispose();
      }),
    );
    panel.webview.html = webviewHtml(panel.webview, context.extensionUri, name);
  }

  /** Shows the panel where it is, without taking the focus from the editor. */
  reveal(): void {
    this.#panel.reveal(undefined, true);
  }

  override dispose(): void {
    super.dispose();
    this.#panel.dispose();
  }

  protected set title(title: string) {
    this.#panel.title = title;
  }

  /** True while there is a page that can be seen and has said that it is ready. */
  protected get isLive(): boolean {
    return this.#ready && this.#panel.visible;
  }

  /** Sent only while it is seen: what is missed is in the next snapshot. */
  protected post(message: To): void {
    if (this.isLive) void this.#panel.webview.postMessage(message);
  }

  /** Everything that the page shows. */
  protected abstract snapshot(): To | Promise<To>;

  /** The page has everything that it shows. */
  protected shown(): void {}

  /** Any message but `ready`, `copy` and `save`. A page is untrusted input: the fields are unchecked. */
  protected abstract received(message: Partial<From> & { readonly type: string }): void | Promise<void>;

  async #receive(message: unknown): Promise<void> {
    if (!isTyped(message)) return;
    if (message.type === 'ready') {
      this.#ready = true;
      this.post(await this.snapshot());
      this.shown();
    } else if (message.type === 'copy') {
      if (typeof message['text'] === 'string') await env.clipboard.writeText(message['text']);
    } else if (message.type === 'save') {
      const file = savedFileOf(message);
      if (file !== undefined) await saveFile(file);
    } else {
      await this.received(message as Partial<From> & { readonly type: string });
    }
  }
}

function isTyped(message: unknown): message is { readonly type: string; readonly [key: string]: unknown } {
  return (
    typeof message === 'object' && message !== null && 'type' in message && typeof message.type === 'string'
  );
}

/** A new panel of the editor, beside the file that it is about. */
export function createPanel(name: PanelName, title: string): WebviewPanel {
  return window.createWebviewPanel(
    `loadline.${name}`,
    title,
    { viewColumn: ViewColumn.Beside, preserveFocus: true },
    { enableFindWidget: true },
  );
}
