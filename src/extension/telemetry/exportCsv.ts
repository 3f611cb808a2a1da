import { basename } from 'node:path';
import { l10n, TabInputCustom, type Uri, window } from 'vscode';
import type { TelemetryLine } from '../../protocol/agent.ts';
import { telemetryCsv } from '../../protocol/telemetryCsv.ts';
import { saveFile } from '../panels/saveFile.ts';
import { recordingEditor } from './recordingEditor.ts';

interface Exported {
  readonly host: string;
  readonly clockOffsetMs: number | null;
  readonly lines: readonly TelemetryLine[];
}

/** Asks where to, and writes all samples of the hosts as one table. */
export async function exportCsv(name: string, hosts: readonly Exported[]): Promise<void> {
  // With the mark by which spreadsheets know that it is UTF-8.
  const text = `\u{feff}${telemetryCsv(hosts)}`;
  await saveFile({ name, base64: Buffer.from(text, 'utf8').toString('base64') });
}

export async function exportRecording(uri: Uri): Promise<void> {
  const { readRecordingFile } = await import('./recordingFile.ts');
  const { from, lines, notes } = await readRecordingFile(uri);
  if (lines.length === 0) throw new Error(l10n.t('{0} has no telemetry. {1}', uri.fsPath, notes.join(' ')));
  await exportCsv(`${basename(uri.path).replace(/\.jsonl$/, '')}.csv`, [{ ...from, lines }]);
}

/** The recording in the active editor. */
export function activeRecording(): Uri | undefined {
  const input = window.tabGroups.activeTabGroup.activeTab?.input;
  return input instanceof TabInputCustom && input.viewType === recordingEditor ? input.uri : undefined;
}
