/** What the schema of a plan has against a document, in words, each at its key. */
import type * as z from 'zod';
import { closest } from '../closest.ts';
import type { Problem } from '../result.ts';
import { type DocumentPath, knownKeys, schemaNodeAt, valueAt } from './schemaNodes.ts';

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
  return [problem('plan.bad-value', path, wordsOf(issue, valueAt(document, path)))];
}

/** What is wanted, in the words of a plan's writer; the schema's own words where it has some. */
function wordsOf(issue: z.core.$ZodIssue, value: unknown): string {
  const [, own] = /^(?:Invalid (?:input|string|option)|Too (?:small|big)): (.*)$/s.exec(issue.message) ?? [];
  if (own === undefined) return issue.message;
  switch (issue.code) {
    case 'invalid_type':
      return `expected ${kindWords[issue.expected] ?? issue.expected}, not ${kindOf(value)}`;
    case 'invalid_value': {
      const values = issue.values.map(String);
      const near = typeof value === 'string' ? closest(value, values) : undefined;
      return `expected ${values.join(', ')}${near === undefined ? '' : `; did you mean "${near}"?`}`;
    }
    case 'too_small':
      return limitWords(issue.origin, issue.minimum, issue.inclusive === false ? 'more than' : 'at least');
    case 'too_big':
      return limitWords(issue.origin, issue.maximum, issue.inclusive === false ? 'less than' : 'at most');
    default:
      return own;
  }
}

const kindWords: Readonly<Record<string, string>> = {
  array: 'a list',
  boolean: 'true or false',
  int: 'a whole number',
  number: 'a number',
  object: 'keys with values',
  record: 'keys with values',
  string: 'a text',
};

/** Never what a text says: it may be a secret at the wrong place. */
function kindOf(value: unknown): string {
  if (value === null) return 'nothing';
  if (typeof value === 'string') return 'a text';
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return Array.isArray(value) ? 'a list' : 'keys with values';
}

function limitWords(origin: string, limit: number | bigint, relation: string): string {
  const units: Readonly<Record<string, string>> = { array: ' in the list', string: ' characters' };
  return `expected ${relation} ${limit}${units[origin] ?? ''}`;
}

/** How far a document is from a form of a union: wrong and missing keys, and those that it does not have. */
function weight(issues: readonly z.core.$ZodIssue[]): number {
  return issues.reduce((sum, issue) => sum + (issue.code === 'unrecognized_keys' ? issue.keys.length : 1), 0);
}

function problem(code: string, path: DocumentPath, what: string): Problem {
  return { code, message: `${dotted(path)}: ${what}${what.endsWith('?') ? '' : '.'}`, path };
}

function unknownKey(key: string, path: DocumentPath, document: unknown): string {
  const known = knownKeys(path, document);
  const near = closest(key, known);
  const where = path.length === 0 ? 'a plan' : dotted(path);
  const form = missingForm(key, path, document);
  if (form !== undefined) return `"${key}" of ${where} needs "${form.key}: ${form.value}" beside it.`;
  return near === undefined
    ? `"${key}" is not a key of ${where}; there are ${known.join(', ')}.`
    : `"${key}" is not a key of ${where}; did you mean "${near}"?`;
}

/** The fixed value that makes a known key of this one, where it was left out and another form stands for it: `profile: open-loop`. */
export function missingForm(
  key: string,
  path: DocumentPath,
  document: unknown,
): { readonly key: string; readonly value: string } | undefined {
  const { properties = {} } = schemaNodeAt(path, document) ?? {};
  if (!Object.hasOwn(properties, key)) return undefined;
  const fixed = Object.entries(properties).find(
    ([name, { const: value }]) => value !== undefined && valueAt(document, [...path, name]) === undefined,
  );
  return fixed === undefined ? undefined : { key: fixed[0], value: String(fixed[1].const) };
}

/** `load[0].input` */
function dotted(path: DocumentPath): string {
  if (path.length === 0) return 'the plan';
  return path
    .map((key, at) => (typeof key === 'number' ? `[${key}]` : `${at > 0 ? '.' : ''}${key}`))
    .join('');
}
