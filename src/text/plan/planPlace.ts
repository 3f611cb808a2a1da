/** Where a position stands in a plan: for completion what is being typed there, for hover what is written there. */
import { type Document, isMap, isNode, isPair, isScalar, isSeq, parseDocument, visit } from 'yaml';
import type { DocumentPath } from '../../core/sweep/schemaNodes.ts';
import type { OffsetRange } from '../located.ts';

/** What is being typed. */
export interface PlanPlace {
  /** Of a value: its own path. Of a key: that of the mapping around it. */
  readonly path: DocumentPath;
  readonly kind: 'key' | 'value';
  /** The word around the position. */
  readonly range: OffsetRange;
  /** The plan as far as it is written. */
  readonly document: unknown;
}

const MARK = 'loadline__typed';

/** Undefined in a comment, in a quoted text and where the plan is torn. */
export function planPlaceAt(text: string, offset: number): PlanPlace | undefined {
  const lineStart = text.lastIndexOf('\n', offset - 1) + 1;
  const before = text.slice(lineStart, offset);
  if (/(^|\s)#/.test(before)) return undefined;
  const start = offset - (/[\w./@+-]*$/.exec(before)?.[0].length ?? 0);
  const end = offset + (/^[\w./@+-]*/.exec(text.slice(offset))?.[0].length ?? 0);
  const rest = /^[^\r\n]*/.exec(text.slice(end))?.[0] ?? '';
  const lead = text.slice(lineStart, start);
  // Alone on its line it may be a key that is still without its colon.
  const alone = /^\s*(- +)*$/.test(lead) && /^\s*(#.*)?$/.test(rest);
  for (const mark of alone ? [`${MARK}:`, MARK] : [MARK]) {
    const place = marked(text.slice(0, start) + mark + text.slice(end));
    if (place !== undefined) return { ...place, range: { start, end } };
  }
  return undefined;
}

function marked(text: string): Omit<PlanPlace, 'range'> | undefined {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  let found: { path: DocumentPath; kind: 'key' | 'value' } | undefined;
  visit(document, {
    Scalar(key, node, ancestors) {
      if (node.value !== MARK) return undefined;
      found = { path: pathOf([...ancestors, node]), kind: key === 'key' ? 'key' : 'value' };
      return visit.BREAK;
    },
  });
  return found && { ...found, document: plainOf(document) };
}

/** Keys and indices that lead to the last of the nodes. */
function pathOf(nodes: readonly unknown[]): DocumentPath {
  const path: (string | number)[] = [];
  for (const [at, node] of nodes.entries()) {
    const next = nodes[at + 1];
    if (isSeq(node)) path.push(node.items.indexOf(next));
    else if (isPair(node) && isScalar(node.key) && next !== node.key) path.push(String(node.key.value));
  }
  return path;
}

function plainOf(document: Document): unknown {
  try {
    return document.toJS({ maxAliasCount: 100 });
  } catch {
    return undefined;
  }
}

/** What is written at a position: the path of a key, or of a value. */
export interface WrittenPlace {
  readonly path: DocumentPath;
  readonly range: OffsetRange;
  readonly document: unknown;
}

export function writtenAt(text: string, offset: number): WrittenPlace | undefined {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  let node: unknown = document.contents;
  const path: (string | number)[] = [];
  for (;;) {
    if (isMap(node)) {
      const pair = node.items.find(({ key, value }) => holds(key, offset) || holds(value, offset));
      if (pair === undefined || !isScalar(pair.key)) return undefined;
      path.push(String(pair.key.value));
      if (holds(pair.key, offset)) return placed(document, path, pair.key);
      node = pair.value;
    } else if (isSeq(node)) {
      const index = node.items.findIndex((item) => holds(item, offset));
      if (index < 0) return undefined;
      path.push(index);
      node = node.items[index];
    } else return placed(document, path, node);
  }
}

function placed(document: Document, path: DocumentPath, node: unknown): WrittenPlace | undefined {
  if (!isNode(node) || !node.range) return undefined;
  return { path, range: { start: node.range[0], end: node.range[1] }, document: plainOf(document) };
}

function holds(node: unknown, offset: number): boolean {
  return isNode(node) && !!node.range && node.range[0] <= offset && offset <= node.range[1];
}
