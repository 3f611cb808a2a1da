import { l10n, StatusBarAlignment, type TextEditor, window } from 'vscode';
import { chooseGpuCommand, type DocumentTarget } from '../../protocol/lsp.ts';
import { deploymentAt } from '../deploymentAt.ts';
import { DisposableStore } from '../disposable.ts';
import type { Estimates } from '../estimates.ts';
import { mayHoldDeployment } from '../languages.ts';

/** The GPU that the deployment under the cursor is estimated for; a click chooses another. Shown where there is a deployment. */
export class TargetItem extends DisposableStore {
  readonly #item = this.register(window.createStatusBarItem('loadline.target', StatusBarAlignment.Right, 90));
  readonly #estimates: Estimates;

  constructor(estimates: Estimates) {
    super();
    this.#estimates = estimates;
    this.#item.name = l10n.t('Loadline GPU');
    this.register(window.onDidChangeActiveTextEditor(() => void this.#update()));
    this.register(
      window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor === window.activeTextEditor) void this.#update();
      }),
    );
    this.register(
      estimates.onDidChange((uri) => {
        if (uri === window.activeTextEditor?.document.uri.toString()) void this.#update();
      }),
    );
    void this.#update();
  }

  async #update(): Promise<void> {
    const editor = window.activeTextEditor;
    const uri = editor && mayHoldDeployment(editor.document) ? editor.document.uri.toString() : undefined;
    const found = editor && uri !== undefined ? await this.#deployment(editor, uri) : undefined;
    // Another editor may be in front by now.
    if (editor !== window.activeTextEditor) return;
    if (!found) {
      this.#item.hide();
      return;
    }
    this.#item.text = `$(server-environment) ${targetText(found.target)}`;
    this.#item.tooltip = sourceText(found.target);
    this.#item.accessibilityInformation = {
      label: `${targetText(found.target)}. ${sourceText(found.target)}`,
    };
    this.#item.command = {
      command: chooseGpuCommand,
      title: l10n.t('Choose GPU'),
      arguments: [uri, found.index],
    };
    this.#item.show();
  }

  async #deployment(editor: TextEditor, uri: string) {
    const deployments = await this.#estimates.of(uri).catch(() => []);
    return deploymentAt(deployments, editor.selection.active.line) ?? deployments[0];
  }
}

function targetText({ gpu, label, gpuCount }: DocumentTarget): string {
  if (gpu === null) return l10n.t('Choose GPU');
  const name = label ?? l10n.t('{0} (not known)', gpu);
  return gpuCount === 1 ? name : `${gpuCount} × ${name}`;
}

function sourceText({ gpu, from }: DocumentTarget): string {
  if (gpu === null) return l10n.t('No GPU is chosen: nothing is estimated yet.');
  if (from === 'comment') return l10n.t('Estimated for this GPU, as a comment in the file says');
  if (from === 'document') return l10n.t('Estimated for this GPU, as the file asks for it');
  return l10n.t('Estimated for this GPU, as the settings say');
}
