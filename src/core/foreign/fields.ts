/** Reads fields of a foreign JSON object and collects what is wrong with them, each at its key. */
import { withoutControlCharacters } from '../controlCharacters.ts';
import { isRecord } from '../model/configFields.ts';
import type { Problem } from '../result.ts';
import type { ForeignRecord } from './document.ts';

type Path = readonly (string | number)[];

/** Absent, null and NaN are the same: null, not known. Own properties only. */
export class Fields {
  readonly #value: Readonly<Record<string, unknown>>;
  readonly #path: Path;
  readonly #problems: Problem[];

  constructor({ value, path }: ForeignRecord, problems: Problem[]) {
    this.#value = value;
    this.#path = path;
    this.#problems = problems;
  }

  get keys(): readonly string[] {
    return Object.keys(this.#value);
  }

  has(key: string): boolean {
    return this.raw(key) !== undefined && this.raw(key) !== null;
  }

  raw(key: string): unknown {
    return Object.hasOwn(this.#value, key) ? this.#value[key] : undefined;
  }

  number(key: string): number | null {
    const value = this.raw(key);
    if (value === undefined || value === null) return null;
    if (typeof value === 'number' && Number.isFinite(value)) return value;
    if (typeof value === 'number') return null;
    this.wrong(key, 'a number');
    return null;
  }

  /** A count or a time: a number of at least 0. */
  amount(key: string): number | null {
    const value = this.number(key);
    if (value === null || value >= 0) return value;
    this.wrong(key, 'a number of at least 0');
    return null;
  }

  text(key: string): string | null {
    const value = this.raw(key);
    return typeof value === 'string' && value !== '' ? withoutControlCharacters(value) : null;
  }

  /** Amounts in a list; an element that is none is null. null where there is no list. */
  amounts(key: string): readonly (number | null)[] | null {
    const list = this.raw(key);
    if (list === undefined || list === null) return null;
    if (!Array.isArray(list)) {
      this.wrong(key, 'a list of numbers');
      return null;
    }
    return list.map((element: unknown, index) => this.#element(key, index, element));
  }

  texts(key: string): readonly (string | null)[] | null {
    const list = this.raw(key);
    if (!Array.isArray(list)) return null;
    return list.map((element: unknown) =>
      typeof element === 'string' && element !== '' ? withoutControlCharacters(element) : null,
    );
  }

  /** Lists of amounts in a list; null where there is none. */
  lists(key: string): readonly (readonly number[] | null)[] | null {
    const lists = this.raw(key);
    if (!Array.isArray(lists)) return null;
    return lists.map((list: unknown) =>
      Array.isArray(list) ? list.filter((gap): gap is number => typeof gap === 'number' && gap >= 0) : null,
    );
  }

  object(key: string): Fields | null {
    const value = this.raw(key);
    return isRecord(value) ? new Fields({ value, path: [...this.#path, key] }, this.#problems) : null;
  }

  /** Objects in a list; others in it are left out. */
  objects(key: string): readonly Fields[] {
    const list = this.raw(key);
    if (!Array.isArray(list)) return [];
    return list.flatMap((value: unknown, index) =>
      isRecord(value) ? [new Fields({ value, path: [...this.#path, key, index] }, this.#problems)] : [],
    );
  }

  /** `what`: what should have stood there. */
  wrong(key: string, what: string): void {
    this.problem(
      'foreign.wrong-value',
      `${key}: ${what} is expected here. Give the file as the tool wrote it.`,
      key,
    );
  }

  /** A figure without which the file says nothing. */
  missing(key: string, what: string): void {
    this.problem('foreign.missing', `${key} is missing: ${what}`, key);
  }

  problem(code: string, message: string, ...path: Path): void {
    this.#problems.push({ code, message, path: [...this.#path, ...path] });
  }

  #element(key: string, index: number, element: unknown): number | null {
    if (element === null || element === undefined) return null;
    if (typeof element === 'number' && element >= 0) return Number.isFinite(element) ? element : null;
    this.problem(
      'foreign.wrong-value',
      `${key}[${index}]: a number of at least 0 is expected here.`,
      key,
      index,
    );
    return null;
  }
}
