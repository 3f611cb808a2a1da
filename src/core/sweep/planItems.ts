/** What may be written at a place of a plan: from the schema that the parser checks by, and from the flags of its engine. */
import { allDevices } from '../device/catalogue.ts';
import type { Engine, VersionedFlag } from '../engine/engine.ts';
import { findEngine } from '../engine/engines.ts';
import { knownModelNames } from '../model/known.ts';
import { excludeKeys, loadLevels } from './planFlags.ts';
import { type DocumentPath, type SchemaNode, schemaNodeAt, schemaNodesAt, valueAt } from './schemaNodes.ts';

export interface PlanItem {
  readonly label: string;
  readonly kind: 'key' | 'flag' | 'value';
  /** What is written in place of the word that is being typed. */
  readonly insert: string;
  readonly detail?: string;
  readonly documentation?: string;
}

export interface ItemPlace {
  /** Of a value: its own path. Of a key: that of the mapping around it. */
  readonly path: DocumentPath;
  readonly kind: 'key' | 'value';
  readonly document: unknown;
}

/** `hosts`: names that a plan may run on. In the order of the schema. */
export function planItems(place: ItemPlace, hosts: readonly string[]): readonly PlanItem[] {
  const { path, kind, document } = place;
  if (kind === 'key') {
    if (flagsPlace(path) !== undefined) return flagKeys(path, document);
    const node = schemaNodeAt(path, document);
    // A line of a list that is not a mapping: what is typed there is its value.
    return node?.properties === undefined ? values(path, document, hosts) : keys(node, path, document);
  }
  return values(path, document, hosts);
}

/** How flags are written there; undefined where none are. */
function flagsPlace(path: DocumentPath): 'flags' | 'matrix' | 'exclude' | undefined {
  if (path.length === 1 && path[0] === 'matrix') return 'matrix';
  if (path.length === 2 && path[0] === 'deployment' && path[1] === 'flags') return 'flags';
  if (path.length === 2 && path[0] === 'exclude') return 'exclude';
  return path.length === 4 && path[1] === 'arrangements' && path[3] === 'flags' ? 'flags' : undefined;
}

function engineOf(
  document: unknown,
): { readonly engine: Engine; readonly version: string | undefined } | undefined {
  const name = valueAt(document, ['engine', 'name']);
  const engine = typeof name === 'string' ? findEngine(name) : undefined;
  const version = valueAt(document, ['engine', 'version']);
  return engine && { engine, version: typeof version === 'string' ? version : undefined };
}

function flagKeys(path: DocumentPath, document: unknown): PlanItem[] {
  const known = engineOf(document);
  const place = flagsPlace(path);
  const present = Object.keys((valueAt(document, path) as object | null) ?? {});
  const others = place === 'exclude' ? excludeKeys.map((label) => key(label, '')) : [];
  if (known === undefined) return others;
  const { engine, version } = known;
  const taken = new Set(present.map((name) => engine.canonicalFlag(name)?.name));
  const items = engine
    .flagsOf(version)
    .filter(({ name }) => !taken.has(name) && name !== 'model')
    .map(
      (flag): PlanItem => ({
        label: flag.name,
        kind: 'flag',
        insert: place === 'matrix' ? `${flag.name}: [${usual(engine, flag).join(', ')}]` : `${flag.name}: `,
        detail: flagDetail(flag),
        documentation: flag.description,
      }),
    );
  return [...others, ...items];
}

/** `integer, default 256` */
export function flagDetail(flag: VersionedFlag): string {
  const standard = flag.default === null ? 'no default' : `default ${String(flag.default) || '""'}`;
  return `${flag.kind}, ${standard}`;
}

function usual(engine: Engine, { name, kind }: VersionedFlag): readonly string[] {
  if (kind === 'switch') return ['true', 'false'];
  return engine.usualValues(name).map(scalarText);
}

/** The flag that a path of the plan speaks of, by its name in the engine; undefined where it speaks of none. */
export function flagAt(
  path: DocumentPath,
  document: unknown,
): { engine: Engine; flag: VersionedFlag } | undefined {
  const known = engineOf(document);
  const at = [1, 2, 4].find((length) => flagsPlace(path.slice(0, length)) !== undefined);
  const written = at === undefined ? undefined : path[at];
  if (known === undefined || typeof written !== 'string') return undefined;
  const name = known.engine.canonicalFlag(written)?.name;
  const flag = known.engine.flagsOf(known.version).find((one) => one.name === name);
  return flag && { engine: known.engine, flag };
}

function keys(node: SchemaNode, path: DocumentPath, document: unknown): PlanItem[] {
  const present = new Set(Object.keys((valueAt(document, path) as object | null) ?? {}));
  const required = new Set(node.required ?? []);
  return Object.entries(node.properties ?? {})
    .filter(([name]) => !present.has(name))
    .map(([name, property]) => ({
      ...key(name, property.description ?? formDescription(property)),
      ...(required.has(name) ? { detail: 'needed' } : {}),
    }));
}

function key(label: string, documentation: string): PlanItem {
  return { label, kind: 'key', insert: `${label}: `, ...(documentation === '' ? {} : { documentation }) };
}

function formDescription({ anyOf, oneOf }: SchemaNode): string {
  return (anyOf ?? oneOf)?.find(({ description }) => description)?.description ?? '';
}

function values(path: DocumentPath, document: unknown, hosts: readonly string[]): PlanItem[] {
  const flag = flagAt(path, document);
  if (flag !== undefined) {
    const list = usual(flag.engine, flag.flag);
    const detail = flagDetail(flag.flag);
    const whole = path[0] === 'matrix' && path.length === 2;
    return whole
      ? list.length === 0
        ? []
        : [{ label: `[${list.join(', ')}]`, kind: 'value', insert: `[${list.join(', ')}]`, detail }]
      : list.map((value) => ({ label: value, kind: 'value', insert: value, detail }));
  }
  const [first, second] = path;
  if (first === 'gpu') {
    return allDevices().map(({ id, label }) => ({ label: id, kind: 'value', insert: id, detail: label }));
  }
  if (first === 'model') return knownModelNames().map((name) => value(name));
  if (first === 'hosts') return [...new Set([...hosts, 'this-machine'])].map((name) => value(name));
  if (first === 'engine' && second === 'version') {
    return (engineOf(document)?.engine.supportedVersions ?? [])
      .toReversed()
      .map((version) => value(`"${version}"`));
  }
  if (first === 'search' && second === 'flag') {
    const known = engineOf(document);
    const flags = known?.engine
      .flagsOf(known.version)
      .filter(({ kind }) => kind === 'integer' || kind === 'number');
    return [
      ...loadLevels.map((name) => value(name)),
      ...(flags ?? []).map((one) => ({ ...value(one.name), detail: flagDetail(one) })),
    ];
  }
  const found = schemaNodesAt(path, document).flatMap(valuesOf);
  return [...new Map(found.map((item) => [item.label, item])).values()];
}

function valuesOf(node: SchemaNode): PlanItem[] {
  const listed = node.enum ?? (node.const === undefined ? [] : [node.const]);
  const own = node.type === 'boolean' ? [true, false] : listed;
  const description = node.description;
  const items = own.map((one) => ({
    ...value(scalarText(one)),
    ...(description === undefined || node.const === undefined ? {} : { documentation: description }),
  }));
  return [...items, ...(node.anyOf ?? node.oneOf ?? []).flatMap(valuesOf)];
}

function value(label: string): PlanItem {
  return { label, kind: 'value', insert: label };
}

function scalarText(one: unknown): string {
  return typeof one === 'string' &&
    /^[\d.]+$|^(true|false|null|yes|no|on|off|~|)$|[:#[\]{},"'&*!|>%@`]/i.test(one)
    ? JSON.stringify(one)
    : String(one);
}
