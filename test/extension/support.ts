import { join } from 'node:path';
import * as vscode from 'vscode';

export const extensionId = 'loadline.loadline';

/** A workspace folder by its name: `examples` and `other`. */
export function folder(name: string): vscode.WorkspaceFolder {
  const found = vscode.workspace.workspaceFolders?.find((each) => each.name === name);
  if (!found) throw new Error(`The workspace has no folder ${name}.`);
  return found;
}

export function fileIn(name: string, file: string): vscode.Uri {
  return vscode.Uri.file(join(folder(name).uri.fsPath, file));
}

export async function writeFile(uri: vscode.Uri, text: string): Promise<vscode.Uri> {
  await vscode.workspace.fs.writeFile(uri, Buffer.from(text));
  return uri;
}

export async function show(uri: vscode.Uri): Promise<vscode.TextEditor> {
  return vscode.window.showTextDocument(await vscode.workspace.openTextDocument(uri));
}

/** Loadline's diagnostics of a document, as soon as `wanted` holds for them. */
export async function diagnostics(
  uri: vscode.Uri,
  wanted: (found: readonly vscode.Diagnostic[]) => boolean,
): Promise<readonly vscode.Diagnostic[]> {
  const ours = (): readonly vscode.Diagnostic[] =>
    vscode.languages.getDiagnostics(uri).filter(({ source }) => source === 'Loadline');
  return new Promise((resolve) => {
    const listener = vscode.languages.onDidChangeDiagnostics(() => check());
    const check = (): void => {
      if (!wanted(ours())) return;
      listener.dispose();
      resolve(ours());
    };
    check();
  });
}

/** What providers of VS Code answer; asked again where the editor cancelled the question, as it does when the text changes. */
export async function ask<T>(command: string, ...words: unknown[]): Promise<T> {
  for (;;) {
    try {
      return await vscode.commands.executeCommand<T>(command, ...words);
    } catch (error) {
      if (!/^Canceled\b/.test(String(error))) throw error;
    }
  }
}

/** Titles of a document's lenses, asked for until `wanted` holds. */
export async function lenses(
  uri: vscode.Uri,
  wanted: (titles: readonly string[]) => boolean,
): Promise<readonly string[]> {
  for (;;) {
    const found = await ask<vscode.CodeLens[]>('vscode.executeCodeLensProvider', uri, 100);
    const titles = found.flatMap(({ command }) => command?.title ?? []);
    if (wanted(titles)) return titles;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

/** The parts of an extension's context that the tested parts use; everything in memory but the paths. */
export function contextForTest(globalStorage: string): vscode.ExtensionContext & {
  readonly variables: Map<string, string>;
} {
  const extension = vscode.extensions.getExtension(extensionId);
  if (!extension) throw new Error(`${extensionId} is not there.`);
  const kept = new Map<string, unknown>();
  const variables = new Map<string, string>();
  const state = {
    keys: () => [...kept.keys()],
    get: (key: string) => kept.get(key),
    update: async (key: string, value: unknown) => void kept.set(key, value),
    setKeysForSync: () => undefined,
  };
  const context = {
    extension,
    extensionUri: extension.extensionUri,
    globalStorageUri: vscode.Uri.file(globalStorage),
    globalState: state,
    workspaceState: state,
    secrets: { get: async () => undefined, store: async () => undefined, delete: async () => undefined },
    environmentVariableCollection: {
      prepend: (name: string, value: string) => variables.set(name, value),
    },
    variables,
  };
  return context as unknown as vscode.ExtensionContext & { readonly variables: Map<string, string> };
}

/** Resolves when a tab has the label. */
export function tab(label: string): Promise<void> {
  return new Promise((resolve) => {
    const listener = vscode.window.tabGroups.onDidChangeTabs(() => check());
    const check = (): void => {
      const labels = vscode.window.tabGroups.all.flatMap(({ tabs }) => tabs.map((one) => one.label));
      if (!labels.includes(label)) return;
      listener.dispose();
      resolve();
    };
    check();
  });
}
