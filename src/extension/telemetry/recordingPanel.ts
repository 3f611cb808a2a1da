import { basename } from 'node:path';
import {
  type CustomDocument,
  type CustomReadonlyEditorProvider,
  type ExtensionContext,
  env,
  FileSystemError,
  type Uri,
  type WebviewPanel,
  workspace,
} from 'vscode';
import type { TelemetryHeader } from '../../protocol/agent.ts';
import { type FromTelemetry, panelProtocol, type ToTelemetry } from '../../protocol/panel.ts';
import type { TelemetryRecording } from '../../protocol/telemetryRecording.ts';
import { Panel } from '../panels/panel.ts';
import { exportRecording } from './exportCsv.ts';

/** What a string of this machine can hold, with room. */
const mostBytes = 400 * 1024 * 1024;

/** Throws where the file cannot be read. */
export async function readRecordingFile(uri: Uri): Promise<TelemetryRecording> {
  const { size } = await workspace.fs.stat(uri);
  if (size > mostBytes)
    throw FileSystemError.Unavailable(
      `${uri.fsPath} has ${Math.round(size / 1e6)} MB; recordings of up to ${Math.round(mostBytes / 1e6)} MB are opened.`,
    );
  const { readRecording } = await import('../../protocol/telemetryRecording.ts');
  return readRecording(Buffer.from(await workspace.fs.readFile(uri)).toString('utf8'));
}

/** Opens recordings of telemetry in the panel's own view, read-only. */
export class RecordingEditorProvider implements CustomReadonlyEditorProvider {
  constructor(readonly context: ExtensionContext) {}

  openCustomDocument(uri: Uri): CustomDocument {
    return { uri, dispose: () => {} };
  }

  resolveCustomEditor({ uri }: CustomDocument, panel: WebviewPanel): void {
    new RecordingPanel(this.context, panel, uri);
  }
}

class RecordingPanel extends Panel<ToTelemetry, FromTelemetry> {
  readonly #uri: Uri;

  constructor(context: ExtensionContext, panel: WebviewPanel, uri: Uri) {
    super(context, 'telemetry', panel);
    this.#uri = uri;
  }

  protected async snapshot(): Promise<ToTelemetry> {
    const name = basename(this.#uri.path);
    const common = { type: 'snapshot', protocol: panelProtocol, locale: env.language } as const;
    try {
      const { from, lines, notes } = await readRecordingFile(this.#uri);
      return {
        ...common,
        windowMs: lengthMs(lines),
        recording: { name, notes },
        hosts:
          lines.length === 0
            ? []
            : [{ ...from, connection: 'recording', message: null, recordingFile: null, lines }],
      };
    } catch (error) {
      const note = error instanceof Error ? error.message : String(error);
      return { ...common, windowMs: 60_000, recording: { name, notes: [note] }, hosts: [] };
    }
  }

  protected async received(message: Partial<FromTelemetry> & { readonly type: string }): Promise<void> {
    if (message.type === 'export') await exportRecording(this.#uri);
  }
}

/** From the first sample to the last, milliseconds. */
function lengthMs(lines: TelemetryRecording['lines']): number {
  let header: TelemetryHeader | undefined;
  let [first, last] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const line of lines) {
    if (line.type === 'telemetry-header') header = line;
    else if (line.type === 'telemetry' && header !== undefined) {
      const time = header.startedWallMs + line.monotonicMs - header.startedMonotonicMs;
      first = Math.min(first, time);
      last = Math.max(last, time);
    }
  }
  return Math.max(1000, last - first || 0);
}
