/** `*.sweep.yaml` -> a plan, with every problem at its key. */
import { type Document, isCollection, isMap, isNode, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import { failure, type Problem, type Result } from '../core/result.ts';
import { planFrom } from '../core/sweep/plan.ts';
import type { SweepPlan } from '../core/sweep/planSchema.ts';
import { keyInText, secretProblem } from '../core/sweep/planSecrets.ts';
import type { LocatedProblem, OffsetRange } from './located.ts';
import { yamlErrorText } from './yamlError.ts';

export interface ParsedSweepPlan {
  readonly result: Result<SweepPlan>;
  /** What keeps the plan from running; empty where `result` is ok. In the order of the document. */
  readonly problems: readonly LocatedProblem[];
  /** What is worth saying of a plan that runs. */
  readonly warnings: readonly LocatedProblem[];
}

/** Never throws, whatever the text. A torn document gives `plan.torn` at the tear and nothing else: the rest would be guesses. */
export function parseSweepPlan(text: string): ParsedSweepPlan {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  const [torn] = document.errors;
  if (torn !== undefined) {
    const [start, end] = torn.pos;
    const problem = {
      code: 'plan.torn',
      message: `The plan cannot be read as YAML (${yamlErrorText(torn)}).`,
    };
    const range = {
      start: Math.min(start, text.length),
      end: Math.min(Math.max(start + 1, end), text.length),
    };
    return { result: failure(problem), problems: [{ ...problem, range }], warnings: [] };
  }
  const key = keyInText(text);
  if (key !== undefined) {
    const problem = secretProblem('This', []);
    return { result: failure(problem), problems: [{ ...problem, range: key }], warnings: [] };
  }
  const result = planOf(document);
  const located = (problems: readonly Problem[]) =>
    problems
      .map((problem) => ({ ...problem, range: rangeOf(text, document, problem.path ?? []) }))
      .sort((a, b) => a.range.start - b.range.start);
  return {
    result,
    problems: result.ok ? [] : located(result.problems),
    warnings: result.ok ? located(result.warnings) : [],
  };
}

/** A problem that was found later, with what is not in the text (a host, a model), at its key. */
export function locateProblem(text: string, problem: Problem): LocatedProblem {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  return { ...problem, range: rangeOf(text, document, problem.path ?? []) };
}

function planOf(document: Document): Result<SweepPlan> {
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    return failure({
      code: 'plan.torn',
      message: `The plan cannot be read: ${error instanceof Error ? error.message : String(error)}.`,
    });
  }
  return planFrom(value);
}

/** The key that the path names; where it is not there, the nearest thing around it. A list's item stands for itself. */
function rangeOf(text: string, document: Document, path: readonly (string | number)[]): OffsetRange {
  let node: Node | null = isNode(document.contents) ? document.contents : null;
  let range: OffsetRange = firstLine(text);
  for (const key of path) {
    if (isMap(node)) {
      const pair = node.items.find(
        ({ key: candidate }) =>
          isScalar(candidate) && spelled(String(candidate.value)) === spelled(String(key)),
      );
      if (pair === undefined || !isScalar(pair.key)) return range;
      range = nodeRange(pair.key) ?? range;
      node = isNode(pair.value) ? pair.value : null;
    } else if (isSeq(node) && typeof key === 'number') {
      const item: unknown = node.items[key];
      node = isNode(item) ? item : null;
      if (node === null) return range;
      // An item that is a mapping begins with its first key: the rest would mark half a file.
      const first = isMap(node) ? node.items[0]?.key : node;
      range = (isNode(first) && !isCollection(first) ? nodeRange(first) : undefined) ?? range;
    } else return range;
  }
  return range;
}

/** Flags come back under their canonical names. */
export function spelled(key: string): string {
  return key.replace(/^-+/, '').replaceAll('_', '-');
}

function nodeRange(node: Node): OffsetRange | undefined {
  return node.range ? { start: node.range[0], end: node.range[1] } : undefined;
}

function firstLine(text: string): OffsetRange {
  const end = text.search(/[\r\n]/);
  return { start: 0, end: end < 0 ? text.length : end };
}
