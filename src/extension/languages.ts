import type { TextDocument } from 'vscode';
import type { DocumentSelector } from 'vscode-languageclient/node';

/** Languages of documents that may hold a deployment. The server looks at each and is silent where there is none. */
const languages: ReadonlySet<string> = new Set([
  'yaml',
  'dockercompose',
  'dockerfile',
  'helm',
  'shellscript',
]);

/** Files that hold one by their name, whatever else is written in their language. */
const namedFiles: readonly { readonly name: string; readonly language?: string }[] = [
  { name: 'model.json', language: 'json' },
  { name: 'model.json', language: 'jsonc' },
  { name: 'config.pbtxt' },
];

/** What the language server is told of. */
export const documentSelector: DocumentSelector = [
  ...[...languages].map((language) => ({ language })),
  ...namedFiles.map(({ name, ...language }) => ({ ...language, pattern: `**/${name}` })),
];

export function mayHoldDeployment({ languageId, uri }: TextDocument): boolean {
  return (
    languages.has(languageId) ||
    namedFiles.some(
      ({ name, language = languageId }) => language === languageId && uri.path.endsWith(`/${name}`),
    )
  );
}
