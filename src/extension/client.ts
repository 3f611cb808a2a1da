/** The language server in a process of its own. Loaded on first use: the client's library is the heaviest part of the bundle. */
import { type LogOutputChannel, type Uri, workspace } from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import {
  type EstimatesResult,
  estimatesChanged,
  estimatesRequest,
  type FlagEditsParams,
  type FlagEditsResult,
  flagEditsRequest,
} from '../protocol/lsp.ts';
import { languages } from './languages.ts';
import { estimateSettings } from './settings.ts';

export interface EstimateClient {
  estimates(uri: string): Promise<EstimatesResult>;
  flagEdits(params: FlagEditsParams): Promise<FlagEditsResult>;
  stop(): Promise<void>;
}

export async function startClient(
  serverModule: Uri,
  log: LogOutputChannel,
  changed: (document: { readonly uri: string; readonly version: number }) => void,
): Promise<EstimateClient> {
  const client = new LanguageClient(
    'loadline',
    'Loadline',
    { module: serverModule.fsPath, transport: TransportKind.ipc },
    {
      documentSelector: [...languages].map((language) => ({ language })),
      outputChannel: log,
      initializationOptions: estimateSettings(workspace.workspaceFolders?.[0]),
    },
  );
  client.onNotification(estimatesChanged, changed);
  await client.start();
  return {
    estimates: (uri) => client.sendRequest<EstimatesResult>(estimatesRequest, { uri }),
    flagEdits: (params) => client.sendRequest<FlagEditsResult>(flagEditsRequest, params),
    stop: () => client.dispose(),
  };
}
