/** Where a `*.sweep.yaml` says what sets a cell apart, and what to write there instead. */
import { isMap, isNode, isScalar, isSeq, type Node, parseDocument } from 'yaml';
import type { FlagValue } from '../../core/engine/deployment.ts';
import type { CellResult, Remedy } from '../../core/sweep/run.ts';
import type { DocumentPath } from '../../core/sweep/schemaNodes.ts';
import type { OffsetEdit } from '../edits.ts';
import type { OffsetRange } from '../located.ts';
import { spelled } from '../sweepPlan.ts';
import { scalarText, withFlag, withoutItem, withoutKey } from './planFixes.ts';

/** What of a cell stands in its plan. */
export type PlannedCell = Pick<CellResult, 'flags' | 'concurrency' | 'requestsPerSecond'>;

/** A value of the plan that cells are made of. */
interface PlanValue {
  /** Canonical flag, or `concurrency`, `requestsPerSecond`. */
  readonly name: string;
  readonly value: FlagValue;
  readonly path: DocumentPath;
  readonly range: OffsetRange;
  readonly from: 'matrix' | 'load' | 'deployment';
  /** Of the list that it stands in; 1: alone. */
  readonly values: number;
}

/** Whether the plan still has the cell: a value of its own for everything that it varies. */
export function isPlanned(text: string, cell: PlannedCell): boolean {
  const varied = planValues(text).filter(({ from }) => from !== 'deployment');
  const own = new Set(varied.filter((one) => isOf(one, cell)).map(({ name }) => name));
  const flags = varied.filter(({ from }) => from === 'matrix').map(({ name }) => name);
  const load = cell.concurrency === null ? 'requestsPerSecond' : 'concurrency';
  const hasLoad = own.has(load) || (cell.concurrency === null && cell.requestsPerSecond === undefined);
  return varied.length > 0 && hasLoad && flags.every((name) => own.has(name));
}

/** The cell's values, those that set it apart first; none where the text is no such plan. */
export function cellPlaces(text: string, cell: PlannedCell): readonly OffsetRange[] {
  const own = planValues(text).filter((one) => isOf(one, cell));
  const [several, alone] = [own.filter(({ values }) => values > 1), own.filter(({ values }) => values === 1)];
  return [...several, ...alone].map(({ range }) => range);
}

/** Of these, the cells that have the value at the offset; none where it is no value that cells differ in. */
export function cellsAt<Cell extends PlannedCell>(
  text: string,
  offset: number,
  cells: readonly Cell[],
): readonly Cell[] {
  const at = planValues(text).find(
    ({ range, from }) => from !== 'deployment' && range.start <= offset && offset <= range.end,
  );
  return at === undefined ? [] : cells.filter((cell) => isOf(at, cell));
}

/** Where the plan gives the flag the value that the cell had; else where all cells have it from. */
export function flagPlace(text: string, cell: PlannedCell, flag: string): OffsetRange | undefined {
  return flagValueOf(text, cell, flag)?.range;
}

/** What the remedy changes in the text; none where it names no value, or the plan can't take it in one place. */
export function remedyEdits(text: string, cell: PlannedCell, remedy: Remedy): readonly OffsetEdit[] {
  const at = flagValueOf(text, cell, remedy.flag);
  if (remedy.change === 'remove') {
    if (at === undefined) return [];
    const out = at.from === 'matrix' ? withoutItem(text, at.path, '') : withoutKey(text, at.path, '');
    return out?.edits ?? [];
  }
  if (remedy.to === undefined) return [];
  if (at?.from !== 'matrix') return withFlag(text, spelled(remedy.flag), remedy.to, '')?.edits ?? [];
  return [{ range: at.range, newText: scalarText(remedy.to) }];
}

/** Takes the cell's value of the flag out of the matrix; none where it is not one of several. */
export function leaveOutEdits(text: string, cell: PlannedCell, flag: string): readonly OffsetEdit[] {
  const at = flagValueOf(text, cell, flag);
  return at?.from === 'matrix' ? (withoutItem(text, at.path, '')?.edits ?? []) : [];
}

function flagValueOf(text: string, cell: PlannedCell, flag: string): PlanValue | undefined {
  const own = planValues(text).filter(({ name, from }) => name === spelled(flag) && from !== 'load');
  return own.find((one) => isOf(one, cell)) ?? own.find(({ from }) => from === 'deployment');
}

function isOf({ name, value, from }: PlanValue, cell: PlannedCell): boolean {
  if (from !== 'load') return JSON.stringify(cell.flags[name]) === JSON.stringify(value);
  return value === (name === 'concurrency' ? cell.concurrency : cell.requestsPerSecond);
}

function planValues(text: string): readonly PlanValue[] {
  const document = parseDocument(text, { logLevel: 'silent', prettyErrors: false });
  if (document.errors.length > 0 || !isMap(document.contents)) return [];
  const loads = document.get('load', true);
  return [
    ...flagsOf(document.get('matrix', true), ['matrix'], 'matrix'),
    ...(isSeq(loads) ? loads.items : []).flatMap((load, at) =>
      ['concurrency', 'requestsPerSecond'].flatMap((name) =>
        isMap(load) ? valuesOf(name, load.get(name, true), ['load', at, name], 'load') : [],
      ),
    ),
    ...flagsOf(document.getIn(['deployment', 'flags'], true), ['deployment', 'flags'], 'deployment'),
  ];
}

function flagsOf(node: unknown, path: DocumentPath, from: PlanValue['from']): readonly PlanValue[] {
  if (!isMap(node)) return [];
  return node.items.flatMap(({ key, value }) => {
    if (!isScalar(key)) return [];
    const name = String(key.value);
    return valuesOf(spelled(name), value, [...path, name], from);
  });
}

function valuesOf(
  name: string,
  node: unknown,
  path: DocumentPath,
  from: PlanValue['from'],
): readonly PlanValue[] {
  // In `deployment` a list is one value.
  const isList = isSeq(node) && from !== 'deployment';
  const items = isList ? node.items : [node];
  return items.flatMap((item, at): readonly PlanValue[] => {
    const value = isNode(item) ? plain(item) : undefined;
    if (!isNode(item) || !item.range || value === undefined) return [];
    const range = { start: item.range[0], end: item.range[1] };
    return [{ name, value, path: isList ? [...path, at] : path, range, from, values: items.length }];
  });
}

function plain(node: Node): FlagValue | undefined {
  const value: unknown = isScalar(node) || isSeq(node) ? node.toJSON() : undefined;
  const isItem = (one: unknown) => typeof one === 'string' || typeof one === 'number';
  if (Array.isArray(value)) return value.filter((one): one is string | number => isItem(one));
  return isItem(value) || typeof value === 'boolean' ? (value as string | number | boolean) : undefined;
}
