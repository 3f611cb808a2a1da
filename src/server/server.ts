/** The language server over any connection: wiring only. What is shown is in features/, how it reads in messages.ts. */
import {
  type CancellationToken,
  CodeActionKind,
  CodeLensRefreshRequest,
  type Connection,
  DidChangeWatchedFilesNotification,
  type InitializeParams,
  type InitializeResult,
  TextDocumentSyncKind,
  TextDocuments,
} from 'vscode-languageserver';
import { TextDocument } from 'vscode-languageserver-textdocument';
import {
  calibrationChanged,
  type EstimatesResult,
  estimatesChanged,
  estimatesRequest,
  type FlagEditsParams,
  type FlagEditsResult,
  flagEditsRequest,
  hubChanged,
  liveTargetChanged,
  type TargetEditsParams,
  type TargetsResult,
  targetEditsRequest,
  targetsRequest,
  type VerdictsParams,
  type VerdictsResult,
  verdictsRequest,
} from '../protocol/lsp.ts';
import { Analyser } from './analysis.ts';
import { CalibrationStore } from './calibrations.ts';
import type { DocumentAnalysis } from './documentAnalysis.ts';
import { DeploymentCache } from './documents.ts';
import { codeActionsIn } from './features/codeActions.ts';
import { codeLensesOf } from './features/codeLens.ts';
import { completionsAt, completionTriggers } from './features/completion/completion.ts';
import { diagnosticsOf } from './features/diagnostics.ts';
import { deploymentTargets, documentEstimates, gpuVerdicts } from './features/estimates.ts';
import { hoverAt } from './features/hover/hover.ts';
import { inlayHintsIn } from './features/inlayHints.ts';
import { targetTextEdits, textEdits } from './features/quickFix.ts';
import { leaveOf } from './hubLeave.ts';
import { readLiveTarget } from './liveTargets.ts';
import { ModelResolver, type ResolveModel } from './modelResolver.ts';
import { SettingsStore } from './settings.ts';

/** Keystrokes closer together than this are answered once. Well inside the budget of 50 ms from key to diagnostic. */
const debounceMs = 10;

/** No disk and no hub keeps an answer longer than this. */
const modelPatienceMs = 800;

/** Answers on `connection` until it is shut down. `resolveModel` is src/storage's; tests pass their own, and less patience. */
export function startServer(
  connection: Connection,
  resolveModel: ResolveModel,
  patienceMs = modelPatienceMs,
): void {
  new Server(connection, resolveModel, patienceMs).listen();
}

class Server {
  readonly #connection: Connection;
  readonly #documents = new TextDocuments(TextDocument);
  readonly #models: ModelResolver;
  readonly #settings: SettingsStore;
  readonly #calibrations: CalibrationStore;
  readonly #analyser: Analyser;
  readonly #pending = new Map<string, NodeJS.Timeout>();
  /** Documents that have something of ours on show. */
  readonly #published = new Set<string>();
  /** Grows when settings or models change: what was begun before is not shown. */
  #generation = 0;
  #capabilities: InitializeParams['capabilities'] = {};

  constructor(connection: Connection, resolveModel: ResolveModel, patienceMs: number) {
    this.#connection = connection;
    this.#models = new ModelResolver(resolveModel, {
      hub: leaveOf(connection),
      patienceMs,
      onLateAnswer: () => this.#refresh(),
    });
    this.#settings = new SettingsStore(connection);
    this.#calibrations = new CalibrationStore((path, problems) =>
      connection.console.warn(`${path}: ${problems.map(({ message }) => message).join(' ')}`),
    );
    this.#analyser = new Analyser(new DeploymentCache(), this.#models, this.#settings, this.#calibrations);
  }

  listen(): void {
    const connection = this.#connection;
    connection.onInitialize((params) => this.#initialize(params));
    connection.onInitialized(() => this.#initialized());
    connection.onShutdown(() => this.#dispose());
    connection.onDidChangeConfiguration(({ settings }) => {
      this.#settings.changed(settings);
      this.#refresh();
    });
    connection.onDidChangeWatchedFiles(() => {
      this.#models.clear();
      this.#calibrations.clear();
      this.#refresh();
    });
    connection.onNotification(calibrationChanged, () => {
      this.#calibrations.clear();
      this.#refresh();
    });
    connection.onNotification(hubChanged, () => {
      this.#models.clear();
      this.#refresh();
    });
    connection.onNotification(liveTargetChanged, (params: unknown) => {
      this.#analyser.liveTarget = readLiveTarget(params);
      this.#refresh();
    });
    this.#documents.onDidChangeContent(({ document }) => this.#schedule(document));
    this.#documents.onDidClose(({ document }) => this.#closed(document.uri));

    connection.onCodeLens((params, token) =>
      this.#answer(params.textDocument.uri, token, codeLensesOf, null),
    );
    connection.onHover(({ textDocument, position }, token) =>
      this.#answer(textDocument.uri, token, (analysis) => hoverAt(analysis, position), null),
    );
    connection.onCodeAction(({ textDocument, range }, token) =>
      this.#answer(textDocument.uri, token, (analysis) => codeActionsIn(analysis, range), null),
    );
    connection.onCompletion(({ textDocument, position }, token) =>
      this.#answer(textDocument.uri, token, (analysis) => completionsAt(analysis, position), null),
    );
    connection.languages.inlayHint.on(({ textDocument, range }, token) =>
      this.#answer(textDocument.uri, token, (analysis) => inlayHintsIn(analysis, range), null),
    );
    connection.onRequest(estimatesRequest, ({ uri }: { uri: string }, token: CancellationToken) =>
      this.#answer<EstimatesResult>(uri, token, documentEstimates, { uri, version: -1, deployments: [] }),
    );
    connection.onRequest(targetsRequest, ({ uri }: { uri: string }, token: CancellationToken) =>
      this.#answer<TargetsResult>(uri, token, deploymentTargets, { deployments: [] }),
    );
    connection.onRequest(flagEditsRequest, (params: FlagEditsParams, token: CancellationToken) =>
      this.#answer<FlagEditsResult>(params.uri, token, (analysis) => editsFor(analysis, params), {
        version: -1,
        edits: [],
      }),
    );
    connection.onRequest(verdictsRequest, ({ uri, index }: VerdictsParams, token: CancellationToken) =>
      this.#answer<VerdictsResult>(uri, token, (analysis) => gpuVerdicts(analysis, index), { verdicts: [] }),
    );
    connection.onRequest(targetEditsRequest, (params: TargetEditsParams, token: CancellationToken) =>
      this.#answer<FlagEditsResult>(params.uri, token, (analysis) => targetEditsFor(analysis, params), {
        version: -1,
        edits: [],
      }),
    );
    this.#documents.listen(connection);
    connection.listen();
  }

  #initialize(params: InitializeParams): InitializeResult {
    this.#capabilities = params.capabilities;
    this.#settings.start(params.initializationOptions, params.capabilities.workspace?.configuration === true);
    this.#models.setWorkspaceFolders((params.workspaceFolders ?? []).map(({ uri }) => uri));
    return {
      serverInfo: { name: 'loadline' },
      capabilities: {
        textDocumentSync: TextDocumentSyncKind.Incremental,
        codeLensProvider: {},
        hoverProvider: true,
        completionProvider: { triggerCharacters: completionTriggers },
        inlayHintProvider: true,
        codeActionProvider: { codeActionKinds: [CodeActionKind.QuickFix] },
        workspace: { workspaceFolders: { supported: true, changeNotifications: true } },
      },
    };
  }

  async #initialized(): Promise<void> {
    const { workspace } = this.#capabilities;
    if (workspace?.workspaceFolders) {
      this.#connection.workspace.onDidChangeWorkspaceFolders(() => void this.#readWorkspaceFolders());
    }
    if (workspace?.didChangeConfiguration?.dynamicRegistration) await this.#settings.watch();
    if (workspace?.didChangeWatchedFiles?.dynamicRegistration) {
      await this.#connection.client.register(DidChangeWatchedFilesNotification.type, {
        watchers: [
          { globPattern: '**/config.json' },
          { globPattern: '**/*.{safetensors,index.json,gguf}' },
          { globPattern: '**/.loadline/calibration.json' },
        ],
      });
    }
  }

  async #readWorkspaceFolders(): Promise<void> {
    const folders = await this.#connection.workspace.getWorkspaceFolders();
    this.#models.setWorkspaceFolders((folders ?? []).map(({ uri }) => uri));
    this.#refresh();
  }

  /** Everything anew: not the documents changed, but what they are estimated with. */
  #refresh(): void {
    this.#generation += 1;
    this.#analyser.clear();
    for (const document of this.#documents.all()) this.#schedule(document);
    // A client that refuses will ask again by itself at the next change.
    const refused = (error: unknown) =>
      this.#connection.console.warn(`The client did not ask again: ${String(error)}`);
    const { workspace } = this.#capabilities;
    if (workspace?.codeLens?.refreshSupport) {
      this.#connection.sendRequest(CodeLensRefreshRequest.type).catch(refused);
    }
    if (workspace?.inlayHint?.refreshSupport) this.#connection.languages.inlayHint.refresh().catch(refused);
  }

  #schedule({ uri }: TextDocument): void {
    clearTimeout(this.#pending.get(uri));
    const timer = setTimeout(() => {
      this.#pending.delete(uri);
      this.#publish(uri).catch((error: unknown) => {
        this.#connection.console.error(`Could not estimate ${uri}: ${String(error)}`);
      });
    }, debounceMs);
    this.#pending.set(uri, timer);
  }

  /** Sends diagnostics of the version that is open now, or nothing: what a later change overtook is dropped. */
  async #publish(uri: string): Promise<void> {
    const document = this.#documents.get(uri);
    if (!document) return;
    const { version } = document;
    const generation = this.#generation;
    const analysis = await this.#analyser.of(document);
    const overtaken = this.#documents.get(uri)?.version !== version || this.#generation !== generation;
    if (overtaken || (!analysis && !this.#published.has(uri))) return;
    if (analysis) this.#published.add(uri);
    else this.#published.delete(uri);
    const diagnostics = analysis ? diagnosticsOf(analysis) : [];
    await this.#connection.sendDiagnostics({ uri, version, diagnostics });
    await this.#connection.sendNotification(estimatesChanged, { uri, version });
  }

  #closed(uri: string): void {
    clearTimeout(this.#pending.get(uri));
    this.#pending.delete(uri);
    this.#analyser.forget(uri);
    this.#settings.forget(uri);
    if (this.#published.delete(uri)) void this.#connection.sendDiagnostics({ uri, diagnostics: [] });
  }

  async #answer<T>(
    uri: string,
    token: CancellationToken,
    answer: (analysis: DocumentAnalysis) => T,
    nothing: T,
  ): Promise<T> {
    const document = this.#documents.get(uri);
    const analysis = document && (await this.#analyser.of(document));
    return analysis && !token.isCancellationRequested ? answer(analysis) : nothing;
  }

  #dispose(): void {
    for (const timer of this.#pending.values()) clearTimeout(timer);
    this.#pending.clear();
  }
}

function editsFor(analysis: DocumentAnalysis, { index, changes }: FlagEditsParams): FlagEditsResult {
  const deployment = analysis.deployments[index];
  return {
    version: analysis.snapshot.version,
    edits: deployment ? textEdits(analysis, deployment, changes) : [],
  };
}

function targetEditsFor(
  analysis: DocumentAnalysis,
  { index, ...target }: TargetEditsParams,
): FlagEditsResult {
  const deployment = analysis.deployments[index];
  return {
    version: analysis.snapshot.version,
    edits: deployment ? targetTextEdits(analysis, deployment, target) : [],
  };
}
