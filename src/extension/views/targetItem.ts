import { l10n, StatusBarAlignment, window } from 'vscode';
import { chooseGpuCommand, type DeploymentTarget, type DocumentTarget } from '../../protocol/lsp.ts';
import { deploymentAt } from '../deploymentAt.ts';
import { DisposableStore } from '../disposable.ts';
import type { Estimates } from '../estimates.ts';
import { hostLabel } from '../hosts/hostRegistry.ts';
import { mayHoldDeployment } from '../languages.ts';
import { ageText } from '../words.ts';

/** The GPU that the deployment under the cursor is estimated for; a click chooses another. Shown where there is a deployment. */
export class TargetItem extends DisposableStore {
  readonly #item = this.register(window.createStatusBarItem('loadline.target', StatusBarAlignment.Right, 90));
  readonly #estimates: Estimates;
  /** Of the document in front, as they were told last: a cursor that moves asks nobody. */
  #deployments: readonly DeploymentTarget[] = [];

  constructor(estimates: Estimates) {
    super();
    this.#estimates = estimates;
    this.#item.name = l10n.t('Loadline GPU');
    this.register(window.onDidChangeActiveTextEditor(() => void this.#ask()));
    this.register(
      window.onDidChangeTextEditorSelection(({ textEditor }) => {
        if (textEditor === window.activeTextEditor) this.#show();
      }),
    );
    this.register(
      estimates.onDidChange((uri) => {
        if (uri === window.activeTextEditor?.document.uri.toString()) void this.#ask();
      }),
    );
    // After activation has returned: nobody waits for it.
    setImmediate(() => void this.#ask());
  }

  async #ask(): Promise<void> {
    const document = window.activeTextEditor?.document;
    const isOurs = document !== undefined && mayHoldDeployment(document);
    const found = isOurs ? await this.#estimates.targets(document.uri.toString()).catch(() => []) : [];
    // Another editor may be in front by now.
    if (document !== window.activeTextEditor?.document) return;
    this.#deployments = found;
    this.#show();
  }

  #show(): void {
    const editor = window.activeTextEditor;
    const found =
      editor && (deploymentAt(this.#deployments, editor.selection.active.line) ?? this.#deployments[0]);
    if (!found) {
      this.#item.hide();
      return;
    }
    const [text, source] = [targetText(found.target), sourceText(found.target)];
    this.#item.text = `$(server-environment) ${text}`;
    this.#item.tooltip = source;
    this.#item.accessibilityInformation = { label: `${text}. ${source}` };
    this.#item.command = {
      command: chooseGpuCommand,
      title: l10n.t('Choose GPU'),
      arguments: [editor.document.uri.toString(), found.index],
    };
    this.#item.show();
  }
}

function targetText({ gpu, label, gpuCount, live }: DocumentTarget): string {
  if (gpu === null) return l10n.t('Choose GPU');
  const name = label ?? l10n.t('{0} (not known)', gpu);
  const gpus = gpuCount === 1 ? name : `${gpuCount} × ${name}`;
  return live === null ? gpus : `${hostLabel(live.host)}: ${gpus}`;
}

function sourceText(target: DocumentTarget): string {
  const { live } = target;
  if (live === null) return namedBy(target);
  const age = ageText(live.probedAtMs);
  return `${namedBy(target)}\n${l10n.t('Memory and engine version as found on {0}, probed {1}', hostLabel(live.host), age)}`;
}

function namedBy({ gpu, from, live }: DocumentTarget): string {
  if (gpu === null) return l10n.t('No GPU is chosen: nothing is estimated yet.');
  if (from === 'comment') return l10n.t('Estimated for this GPU, as a comment in the file says');
  if (from === 'document') return l10n.t('Estimated for this GPU, as the file asks for it');
  return live === null
    ? l10n.t('Estimated for this GPU, as the settings say')
    : l10n.t('Estimated for this GPU of a connected host, as chosen');
}
