import { PassThrough } from 'node:stream';
import {
  type CodeAction,
  type CodeLens,
  type CompletionItem,
  createConnection,
  createProtocolConnection,
  type Diagnostic,
  type Hover,
  type InitializeParams,
  type InitializeResult,
  type InlayHint,
  type ProtocolConnection,
  type PublishDiagnosticsParams,
  type Range,
  StreamMessageReader,
  StreamMessageWriter,
  type TextDocumentEdit,
  type TextEdit,
} from 'vscode-languageserver/node';
import { TextDocument } from 'vscode-languageserver-textdocument';
import { type HubAccessParams, type HubAccessResult, hubAccessRequest } from '../../src/protocol/lsp.ts';
import type { ResolveModel } from '../../src/server/modelResolver.ts';
import { startServer } from '../../src/server/server.ts';
import { resolveModel } from '../../src/storage/modelFolder.ts';

export interface TestClientOptions {
  readonly initializationOptions?: unknown;
  readonly workspaceFolders?: readonly string[];
  /** Answers `workspace/configuration`; without it the client does not offer to. */
  readonly configuration?: (scopeUri: string | undefined) => unknown;
  readonly resolveModel?: ResolveModel;
  /** How long the server waits for a model: left out, as long as a busy machine takes. */
  readonly patienceMs?: number;
  /** Answers what may be asked of a hub; without it the client knows nothing of hubs. */
  readonly hubAccess?: (params: HubAccessParams) => HubAccessResult;
}

/** An editor without a window: the real server over in-memory streams, with documents that follow edits. */
export class TestClient {
  readonly connection: ProtocolConnection;
  readonly published: PublishDiagnosticsParams[] = [];
  codeLensRefreshes = 0;
  readonly #documents = new Map<string, TextDocument>();
  #waiting: (() => void)[] = [];

  private constructor(connection: ProtocolConnection) {
    this.connection = connection;
  }

  static async start(options: TestClientOptions = {}): Promise<TestClient> {
    const toServer = new PassThrough();
    const toClient = new PassThrough();
    const server = createConnection(new StreamMessageReader(toServer), new StreamMessageWriter(toClient));
    startServer(server, options.resolveModel ?? resolveModel, options.patienceMs ?? 60_000);
    const connection = createProtocolConnection(
      new StreamMessageReader(toClient),
      new StreamMessageWriter(toServer),
    );
    const client = new TestClient(connection);
    connection.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) => {
      client.published.push(params);
      client.#wake();
    });
    connection.onRequest('workspace/codeLens/refresh', () => {
      client.codeLensRefreshes += 1;
      client.#wake();
      return null;
    });
    connection.onRequest('client/registerCapability', () => null);
    const { configuration, hubAccess } = options;
    if (hubAccess !== undefined) connection.onRequest(hubAccessRequest, hubAccess);
    connection.onRequest('workspace/configuration', (params: { items: { scopeUri?: string }[] }) =>
      params.items.map(({ scopeUri }) => configuration?.(scopeUri) ?? null),
    );
    connection.listen();
    const params: InitializeParams = {
      processId: null,
      rootUri: null,
      capabilities: {
        workspace: {
          configuration: configuration !== undefined,
          workspaceFolders: true,
          codeLens: { refreshSupport: true },
          didChangeConfiguration: { dynamicRegistration: true },
          didChangeWatchedFiles: { dynamicRegistration: true },
        },
      },
      initializationOptions: options.initializationOptions,
      workspaceFolders: (options.workspaceFolders ?? []).map((uri) => ({ uri, name: uri })),
    };
    await connection.sendRequest<InitializeResult>('initialize', params);
    await connection.sendNotification('initialized', {});
    return client;
  }

  async stop(): Promise<void> {
    await this.connection.sendRequest('shutdown');
    this.connection.dispose();
  }

  async open(uri: string, text: string, languageId = 'yaml'): Promise<void> {
    this.#documents.set(uri, TextDocument.create(uri, languageId, 1, text));
    await this.connection.sendNotification('textDocument/didOpen', {
      textDocument: { uri, languageId, version: 1, text },
    });
  }

  async edit(uri: string, edits: readonly TextEdit[]): Promise<void> {
    const before = this.document(uri);
    const text = TextDocument.applyEdits(before, [...edits]);
    const version = before.version + 1;
    this.#documents.set(uri, TextDocument.create(uri, before.languageId, version, text));
    await this.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version },
      contentChanges: [{ text }],
    });
  }

  async close(uri: string): Promise<void> {
    await this.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  }

  document(uri: string): TextDocument {
    const document = this.#documents.get(uri);
    if (!document) throw new Error(`${uri} is not open`);
    return document;
  }

  /** The diagnostics of the version that is open, once they have come. */
  async diagnostics(uri: string): Promise<Diagnostic[]> {
    const { version } = this.document(uri);
    const found = () => this.published.findLast((each) => each.uri === uri && each.version === version);
    await this.until(() => found() !== undefined);
    return found()?.diagnostics ?? [];
  }

  /** Waits for messages of the server until the condition holds. */
  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  #wake(): void {
    const waiting = this.#waiting;
    this.#waiting = [];
    for (const resolve of waiting) resolve();
  }

  async lenses(uri: string): Promise<CodeLens[]> {
    const params = { textDocument: { uri } };
    return (await this.connection.sendRequest<CodeLens[] | null>('textDocument/codeLens', params)) ?? [];
  }

  async lensTitles(uri: string): Promise<string[]> {
    return (await this.lenses(uri)).map(({ command }) => command?.title ?? '');
  }

  /** Markdown of the hover on the first place where `text` stands. */
  async hover(uri: string, text: string): Promise<string> {
    const document = this.document(uri);
    const position = document.positionAt(document.getText().indexOf(text));
    const hover = await this.connection.sendRequest<Hover | null>('textDocument/hover', {
      textDocument: { uri },
      position,
    });
    return hover && typeof hover.contents === 'object' && 'value' in hover.contents
      ? hover.contents.value
      : '';
  }

  /** What completion offers at the mark `|` of a text, which is opened without it. */
  async completions(uri: string, marked: string, languageId = 'yaml'): Promise<CompletionItem[]> {
    const offset = marked.indexOf('|');
    await this.open(uri, marked.replace('|', ''), languageId);
    const position = this.document(uri).positionAt(offset);
    const params = { textDocument: { uri }, position };
    return (
      (await this.connection.sendRequest<CompletionItem[] | null>('textDocument/completion', params)) ?? []
    );
  }

  async inlayHints(uri: string): Promise<InlayHint[]> {
    const range = { start: { line: 0, character: 0 }, end: { line: 9999, character: 0 } };
    const params = { textDocument: { uri }, range };
    return (await this.connection.sendRequest<InlayHint[] | null>('textDocument/inlayHint', params)) ?? [];
  }

  async actions(uri: string, range: Range): Promise<CodeAction[]> {
    const params = { textDocument: { uri }, range, context: { diagnostics: [] } };
    return (await this.connection.sendRequest<CodeAction[] | null>('textDocument/codeAction', params)) ?? [];
  }

  /** Applies an action's edit as an editor would: only to the version that it was made for. */
  async apply(action: CodeAction): Promise<void> {
    for (const change of action.edit?.documentChanges ?? []) {
      const { textDocument, edits } = change as TextDocumentEdit;
      if (textDocument.version !== this.document(textDocument.uri).version) throw new Error('stale edit');
      await this.edit(textDocument.uri, edits as TextEdit[]);
    }
  }
}
