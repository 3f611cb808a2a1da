/** Quick fixes on the lines of a plan. */
import { type Document, isMap, isNode, isPair, isScalar, isSeq, parseDocument } from 'yaml';
import { closest } from '../../core/closest.ts';
import type { FlagValue } from '../../core/engine/deployment.ts';
import { findEngine } from '../../core/engine/engines.ts';
import { type DocumentPath, knownKeys, valueAt } from '../../core/sweep/schemaNodes.ts';
import { missingForm } from '../../core/sweep/schemaProblems.ts';
import type { OffsetEdit } from '../edits.ts';
import type { LocatedProblem } from '../located.ts';
import { spelled } from '../sweepPlan.ts';

export interface PlanFix {
  readonly title: string;
  readonly edits: readonly OffsetEdit[];
}

/** What would put a problem right, best first; none where only a person can tell. */
export function planFixes(text: string, { code, path = [], range, message }: LocatedProblem): PlanFix[] {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  const plan: unknown = document.errors.length > 0 ? undefined : document.toJS({ maxAliasCount: 100 });
  const key = path.at(-1);
  const written = text.slice(range.start, range.end);
  const replace = (by: string): PlanFix => ({
    title: `Write ${by}`,
    edits: [{ range, newText: by }],
  });
  const remove = (): PlanFix[] => {
    const edit = removal(text, document, path);
    return edit === undefined ? [] : [{ title: `Remove ${String(key)}`, edits: [edit] }];
  };
  switch (code) {
    case 'plan.unknown-key': {
      const form = missingForm(String(key), path.slice(0, -1), plan);
      if (form !== undefined) {
        const line = `${form.key}: ${form.value}`;
        return [{ title: `Add ${line}`, edits: [before(text, document, path, range.start, line)] }];
      }
      const near = closest(String(key), knownKeys(path.slice(0, -1), plan));
      return near === undefined ? remove() : [replace(near), ...remove()];
    }
    case 'plan.unknown-flag': {
      const engine = findEngine(String(valueAt(plan, ['engine', 'name'])));
      const near = closest(written, engine?.flags.map(({ name }) => name) ?? []);
      return near === undefined ? [] : [replace(near)];
    }
    case 'plan.bad-value': {
      if (key === 'version') return quoted(text, document, path);
      return [];
    }
    case 'plan.no-slo':
      return [appended(text, 'slo: { ttftP95Ms: 500, perQueryTokensPerSecond: 10 }', 'Add a service level')];
    case 'plan.duplicate-flag':
      return message.includes('deployment.flags')
        ? removalOf(text, document, ['deployment', 'flags', String(key)], `Remove it from deployment.flags`)
        : remove();
    case 'plan.own-flag':
    case 'plan.secret':
    case 'plan.exclude-unknown':
      return typeof key === 'string' || code === 'plan.exclude-unknown' ? remove() : [];
    default:
      return [];
  }
}

/** Takes a value out of its list; undefined where it is the only one. */
export function withoutItem(text: string, path: DocumentPath, title: string): PlanFix | undefined {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  const list = document.getIn(path.slice(0, -1), true);
  if (!isSeq(list) || list.items.length < 2) return undefined;
  const index = Number(path.at(-1));
  const item = list.items[index];
  if (!isNode(item) || !item.range) return undefined;
  if (!list.flow) {
    const edit = lines(text, item.range[0], item.range[1]);
    return { title, edits: [{ range: edit, newText: '' }] };
  }
  const next = list.items[index + 1];
  const before = list.items[index - 1];
  // With the comma that parts it from its neighbour.
  const range =
    isNode(next) && next.range
      ? { start: item.range[0], end: next.range[0] }
      : isNode(before) && before.range
        ? { start: before.range[1], end: item.range[1] }
        : undefined;
  return range && { title, edits: [{ range, newText: '' }] };
}

/** Takes a key, or a list's item, out with its lines; undefined where it shares them with others. */
export function withoutKey(text: string, path: DocumentPath, title: string): PlanFix | undefined {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  return removalOf(text, document, path, title)[0];
}

/** Sets a key of the plan itself: in its place, or as a new line at the end. */
export function withKey(text: string, key: string, value: string, title: string): PlanFix {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  const node = document.get(key, true);
  return isScalar(node) && node.range
    ? { title, edits: [{ range: { start: node.range[0], end: node.range[1] }, newText: value }] }
    : appended(text, `${key}: ${value}`, title);
}

/** Sets a flag that all cells have in common. Undefined where the plan writes its flags in a form that takes no line. */
export function withFlag(text: string, flag: string, value: FlagValue, title: string): PlanFix | undefined {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  const newText = scalarText(value);
  const flags = document.getIn(['deployment', 'flags'], true);
  if (!isMap(flags)) {
    if (document.has('deployment')) return undefined;
    return appended(text, `deployment:\n  flags:\n    ${flag}: ${newText}`, title);
  }
  const pair = flags.items.find(({ key }) => isScalar(key) && spelled(String(key.value)) === spelled(flag));
  if (isNode(pair?.value) && pair.value.range) {
    return {
      title,
      edits: [{ range: { start: pair.value.range[0], end: pair.value.range[1] }, newText }],
    };
  }
  const first = flags.items[0]?.key;
  if (!isNode(first) || !first.range) return undefined;
  const at = first.range[0];
  if (flags.flow)
    return { title, edits: [{ range: { start: at, end: at }, newText: `${flag}: ${newText}, ` }] };
  const indent = text.slice(text.lastIndexOf('\n', at - 1) + 1, at);
  return { title, edits: [{ range: { start: at, end: at }, newText: `${flag}: ${newText}\n${indent}` }] };
}

/** A flag's value as YAML reads it back. */
export function scalarText(value: FlagValue): string {
  if (typeof value === 'object') return `[${value.map(scalarText).join(', ')}]`;
  return typeof value === 'string' && !/^[\w./-]*[A-Za-z][\w./-]*$/.test(value)
    ? JSON.stringify(value)
    : String(value);
}

function appended(text: string, line: string, title: string): PlanFix {
  const newText = `${text === '' || text.endsWith('\n') ? '' : '\n'}${line}\n`;
  return { title, edits: [{ range: { start: text.length, end: text.length }, newText }] };
}

/** Another pair before the one that stands at a path, in its style. */
function before(
  text: string,
  document: Document,
  path: DocumentPath,
  start: number,
  pair: string,
): OffsetEdit {
  const parent = document.getIn(path.slice(0, -1), true);
  const indent = ' '.repeat(start - (text.lastIndexOf('\n', start - 1) + 1));
  const between = isMap(parent) && parent.flow ? ', ' : `\n${indent}`;
  return { range: { start, end: start }, newText: `${pair}${between}` };
}

function quoted(text: string, document: Document, path: DocumentPath): PlanFix[] {
  const node = document.getIn([...path], true);
  if (!isScalar(node) || !node.range) return [];
  const range = { start: node.range[0], end: node.range[1] };
  return [
    { title: 'Put it in quotes', edits: [{ range, newText: `"${text.slice(range.start, range.end)}"` }] },
  ];
}

function removalOf(text: string, document: Document, path: DocumentPath, title: string): PlanFix[] {
  const edit = removal(text, document, path);
  return edit === undefined ? [] : [{ title, edits: [edit] }];
}

/** The whole lines of a pair or of an item of a list; undefined within braces, where the rest of the line would suffer. */
function removal(text: string, document: Document, path: DocumentPath): OffsetEdit | undefined {
  const parent = path.length === 1 ? document.contents : document.getIn(path.slice(0, -1), true);
  const key = path.at(-1);
  if (isMap(parent) && !parent.flow) {
    const pair = parent.items.find(
      (one) => isScalar(one.key) && spelled(String(one.key.value)) === spelled(String(key)),
    );
    if (!isPair(pair) || !isNode(pair.key) || !pair.key.range) return undefined;
    const end = isNode(pair.value) && pair.value.range ? pair.value.range[1] : pair.key.range[1];
    return { range: lines(text, pair.key.range[0], end), newText: '' };
  }
  if (isSeq(parent) && !parent.flow && typeof key === 'number') {
    const item = parent.items[key];
    return isNode(item) && item.range
      ? { range: lines(text, item.range[0], item.range[1]), newText: '' }
      : undefined;
  }
  return undefined;
}

function lines(text: string, start: number, end: number) {
  const first = text.lastIndexOf('\n', start - 1) + 1;
  // A block ends at the beginning of the next line already.
  const last = text[end - 1] === '\n' ? end : text.indexOf('\n', end) + 1;
  return { start: first, end: last === 0 ? text.length : last };
}
