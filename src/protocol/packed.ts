/**
 * Very many objects of few kinds as one text: each kind's keys stand once, its values one after the other. A run of 10,000 cells crosses to
 * a page in a third of its JSON, and as a string, which no process on the way takes apart.
 */

/** What is under a key. A null has no value in the text: it is the kind's. */
type Kind = 'value' | 'object' | 'array' | 'null';
type Shape = readonly (readonly [key: string, kind: Kind])[];
type Primitive = string | number | boolean | null;

interface Document {
  readonly shapes: readonly Shape[];
  /** Of an object its shape's number, then its values; of an array its length, then each element with its kind before it. */
  readonly data: readonly Primitive[];
}

/** Values that JSON can hold; as there, what is undefined is left out. */
export function packed(values: readonly unknown[]): string {
  const shapes: Shape[] = [];
  const numbers = new Map<string, number>();
  const data: Primitive[] = [];
  const add = (kind: Kind, value: unknown): void => {
    if (kind === 'value') data.push(value as Primitive);
    else if (kind === 'array') addArray(value as readonly unknown[]);
    else if (kind === 'object') addObject(value as object);
  };
  const addArray = (elements: readonly unknown[]): void => {
    data.push(elements.length);
    for (const element of elements) {
      const kind = kindOf(element);
      data.push(kind);
      add(kind, element);
    }
  };
  const addObject = (value: object): void => {
    const fields = Object.entries(value).filter(([, field]) => field !== undefined);
    const shape: Shape = fields.map(([key, field]) => [key, kindOf(field)]);
    const name = JSON.stringify(shape);
    let number = numbers.get(name);
    if (number === undefined) {
      number = shapes.push(shape) - 1;
      numbers.set(name, number);
    }
    data.push(number);
    for (const [at, [, field]] of fields.entries()) add(shape[at]?.[1] ?? 'null', field);
  };
  addArray(values);
  return JSON.stringify({ shapes, data } satisfies Document);
}

function kindOf(value: unknown): Kind {
  if (value === null || value === undefined || (typeof value === 'number' && !Number.isFinite(value)))
    return 'null';
  if (Array.isArray(value)) return 'array';
  return typeof value === 'object' ? 'object' : 'value';
}

/** What was packed, by the same version: panels and the extension know each other by `panelProtocol`. */
export function unpacked(text: string): readonly unknown[] {
  const { shapes, data } = JSON.parse(text) as Document;
  let at = 0;
  const next = (kind: Kind): unknown => {
    switch (kind) {
      case 'value':
        return data[at++];
      case 'null':
        return null;
      case 'array':
        return array();
      case 'object':
        return object();
    }
  };
  const array = (): unknown[] => {
    const length = Number(data[at++]);
    const elements: unknown[] = [];
    for (let index = 0; index < length; index++) elements.push(next(data[at++] as Kind));
    return elements;
  };
  const object = (): Record<string, unknown> => {
    const made: Record<string, unknown> = {};
    for (const [key, kind] of shapes[Number(data[at++])] ?? []) {
      const value = next(kind);
      if (key === '__proto__') Object.defineProperty(made, key, { value, enumerable: true });
      else made[key] = value;
    }
    return made;
  };
  return array();
}
