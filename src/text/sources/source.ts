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
  /** Cheap and conservative: `head` is the document's first 8 KB at most. */
  recognises(identity: DocumentIdentity, head: string): boolean;
  /** Never throws, whatever the text. */
  read(text: string): DocumentDeployments;
}

export function extensionOf(path: string): string {
  return /\.([^./\\]+)$/.exec(path.replace(/[?#].*$/, ''))?.[1]?.toLowerCase() ?? '';
}
