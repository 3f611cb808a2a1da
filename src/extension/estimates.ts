import {
  EventEmitter,
  type ExtensionContext,
  type LogOutputChannel,
  l10n,
  Range,
  type TextDocument,
  Uri,
  WorkspaceEdit,
  window,
  workspace,
} from 'vscode';
import type {
  DeploymentTarget,
  DocumentEstimate,
  FlagEditsParams,
  FlagEditsResult,
  GpuVerdict,
  LiveTarget,
  TargetEditsParams,
  VerdictsParams,
} from '../protocol/lsp.ts';
import type { EstimateClient } from './client.ts';
import { setContext } from './contextKeys.ts';
import { DisposableStore } from './disposable.ts';
import { Hub } from './hub.ts';
import { mayHoldDeployment } from './languages.ts';
import { showError } from './log.ts';

/** Estimates of open documents, from the language server, which starts when the first document needs it. */
export class Estimates extends DisposableStore {
  readonly #changed = this.register(new EventEmitter<string>());
  /** A document has new estimates; gives its URI. */
  readonly onDidChange = this.#changed.event;
  /** What may be asked of the model hub. */
  readonly hub: Hub;
  readonly #context: ExtensionContext;
  readonly #log: LogOutputChannel;
  #client: Promise<EstimateClient> | undefined;
  #liveTarget: LiveTarget | null = null;

  constructor(context: ExtensionContext, log: LogOutputChannel) {
    super();
    this.#context = context;
    this.hub = new Hub(context);
    this.#log = log;
    this.register(workspace.onDidGrantWorkspaceTrust(() => void this.hubChanged()));
    this.register(
      workspace.onDidChangeConfiguration((change) => {
        if (change.affectsConfiguration('loadline.hub')) void this.hubChanged();
      }),
    );
    this.register(workspace.onDidOpenTextDocument((document) => this.#opened(document)));
    this.register(window.onDidChangeActiveTextEditor(() => void this.#updateContext()));
    this.register(this.onDidChange(() => void this.#updateContext()));
    for (const document of workspace.textDocuments) this.#opened(document);
  }

  /** Deployments of a document in its order; none where it is not ours. */
  async of(uri: string): Promise<readonly DocumentEstimate[]> {
    return (await (await this.#started()).estimates(uri)).deployments;
  }

  /** Where the deployments of a document are and what for: far smaller than their estimates. */
  async targets(uri: string): Promise<readonly DeploymentTarget[]> {
    return (await (await this.#started()).targets(uri)).deployments;
  }

  /** Every GPU of the catalogue for one deployment; none where its model is not known. */
  async verdicts(params: VerdictsParams): Promise<readonly GpuVerdict[]> {
    return (await (await this.#started()).verdicts(params)).verdicts;
  }

  /** Sets flags in the document and leaves it open and unsaved, as a quick fix does. Says where that cannot be done. */
  async applyFlags(params: FlagEditsParams): Promise<boolean> {
    const client = await this.#started();
    return this.#apply(params.uri, () => client.flagEdits(params));
  }

  /** Names the GPUs in a comment of the document; false, and said, where none can stand there. */
  async applyTarget(params: TargetEditsParams): Promise<boolean> {
    const client = await this.#started();
    return this.#apply(params.uri, () => client.targetEdits(params));
  }

  async #apply(uri: string, edited: () => Promise<FlagEditsResult>): Promise<boolean> {
    const document = await workspace.openTextDocument(Uri.parse(uri));
    const { version, edits } = await edited();
    if (edits.length === 0 || document.version !== version) {
      void window.showWarningMessage(
        l10n.t('The deployment is not there as it was: nothing was changed in {0}.', document.fileName),
      );
      return false;
    }
    const edit = new WorkspaceEdit();
    for (const { range, newText } of edits) {
      const { start, end } = range;
      edit.replace(document.uri, new Range(start.line, start.character, end.line, end.character), newText);
    }
    return workspace.applyEdit(edit);
  }

  /** What was calibrated is read again. */
  async calibrationChanged(): Promise<void> {
    await (await this.#started()).calibrationChanged();
  }

  /** Models that were not found are looked for again. A server that does not run has nothing to look for. */
  async hubChanged(): Promise<void> {
    await this.#client?.then(
      (client) => client.hubChanged(),
      () => {},
    );
  }

  /** Estimates are for the GPUs of a probed host; null: no longer. A server that does not run is told when it starts. */
  async setLiveTarget(target: LiveTarget | null): Promise<void> {
    this.#liveTarget = target;
    await this.#client?.then(
      (client) => client.liveTarget(this.#liveTarget),
      () => {},
    );
  }

  override dispose(): void {
    super.dispose();
    this.#client?.then(
      (client) => client.stop(),
      () => {},
    );
  }

  #opened(document: TextDocument): void {
    // After activation has returned: nobody waits for it.
    if (mayHoldDeployment(document)) setImmediate(() => void this.#started().catch(() => {}));
  }

  #started(): Promise<EstimateClient> {
    this.#client ??= this.#start().catch((error: unknown) => {
      this.#client = undefined;
      void showError(this.#log, l10n.t('Loadline could not start its language server.'), error);
      throw error;
    });
    return this.#client;
  }

  async #start(): Promise<EstimateClient> {
    const { startClient } = await import('./client.ts');
    const serverModule = Uri.joinPath(this.#context.extensionUri, 'dist', 'server.js');
    const client = await startClient(
      serverModule,
      this.#log,
      ({ uri }) => this.#changed.fire(uri),
      (params) => this.hub.access(params),
    );
    if (this.#liveTarget !== null) await client.liveTarget(this.#liveTarget);
    return client;
  }

  async #updateContext(): Promise<void> {
    const document = window.activeTextEditor?.document;
    const ours = document !== undefined && mayHoldDeployment(document);
    setContext('loadline.hasDeployment', ours && (await this.targets(document.uri.toString())).length > 0);
  }
}
