/** What the schema of a plan has against a document, in words, each at its key. */
import type * as z from 'zod';
import { closest } from '../closest.ts';
import type { Problem } from '../result.ts';
import { type DocumentPath, knownKeys, valueAt } from './schemaNodes.ts';

/** What the schema has against a parsed document, each at its key. An unknown key's path ends with that key. */
export function schemaProblems(error: z.ZodError, document: unknown): Problem[] {
  return error.issues.flatMap((issue) => issueProblems(issue, [], document));
}

function issueProblems(issue: z.core.$ZodIssue, parent: DocumentPath, document: unknown): Problem[] {
  const path = [...parent, ...issue.path.map((key) => (typeof key === 'symbol' ? String(key) : key))];
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      code: 'plan.unknown-key',
      message: unknownKey(key, path, document),
      path: [...path, key],
    }));
  }
  if (valueAt(document, path) === undefined) return [problem('plan.missing-key', path, 'this is missing')];
  if (issue.code === 'invalid_union') {
    // Where one of the forms was clearly meant, what is wrong inside it says more than "neither of them".
    const meant = issue.errors
      .filter((form) =>
        form.every(({ code, path: inside }) => inside.length > 0 || code === 'unrecognized_keys'),
      )
      .toSorted((one, other) => weight(one) - weight(other))[0];
    if (meant !== undefined) return meant.flatMap((inner) => issueProblems(inner, path, document));
  }
  return [problem('plan.bad-value', path, issue.message.replace(/^Invalid (input|string|option): /, ''))];
}

/** How far a document is from a form of a union: wrong and missing keys, and those that it does not have. */
function weight(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
}

function problem(code: string, path: DocumentPath, what: string): Problem {
  return { code, message: `${dotted(path)}: ${what}.`, path };
}

function unknownKey(key: string, path: DocumentPath, document: unknown): string {
  const known = knownKeys(path, document);
  const near = closest(key, known);
  const where = path.length === 0 ? 'a plan' : dotted(path);
  return near === undefined
    ? `"${key}" is not a key of ${where}; there are ${known.join(', ')}.`
    : `"${key}" is not a key of ${where}; did you mean "${near}"?`;
}

/** `load[0].input` */
function dotted(path: DocumentPath): string {
  if (path.length === 0) return 'the plan';
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at > 0 ? '.' : ''}${key}`))
    .join('');
}
