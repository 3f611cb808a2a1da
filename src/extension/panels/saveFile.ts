import { homedir } from 'node:os';
import { l10n, Uri, window, workspace } from 'vscode';

/** A chart or its data, as a page hands it over. */
export interface SavedFile {
  readonly name: string;
  readonly base64: string;
}

/** A chart of a large screen takes a tenth of it. */
const mostCharacters = 32 * 1024 * 1024;

/** A page is untrusted input: a plain name of a kind that panels draw, and not without end. undefined: it is none. */
export function savedFileOf({ name, base64 }: Readonly<Record<string, unknown>>): SavedFile | undefined {
  return typeof name === 'string' &&
    /^[\p{L}\p{N}][\p{L}\p{N} ._()-]{0,120}\.(png|csv)$/u.test(name) &&
    typeof base64 === 'string' &&
    base64.length <= mostCharacters
    ? { name, base64 }
    : undefined;
}

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
