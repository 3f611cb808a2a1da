import { classify } from './classify.ts';
import type { DocumentDeployments } from './located.ts';
import type { DocumentIdentity } from './sources/source.ts';

/** Longer texts are machines' work: reading one would keep an editor waiting. */
const longestText = 500_000;

/** All deployments of a document, in order; undefined where the document is none of our business. Never throws. */
export function findDeployments(text: string, identity: DocumentIdentity): DocumentDeployments | undefined {
  // A byte order mark is read as an empty line of the same length.
  if (text.startsWith('\uFEFF')) return findDeployments(`\n${text.slice(1)}`, identity);
  if (text.length <= longestText) return classify(text, identity)?.read(text);
  const source = classify(text.slice(0, longestText), identity);
  if (!source) return undefined;
  const end = text.search(/[\r\n]/);
  const problem = {
    code: 'document.too-long',
    message: `This file is longer than ${longestText / 1000} thousand characters, so its deployments are not looked for.`,
    range: { start: 0, end: Math.max(1, end < 0 ? text.length : end) },
  };
  return { deployments: [], problems: [problem] };
}
