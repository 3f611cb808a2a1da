/** The language server in a process of its own. Loaded on first use: the client's library is the heaviest part of the bundle. */
import { type LogOutputChannel, type Uri, workspace } from 'vscode';
import { LanguageClient, TransportKind } from 'vscode-languageclient/node';
import {
  calibrationChanged,
  type EstimatesResult,
  estimatesChanged,
  estimatesRequest,
  type FlagEditsParams,
  type FlagEditsResult,
  flagEditsRequest,
  type HubAccessParams,
  type HubAccessResult,
  hubAccessRequest,
  hubChanged,
  type LiveTarget,
  type LiveTargetParams,
  liveTargetChanged,
  type TargetEditsParams,
  type TargetsResult,
  targetEditsRequest,
  targetsRequest,
  type VerdictsParams,
  type VerdictsResult,
  verdictsRequest,
} from '../protocol/lsp.ts';
import { documentSelector } from './languages.ts';
import { estimateSettings } from './settings.ts';

export interface EstimateClient {
  estimates(uri: string): Promise<EstimatesResult>;
  flagEdits(params: FlagEditsParams): Promise<FlagEditsResult>;
  targets(uri: string): Promise<TargetsResult>;
  verdicts(params: VerdictsParams): Promise<VerdictsResult>;
  targetEdits(params: TargetEditsParams): Promise<FlagEditsResult>;
  /** What was calibrated is to be read again. */
  calibrationChanged(): Promise<void>;
  /** Leave to ask the hub, or its token, changed. */
  hubChanged(): Promise<void>;
  /** Estimates are for the GPUs of a probed host; null: no longer. */
  liveTarget(target: LiveTarget | null): Promise<void>;
  stop(): Promise<void>;
}

export async function startClient(
  serverModule: Uri,
  log: LogOutputChannel,
  changed: (document: { readonly uri: string; readonly version: number }) => void,
  hubAccess: (params: HubAccessParams) => Promise<HubAccessResult>,
): Promise<EstimateClient> {
  const client = new LanguageClient(
    'loadline',
    'Loadline',
    { module: serverModule.fsPath, transport: TransportKind.ipc },
    {
      documentSelector,
      outputChannel: log,
      initializationOptions: estimateSettings(workspace.workspaceFolders?.[0]),
    },
  );
  client.onNotification(estimatesChanged, changed);
  client.onRequest(hubAccessRequest, hubAccess);
  await client.start();
  return {
    estimates: (uri) => client.sendRequest<EstimatesResult>(estimatesRequest, { uri }),
    flagEdits: (params) => client.sendRequest<FlagEditsResult>(flagEditsRequest, params),
    targets: (uri) => client.sendRequest<TargetsResult>(targetsRequest, { uri }),
    verdicts: (params) => client.sendRequest<VerdictsResult>(verdictsRequest, params),
    targetEdits: (params) => client.sendRequest<FlagEditsResult>(targetEditsRequest, params),
    calibrationChanged: () => client.sendNotification(calibrationChanged),
    hubChanged: () => client.sendNotification(hubChanged),
    liveTarget: (target) => client.sendNotification(liveTargetChanged, { target } satisfies LiveTargetParams),
    stop: () => client.dispose(),
  };
}
