/** The log of a cell's engine, in the editor. Loaded on first use. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { l10n, Range, Selection, TextEditorRevealType, Uri, window, workspace } from 'vscode';
import type { CellResult } from '../../core/sweep/run.ts';
import { readJournal } from '../../storage/runFolder.ts';
import type { RunView } from './runView.ts';

/** At the first line of the failure's excerpt, else at its end. */
export async function openEngineLog({ directory }: RunView, cell: CellResult): Promise<void> {
  const file = await logOf(directory, cell);
  if (file === undefined) {
    void window.showInformationMessage(l10n.t('The log of this engine is not in the run’s folder.'));
    return;
  }
  const document = await workspace.openTextDocument(Uri.file(join(directory, file)));
  const first = cell.failure?.logExcerpt.find((line) => line.trim() !== '');
  const at = first === undefined ? -1 : document.getText().lastIndexOf(first);
  const position = document.positionAt(at < 0 ? document.getText().length : at);
  const editor = await window.showTextDocument(document, { preview: true });
  editor.selection = new Selection(position, position);
  editor.revealRange(new Range(position, position), TextEditorRevealType.InCenter);
}

/** `engine-<key>.log`, or of the copy that failed. */
async function logOf(directory: string, cell: CellResult): Promise<string | undefined> {
  const { records } = await readJournal(directory);
  const starting = records.findLast(
    (record) => record.type === 'engine-starting' && record.cell === cell.cell,
  );
  const started = records.findLast((record) => record.type === 'cell-started' && record.cell === cell.cell);
  const before = records.findLast(
    (record) => record.type === 'engine-starting' && started !== undefined && record.seq < started.seq,
  );
  const engine = starting ?? before;
  if (engine?.type !== 'engine-starting') return undefined;
  const files = (await readdir(directory)).filter(
    (name) => name.startsWith(`engine-${engine.engineKey}`) && name.endsWith('.log'),
  );
  const copy = cell.failure?.instance;
  return files.find((name) => copy !== undefined && name.includes(`-${copy}.`)) ?? files.sort()[0];
}
