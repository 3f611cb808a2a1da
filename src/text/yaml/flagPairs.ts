/** A mapping whose keys are the engine's flags: vLLM's YAML config, Triton's `model.json`, a chart's `vllmConfig`. */
import { isMap, isScalar, isSeq, type Scalar, type YAMLMap } from 'yaml';
import type { Insertion, OffsetRange, UnresolvedPart, Writing } from '../located.ts';
import type { FoundModel } from '../sources/assemble.ts';
import { unknownUnit } from '../templates.ts';
import type { WrittenFlag } from '../writtenFlags.ts';
import type { YamlTree } from './tree.ts';

export interface FlagPairs {
  readonly model?: FoundModel;
  readonly written: readonly WrittenFlag[];
  readonly unresolved: readonly UnresolvedPart[];
  readonly range: OffsetRange;
  readonly insertion: Insertion;
}

/** Undefined for a mapping without a single key. */
export function readFlagPairs(
  text: string,
  tree: YamlTree,
  map: YAMLMap,
  style: 'yaml' | 'json' = 'yaml',
): FlagPairs | undefined {
  const written: WrittenFlag[] = [];
  const unresolved: UnresolvedPart[] = [];
  let model: FoundModel | undefined;
  const wholes: OffsetRange[] = [];
  for (const pair of map.items) {
    const key = tree.rangeOf(pair.key);
    if (!key || !isScalar(pair.key)) continue;
    const value = tree.rangeOf(pair.value);
    const whole = { start: key.start, end: Math.max(key.end, value?.end ?? 0) };
    wholes.push(whole);
    if (String(pair.key.value) === '<<') {
      const range = value ?? key;
      unresolved.push({ text: text.slice(range.start, range.end), range, why: 'expanded-later' });
      continue;
    }
    // Keys in quotes are marked without them, so that a name can be replaced.
    const quoted = /^(["']).*\1$/.test(text.slice(key.start, key.end));
    const inner = quoted && key.end - key.start > 1 ? { start: key.start + 1, end: key.end - 1 } : key;
    const writing: Writing = { style, quoting: 'none' };
    const flag: WrittenFlag = {
      name: String(pair.key.value),
      key: inner,
      ...(value && value.end > value.start ? { valueRange: value } : {}),
      whole,
      writing,
      ...valuesOf(tree, pair.value),
    };
    if (flag.name === 'model') model = modelOf(flag) ?? model;
    else written.push(flag);
  }
  const first = wholes[0];
  const last = wholes.at(-1);
  if (!first || !last) return undefined;
  const range = { start: map.flow ? (tree.rangeOf(map)?.start ?? first.start) : first.start, end: last.end };
  const insertion = pairInsertion(text, wholes, map.flow === true, style);
  return { ...(model ? { model } : {}), written, unresolved, range, insertion };
}

function pairInsertion(
  text: string,
  wholes: readonly OffsetRange[],
  flow: boolean,
  style: 'yaml' | 'json',
): Insertion {
  const last = wholes.at(-1) ?? { start: 0, end: 0 };
  const writing: Writing = { style, quoting: 'none' };
  if (flow) {
    const before = wholes.at(-2);
    const opening = text.lastIndexOf('{', last.start - 1) + 1;
    const gap = before ? text.slice(before.end, last.start) : `,${text.slice(opening, last.start)}`;
    return {
      offset: last.end,
      writing,
      separator: /^\s*,\s*$/.test(gap) ? `,${gap.replace(/^\s*,/, '')}` : ', ',
    };
  }
  const newline = text.includes('\r\n') ? '\r\n' : '\n';
  return { offset: lineEnd(text, last.end), writing, separator: newline + indentOf(text, last.start) };
}

function valuesOf(tree: YamlTree, written: unknown): Pick<WrittenFlag, 'values' | 'expandedLater'> {
  const node = tree.resolve(written);
  if (node === undefined) return { values: [], expandedLater: true };
  if (node === null) return { values: null };
  if (isSeq(node)) {
    const items = tree.items(node);
    const values = items.map((item) => (isScalar(item) ? scalarAsText(item) : ''));
    return { values, expandedLater: values.some(isTemplated) || !items.every((item) => isScalar(item)) };
  }
  if (isMap(node)) {
    const json = tree.json(node);
    return { values: [json ?? ''], expandedLater: json === undefined || isTemplated(json) };
  }
  if (!isScalar(node)) return { values: [], expandedLater: true };
  if (node.value === null) return { values: null };
  if (typeof node.value === 'boolean') return { values: node.value };
  const text = scalarAsText(node);
  return { values: [text], expandedLater: isTemplated(text) };
}

/** What PyYAML's value becomes as text. A number in exponent form stays as written: vLLM refuses it as an integer. */
function scalarAsText(node: Scalar): string {
  if (typeof node.value === 'string') return node.value;
  const source = node.source ?? '';
  return typeof node.value === 'number' && !/[eE.]/.test(source) ? String(node.value) : source;
}

/** Helm, Jinja and envsubst fill these in later. */
function isTemplated(value: string): boolean {
  return value.includes(unknownUnit) || value.includes('{{') || /\$\{?\w/.test(value);
}

function modelOf(flag: WrittenFlag): FoundModel | undefined {
  if (!flag.valueRange) return undefined;
  const [value] = Array.isArray(flag.values) ? flag.values : [];
  const place = { range: flag.valueRange, writing: flag.writing };
  return flag.expandedLater || value === undefined ? place : { ...place, value };
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  if (newline < 0) return text.length;
  return text.charAt(newline - 1) === '\r' ? Math.max(from, newline - 1) : newline;
}

export function indentOf(text: string, keyStart: number): string {
  const lineStart = text.lastIndexOf('\n', keyStart - 1) + 1;
  return /^[ \t]*/.exec(text.slice(lineStart, keyStart))?.[0] ?? '';
}
