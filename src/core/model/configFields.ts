import type { Problem } from '../result.ts';
import { namesOf } from './fieldNames.ts';

/** Largest value that each field of a real model could have, with room: keeps every product a safe integer. */
export const LIMITS = {
  layers: 10_000,
  heads: 65_536,
  headSize: 65_536,
  width: 4_194_304,
  vocabulary: 16_777_216,
  experts: 65_536,
  tokens: 1_000_000_000,
} as const;

type Fields = Readonly<Record<string, unknown>>;

/**
 * Reads a parsed config.json and collects what is wrong with it. Own properties only, and null is
 * the same as absent, as the engines read it. A reader returns a harmless value after a problem, so
 * that one pass finds all of them; callers look at `problems` before they use what they read.
 */
export class ConfigFields {
  readonly problems: Problem[];
  /** The file's object, with what stands in place of its values before it and the family's defaults after it. */
  readonly #levels: readonly Fields[];
  /** Names of the objects around this one. */
  readonly #path: readonly string[];
  /** Names that were asked for. */
  readonly #read: Set<string>;

  constructor(
    config: Fields | readonly Fields[],
    path: readonly string[] = [],
    problems: Problem[] = [],
    read: Set<string> = new Set(),
  ) {
    this.#levels = isRecord(config) ? [config] : config;
    this.#path = path;
    this.problems = problems;
    this.#read = read;
  }

  /** The raw value, undefined where it is absent or null. */
  value(name: string): unknown {
    this.#read.add(name);
    return this.#levels.find((level) => Object.hasOwn(level, name))?.[name] ?? undefined;
  }

  /**
   * The same reader where absent keys have these values: what the family's configuration class takes. A key under another of its names
   * is not absent, and a null stays one.
   */
  withDefaults(defaults: Fields): ConfigFields {
    const absent = Object.entries(defaults).filter(
      ([name]) => !namesOf(name).some((other) => this.mentions(other)),
    );
    return this.#withLevels([...this.#levels, Object.fromEntries(absent)]);
  }

  /** The same reader with some values in place of what stands there. */
  withValues(values: Fields): ConfigFields {
    return this.#withLevels([values, ...this.#levels]);
  }

  #withLevels(levels: readonly Fields[]): ConfigFields {
    return new ConfigFields(levels, this.#path, this.problems, this.#read);
  }

  /** True where the key is there, null included. */
  mentions(name: string): boolean {
    return this.#levels.some((level) => Object.hasOwn(level, name));
  }

  names(): readonly string[] {
    return [...new Set(this.#levels.flatMap((level) => Object.keys(level)))];
  }

  /** True where a family asked for the key. */
  wasRead(name: string): boolean {
    return this.#read.has(name);
  }

  /** A whole number from 1 to `maximum` under the first of `names` that is there; a problem where none is. */
  count(names: string | readonly string[], maximum: number): number {
    const found = this.#first(names);
    if (found.value === undefined) {
      this.problems.push({
        code: 'model.missing-field',
        message: `config.json has no "${this.#shownPath(found.name)}"; the model cannot be sized without it.`,
        path: [...this.#path, found.name],
      });
      return 1;
    }
    return this.#checked(found.name, found.value, maximum);
  }

  /** As `count`, with the value that the family's configuration class takes where it is absent. */
  countOr(names: string | readonly string[], fallback: number, maximum: number): number {
    const found = this.#first(names);
    return found.value === undefined ? fallback : this.#checked(found.name, found.value, maximum);
  }

  /** As `countOr`, and 0 is a value: numbers of dense layers, of shared experts. */
  wholeOr(names: string | readonly string[], fallback: number, maximum: number): number {
    const { name, value } = this.#first(names);
    if (value === undefined) return fallback;
    return value === 0 ? 0 : this.#checked(name, value, maximum);
  }

  /** A list with an entry for each of `length` layers; undefined where it is absent, a problem where it has another length. */
  perLayer(name: string, length: number): readonly unknown[] | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.length === length) return value;
    this.#bad(name, value, `a list with one entry for each of the ${length} layers`);
    return undefined;
  }

  /** Whole numbers of a list; empty where it is absent. */
  numbers(name: string): readonly number[] {
    const value = this.value(name);
    if (value === undefined) return [];
    if (Array.isArray(value) && value.every((item) => Number.isSafeInteger(item))) return value;
    this.#bad(name, value, 'a list of whole numbers');
    return [];
  }

  switch(name: string, fallback: boolean): boolean {
    const value = this.value(name);
    if (value === undefined) return fallback;
    if (typeof value === 'boolean') return value;
    this.#bad(name, value, 'true or false');
    return fallback;
  }

  text(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined || typeof value === 'string') return value;
    this.#bad(name, value, 'a text');
    return undefined;
  }

  /** The text that stands there; empty where nothing or anything else does. */
  word(name: string): string {
    const value = this.value(name);
    return typeof value === 'string' ? value : '';
  }

  /** The first string of a list, for `architectures`. */
  firstText(name: string): string | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (Array.isArray(value)) {
      const first: unknown = value[0];
      if (value.length === 0 || typeof first === 'string') return first as string | undefined;
    }
    this.#bad(name, value, 'a list of texts');
    return undefined;
  }

  /** A nested object, whose problems are this one's; a problem where something else stands there. */
  section(name: string): ConfigFields | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (isRecord(value)) return new ConfigFields(value, [...this.#path, name], this.problems);
    this.#bad(name, value, 'an object');
    return undefined;
  }

  /** The object that stands at the end of `path`; undefined where anything on the way is something else. */
  nested(path: readonly string[]): ConfigFields | undefined {
    const [name, ...rest] = path;
    if (name === undefined) return this;
    return isRecord(this.value(name)) ? this.section(name)?.nested(rest) : undefined;
  }

  /** A finite positive number, undefined where it is absent; a problem where something else stands there. */
  positiveNumber(name: string): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'number' && Number.isFinite(value) && value > 0) return value;
    this.#bad(name, value, 'a number above 0');
    return undefined;
  }

  reject(name: string, expected: string): void {
    this.#bad(name, this.value(name), expected);
  }

  #first(names: string | readonly string[]): { name: string; value: unknown } {
    const list = typeof names === 'string' ? [names] : names;
    for (const name of list) {
      const value = this.value(name);
      if (value !== undefined) return { name, value };
    }
    return { name: list[0] ?? '', value: undefined };
  }

  #checked(name: string, value: unknown, maximum: number): number {
    if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= maximum) return value;
    this.#bad(name, value, `a whole number from 1 to ${maximum}`);
    return 1;
  }

  #bad(name: string, value: unknown, expected: string): void {
    this.problems.push({
      code: 'model.bad-field',
      message: `"${this.#shownPath(name)}" of config.json must be ${expected}, but is ${shown(value)}.`,
      path: [...this.#path, name],
    });
  }

  #shownPath(name: string): string {
    return [...this.#path, name].join('.');
  }
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function shown(value: unknown): string {
  if (value === undefined) return 'missing';
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return 'a list';
  return typeof value === 'object' ? 'an object' : String(value);
}
