/** Where a `*.sweep.yaml` says what sets a cell apart, and what to write there instead. */
import {
  isMap,
  isNode,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  parseDocument,
  type Scalar,
  stringify,
} from 'yaml';
import type { FlagValue } from '../core/engine/deployment.ts';
import type { CellResult, Remedy } from '../core/sweep/run.ts';
import type { OffsetRange } from './located.ts';
import { spelled } from './sweepPlan.ts';

/** What of a cell stands in its plan. */
export type PlannedCell = Pick<CellResult, 'flags' | 'concurrency' | 'requestsPerSecond'>;

export interface PlanEdit {
  readonly range: OffsetRange;
  readonly text: string;
}

/** A value of the plan that cells are made of. */
interface PlanValue {
  /** Canonical flag, or `concurrency`, `requestsPerSecond`. */
  readonly name: string;
  readonly value: FlagValue;
  readonly range: OffsetRange;
  readonly from: 'matrix' | 'load' | 'deployment';
  /** Where it is one of several. */
  readonly list: { readonly items: readonly Node[]; readonly at: number; readonly flow: boolean } | undefined;
  /** With its key, where it stands alone. */
  readonly pair: Pair | undefined;
}

/** The cell's values, those that set it apart first; none where the text is no such plan. */
export function cellPlaces(text: string, cell: PlannedCell): readonly OffsetRange[] {
  const own = planValues(text).filter((one) => isOf(one, cell));
  const several = own.filter(({ list }) => (list?.items.length ?? 0) > 1);
  const rest = own.filter((one) => !several.includes(one));
  return [...several, ...rest].map(({ range }) => range);
}

/** Of these, the cells that have the value at the offset; none where it is no value that cells differ in. */
export function cellsAt<Cell extends PlannedCell>(
  text: string,
  offset: number,
  cells: readonly Cell[],
): readonly Cell[] {
  const at = planValues(text).find(
    ({ range, list }) => list !== undefined && range.start <= offset && offset <= range.end,
  );
  return at === undefined ? [] : cells.filter((cell) => isOf(at, cell));
}

/** Where the plan gives the flag the value that the cell had; else where it gives the flag any. */
export function flagPlace(text: string, cell: PlannedCell, flag: string): OffsetRange | undefined {
  return flagValueOf(planValues(text), cell, flag)?.range;
}

/** What the remedy changes in the text; undefined where it names no value, or the plan can't take it in one place. */
export function remedyEdit(text: string, cell: PlannedCell, remedy: Remedy): PlanEdit | undefined {
  const at = flagValueOf(planValues(text), cell, remedy.flag);
  if (remedy.change === 'remove') return at === undefined ? undefined : removal(text, at);
  if (remedy.to === undefined) return undefined;
  const value = scalarText(remedy.to);
  return at === undefined ? insertion(text, spelled(remedy.flag), value) : { range: at.range, text: value };
}

/** Takes the cell's value of the flag out of the matrix; undefined where it is not one of several. */
export function leaveOutEdit(text: string, cell: PlannedCell, flag: string): PlanEdit | undefined {
  const at = flagValueOf(planValues(text), cell, flag);
  return at?.list === undefined || at.list.items.length < 2 ? undefined : removal(text, at);
}

function flagValueOf(values: readonly PlanValue[], cell: PlannedCell, flag: string): PlanValue | undefined {
  const own = values.filter(({ name, from }) => name === spelled(flag) && from !== 'load');
  return own.find((one) => isOf(one, cell)) ?? own.find(({ from }) => from === 'deployment');
}

function isOf({ name, value, from }: PlanValue, cell: PlannedCell): boolean {
  if (from !== 'load') return JSON.stringify(cell.flags[name]) === JSON.stringify(value);
  return value === (name === 'concurrency' ? cell.concurrency : cell.requestsPerSecond);
}

function planValues(text: string): readonly PlanValue[] {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  const root = document.contents;
  if (document.errors.length > 0 || !isMap(root)) return [];
  const child = (node: unknown, key: string): unknown => (isMap(node) ? node.get(key, true) : undefined);
  const loads = child(root, 'load');
  return [
    ...flagsOf(child(root, 'matrix'), 'matrix'),
    ...(isSeq(loads) ? loads.items : []).flatMap((load) =>
      ['concurrency', 'requestsPerSecond'].flatMap((name) =>
        valuesOf(name, child(load, name), 'load', undefined),
      ),
    ),
    ...flagsOf(child(child(root, 'deployment'), 'flags'), 'deployment'),
  ];
}

function flagsOf(node: unknown, from: PlanValue['from']): readonly PlanValue[] {
  if (!isMap(node)) return [];
  return node.items.flatMap((pair) =>
    isScalar(pair.key) ? valuesOf(spelled(String(pair.key.value)), pair.value, from, pair) : [],
  );
}

function valuesOf(
  name: string,
  node: unknown,
  from: PlanValue['from'],
  pair: Pair | undefined,
): readonly PlanValue[] {
  if (isSeq(node) && from !== 'deployment') {
    const items = node.items.filter(isNode);
    return items.flatMap((item, at): readonly PlanValue[] => {
      const value = plain(item);
      const range = nodeRange(item);
      if (value === undefined || range === undefined) return [];
      return [{ name, value, range, from, list: { items, at, flow: node.flow === true }, pair: undefined }];
    });
  }
  const value = isNode(node) ? plain(node) : undefined;
  const range = isNode(node) ? nodeRange(node) : undefined;
  return value === undefined || range === undefined
    ? []
    : [{ name, value, range, from, list: undefined, pair }];
}

function plain(node: Node): FlagValue | undefined {
  if (isScalar(node)) return scalarValue(node);
  if (!isSeq(node)) return undefined;
  const items = node.items.flatMap((item) => (isScalar(item) ? (scalarValue(item) ?? []) : []));
  return items.filter((item): item is string | number => typeof item !== 'boolean' && !Array.isArray(item));
}

function scalarValue({ value }: Scalar): string | number | boolean | undefined {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
    ? value
    : undefined;
}

function removal(text: string, { list, pair, range }: PlanValue): PlanEdit | undefined {
  if (list !== undefined) {
    const [before, after] = [list.items[list.at - 1], list.items[list.at + 1]].map((item) =>
      item === undefined ? undefined : nodeRange(item),
    );
    if (!list.flow) return { range: wholeLines(text, range), text: '' };
    if (after !== undefined) return { range: { start: range.start, end: after.start }, text: '' };
    return before === undefined ? undefined : { range: { start: before.end, end: range.end }, text: '' };
  }
  const key = isNode(pair?.key) ? nodeRange(pair.key) : undefined;
  if (key === undefined) return undefined;
  const whole = wholeLines(text, { start: key.start, end: range.end });
  // In a flow mapping others share its line.
  return /^[\s]*$/.test(text.slice(whole.start, key.start)) ? { range: whole, text: '' } : undefined;
}

function insertion(text: string, flag: string, value: string): PlanEdit {
  const flags = parseDocument(text, { logLevel: 'silent' }).getIn(['deployment', 'flags'], true);
  const first = isMap(flags) && flags.flow !== true ? flags.items[0]?.key : undefined;
  const range = isNode(first) ? nodeRange(first) : undefined;
  if (range === undefined) {
    const end = text.endsWith('\n') || text === '' ? '' : '\n';
    return {
      range: { start: text.length, end: text.length },
      text: `${end}deployment:\n  flags:\n    ${flag}: ${value}\n`,
    };
  }
  const indent = text.slice(text.lastIndexOf('\n', range.start - 1) + 1, range.start);
  return { range: { start: range.start, end: range.start }, text: `${flag}: ${value}\n${indent}` };
}

function wholeLines(text: string, { start, end }: OffsetRange): OffsetRange {
  const from = text.lastIndexOf('\n', start - 1) + 1;
  const to = text.indexOf('\n', end);
  return { start: from, end: to < 0 ? text.length : to + 1 };
}

function scalarText(value: FlagValue): string {
  return Array.isArray(value)
    ? `[${value.map((item) => stringify(item).trim()).join(', ')}]`
    : stringify(value).trim();
}

function nodeRange(node: Node): OffsetRange | undefined {
  return node.range ? { start: node.range[0], end: node.range[1] } : undefined;
}
