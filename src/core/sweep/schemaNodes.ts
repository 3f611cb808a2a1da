/** Walking through the JSON Schema of a plan beside a document: what stands, or may stand, at a path. */
import { planJsonSchema } from './planSchema.ts';

/** The part of JSON Schema that planSchema.ts comes out as. */
export interface SchemaNode {
  readonly description?: string;
  readonly type?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, SchemaNode>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: SchemaNode | boolean;
  readonly items?: SchemaNode;
  readonly anyOf?: readonly SchemaNode[];
  readonly oneOf?: readonly SchemaNode[];
}

export type DocumentPath = readonly (string | number)[];

let root: SchemaNode | undefined;

/** What the schema says at a path; undefined where it knows nothing of it. Of several forms, the one that the document means. */
export function schemaNodeAt(path: DocumentPath, document: unknown): SchemaNode | undefined {
  root ??= planJsonSchema() as SchemaNode;
  let node: SchemaNode | undefined = root;
  let value = document;
  for (const key of path) {
    node = childOf(meantForm(node, value), key);
    value = valueAt(value, [key]);
    if (node === undefined) return undefined;
  }
  const form = meantForm(node, value);
  // Words that stand on the choice itself hold for each of its forms.
  return { ...(node.description === undefined ? {} : { description: node.description }), ...form };
}

/** The same in each form that what is around it may take: `profile` has another value in each. */
export function schemaNodesAt(path: DocumentPath, document: unknown): readonly SchemaNode[] {
  const key = path.at(-1);
  if (key === undefined) return [];
  root ??= planJsonSchema() as SchemaNode;
  let node: SchemaNode | undefined = root;
  let value = document;
  for (const step of path.slice(0, -1)) {
    node = childOf(meantForm(node, value), step);
    value = valueAt(value, [step]);
    if (node === undefined) return [];
  }
  return (node.anyOf ?? node.oneOf ?? [node]).flatMap((form) => childOf(form, key) ?? []);
}

/** Keys that the schema knows at a place. */
export function knownKeys(path: DocumentPath, document: unknown): readonly string[] {
  return Object.keys(schemaNodeAt(path, document)?.properties ?? {});
}

export function valueAt(document: unknown, path: DocumentPath): unknown {
  let value = document;
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined;
    value = (value as Readonly<Record<string | number, unknown>>)[key];
  }
  return value;
}

function childOf(node: SchemaNode, key: string | number): SchemaNode | undefined {
  if (typeof key === 'number') return node.items;
  const { properties, additionalProperties } = node;
  if (properties !== undefined && Object.hasOwn(properties, key)) return properties[key];
  return typeof additionalProperties === 'object' ? additionalProperties : undefined;
}

/** Of forms with keys: the one whose fixed values are those of the document, and that shares most keys with it. */
function meantForm(node: SchemaNode, value: unknown): SchemaNode {
  const forms = node.anyOf ?? node.oneOf;
  if (forms === undefined) return node;
  if (Array.isArray(value)) return forms.find(({ items }) => items !== undefined) ?? node;
  const objects = forms.filter(({ properties }) => properties !== undefined);
  const keys = typeof value === 'object' && value !== null ? Object.keys(value) : [];
  const score = ({ properties = {} }: SchemaNode) =>
    keys.reduce((sum, key) => {
      const property = Object.hasOwn(properties, key) ? properties[key] : undefined;
      if (property === undefined) return sum;
      if (property.const === undefined) return sum + 1;
      return sum + (property.const === valueAt(value, [key]) ? 100 : -100);
    }, 0);
  return (
    objects.reduce<SchemaNode | undefined>(
      (best, form) => (best === undefined || score(form) > score(best) ? form : best),
      undefined,
    ) ?? node
  );
}
