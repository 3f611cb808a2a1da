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
