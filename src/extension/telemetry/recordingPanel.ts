import { basename, dirname } from 'node:path';
import {
  type CustomDocument,
  type CustomReadonlyEditorProvider,
  type ExtensionContext,
  env,
  type Uri,
  type WebviewPanel,
} from 'vscode';
import { TimeSeries } from '../../core/series/timeSeries.ts';
import type { RunPhase } from '../../core/sweep/phases.ts';
import { type FromTelemetry, panelProtocol, type ToTelemetry } from '../../protocol/panel.ts';
import { TelemetryHistory } from '../../protocol/telemetryHistory.ts';
import { Panel } from '../panels/panel.ts';
import { exportRecording } from './exportCsv.ts';
import { readRecordingFile } from './recordingFile.ts';
import { askedDetail, bucketsOf } from './slices.ts';

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
  #history: TelemetryHistory | undefined;

  constructor(context: ExtensionContext, panel: WebviewPanel, uri: Uri) {
    super(context, 'telemetry', panel);
    this.#uri = uri;
  }

  protected async snapshot(): Promise<ToTelemetry> {
    const name = basename(this.#uri.path);
    const common = { type: 'snapshot', protocol: panelProtocol, locale: env.language } as const;
    try {
      const { from, lines, notes } = await readRecordingFile(this.#uri);
      const history = new TelemetryHistory((columns) => new TimeSeries(columns, Math.max(1, lines.length)));
      history.ingest(lines);
      this.#history = history;
      const { header } = history;
      const past =
        header && history.slice(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, bucketsOf(header, 1));
      const state = { ...from, connection: 'recording', message: null, recordingFile: null } as const;
      return {
        ...common,
        windowMs: past === undefined ? 60_000 : Math.max(1000, past.toMs - past.fromMs || 0),
        recording: { name, notes },
        hosts:
          past === undefined ? [] : [{ ...state, lines: [], past, phases: await phasesBeside(this.#uri) }],
      };
    } catch (error) {
      const note = error instanceof Error ? error.message : String(error);
      return { ...common, windowMs: 60_000, recording: { name, notes: [note] }, hosts: [] };
    }
  }

  protected async received(message: Partial<FromTelemetry> & { readonly type: string }): Promise<void> {
    if (message.type === 'export') await exportRecording(this.#uri);
    else if (message.type === 'detail') {
      const asked = askedDetail(message);
      const slice = asked && this.#history?.slice(asked.fromMs, asked.toMs, asked.buckets);
      if (slice) this.post({ type: 'detail', host: String(message.host), slice });
    }
  }
}

/** Of the telemetry in a run's folder, by the journal beside it; of any other recording none. */
async function phasesBeside(recording: Uri): Promise<readonly RunPhase[]> {
  if (basename(recording.path) !== 'telemetry.jsonl') return [];
  const { readRunPhases } = await import('../../storage/runPhases.ts');
  return readRunPhases(dirname(recording.fsPath));
}
