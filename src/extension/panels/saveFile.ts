import { homedir } from 'node:os';
import { l10n, Uri, window, workspace } from 'vscode';
import type { SavedFile } from './savedFile.ts';

/** Asks where to, then writes. Nothing is written where the question is left. */
export async function saveFile({ name, base64 }: SavedFile): Promise<void> {
  const folder = workspace.workspaceFolders?.[0]?.uri ?? Uri.file(homedir());
  const kind = name.endsWith('.png') ? l10n.t('Picture') : l10n.t('Table');
  const target = await window.showSaveDialog({
    defaultUri: Uri.joinPath(folder, name),
    filters: { [kind]: [name.slice(name.lastIndexOf('.') + 1)] },
  });
  if (target === undefined) return;
  try {
    await workspace.fs.writeFile(target, Buffer.from(base64, 'base64'));
  } catch (error) {
    void window.showErrorMessage(
      l10n.t('{0} was not saved: {1}', target.fsPath, error instanceof Error ? error.message : String(error)),
    );
  }
}
