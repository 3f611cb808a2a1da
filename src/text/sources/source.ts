import type { DocumentDeployments } from '../located.ts';

/** What an editor knows of a document without reading it. */
export interface DocumentIdentity {
  /** Path or URI; only its last part and extension are looked at. */
  readonly path: string;
  /** The editor's language, where there is an editor. */
  readonly languageId?: string;
}

/** One way of writing deployments. To add one: a file here and a line in table.ts. */
export interface DocumentSource {
  readonly name: string;
  /** Cheap and conservative: a look at the head and searches for words, never a parse. */
  recognises(identity: DocumentIdentity, text: string): boolean;
  /** Never throws, whatever the text. */
  read(text: string): DocumentDeployments;
}

/** How much of a document counts as its head. */
export const headLength = 8192;

export function extensionOf(path: string): string {
  return /\.([^./\\]+)$/.exec(path.replace(/[?#].*$/, ''))?.[1]?.toLowerCase() ?? '';
}

export function fileNameOf(path: string): string {
  return /[^/\\]*$/.exec(path.replace(/[?#].*$/, ''))?.[0]?.toLowerCase() ?? '';
}

export function isYaml({ path, languageId }: DocumentIdentity): boolean {
  if (/\.sweep\.ya?ml$/i.test(path)) return false;
  const yamls = ['yaml', 'dockercompose', 'helm'];
  return yamls.includes(languageId ?? '') || ['yaml', 'yml', 'tpl'].includes(extensionOf(path));
}

/** Whether a line begins with this key. Searches for the word: a pattern over a long file takes far longer. */
export function hasTopLevelKey(text: string, key: string): boolean {
  if (isKeyAt(text, 0, key)) return true;
  const wanted = `\n${key}`;
  for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) {
    if (isKeyAt(text, at + 1, key)) return true;
  }
  return false;
}

function isKeyAt(text: string, at: number, key: string): boolean {
  return (
    text.startsWith(key, at) && /^[ \t]*:(?=\s|$)/.test(text.slice(at + key.length, at + key.length + 20))
  );
}
