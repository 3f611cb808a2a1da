import { FileSystemError, type Uri, workspace } from 'vscode';
import type { TelemetryRecording } from '../../protocol/telemetryRecording.ts';

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
