import type { TextDocument } from 'vscode-languageserver-textdocument';
import { findDeployments } from '../text/deployments.ts';
import type { DocumentDeployments } from '../text/located.ts';

/** The deployments of each open document, read once per version. */
export class DeploymentCache {
  readonly #read = new Map<
    string,
    {
      readonly document: TextDocument;
      readonly version: number;
      readonly value: DocumentDeployments | undefined;
    }
  >();

  /** Undefined where the document is none of our business. */
  of(document: TextDocument): DocumentDeployments | undefined {
    const known = this.#read.get(document.uri);
    if (known && known.document === document && known.version === document.version) return known.value;
    const { uri, version, languageId } = document;
    const value = findDeployments(document.getText(), { path: uri, languageId });
    this.#read.set(uri, { document, version, value });
    return value;
  }

  forget(uri: string): void {
    this.#read.delete(uri);
  }
}
