import { classify } from './classify.ts';
import type { DocumentDeployments } from './located.ts';
import type { DocumentIdentity } from './sources/source.ts';

/** All deployments of a document, in order; undefined where the document is none of our business. Never throws. */
export function findDeployments(text: string, identity: DocumentIdentity): DocumentDeployments | undefined {
  return classify(text, identity)?.read(text);
}
