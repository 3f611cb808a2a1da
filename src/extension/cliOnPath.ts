import { chmod, mkdir } from 'node:fs/promises';
import { delimiter, join } from 'node:path';
import { type ExtensionContext, l10n, Uri, window } from 'vscode';
import { quote } from '../remote/quote.ts';
import { writeFileAtomically } from '../storage/atomicFile.ts';

const installedKey = 'loadline.cliOnPath';

/**
 * Puts `loadline` on the PATH of terminals that are opened from now on: a small script in the extension's own storage, which
 * runs the command line with the Node.js that the editor brings. Nothing outside the editor is changed.
 */
export async function installCli(context: ExtensionContext): Promise<void> {
  await writeWrapper(context);
  await context.globalState.update(installedKey, true);
  void window.showInformationMessage(
    l10n.t('Terminals opened from now on have the command loadline. Try: loadline fit <file>'),
  );
}

/** The script names this version's folder: written again by each version, where it was wanted once. */
export async function refreshCli(context: ExtensionContext): Promise<void> {
  if (context.globalState.get<boolean>(installedKey)) await writeWrapper(context);
}

async function writeWrapper(context: ExtensionContext): Promise<void> {
  const folder = Uri.joinPath(context.globalStorageUri, 'bin').fsPath;
  const cli = Uri.joinPath(context.extensionUri, 'dist', 'cli.js').fsPath;
  await mkdir(folder, { recursive: true });
  if (process.platform === 'win32') {
    const script = `@echo off\r\nset ELECTRON_RUN_AS_NODE=1\r\n"${process.execPath}" "${cli}" %*\r\n`;
    await writeFileAtomically(join(folder, 'loadline.cmd'), script);
  } else {
    const script = `#!/bin/sh\nELECTRON_RUN_AS_NODE=1 exec ${quote(process.execPath)} ${quote(cli)} "$@"\n`;
    const file = join(folder, 'loadline');
    await writeFileAtomically(file, script);
    await chmod(file, 0o755);
  }
  const variables = context.environmentVariableCollection;
  variables.description = l10n.t('The loadline command');
  variables.prepend('PATH', `${folder}${delimiter}`);
}
