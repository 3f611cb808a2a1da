import type { Problem } from '../result.ts';
import type { Deployment, FlagValue } from './deployment.ts';
import { plainNumber, switchValue, wholeNumber } from './flagValues.ts';

/** Reads flags with their checks and keeps what the engine would refuse. */
export class FlagReader {
  readonly unusable: Problem[] = [];
  readonly #flags: Deployment['flags'];

  constructor(flags: Deployment['flags']) {
    this.#flags = flags;
  }

  value(name: string): FlagValue | undefined {
    return Object.hasOwn(this.#flags, name) ? this.#flags[name] : undefined;
  }

  whole(name: string, minimum: number): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const number = wholeNumber(value);
    if (number !== undefined && number >= minimum) return number;
    this.#refuse(name, value, `a whole number of at least ${minimum}`);
    return undefined;
  }

  /** A number in (0, maximum]. */
  fraction(name: string, maximum: number): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const number = plainNumber(value);
    if (number !== undefined && number > 0 && number <= maximum) return number;
    this.#refuse(name, value, `a number above 0 and up to ${maximum}`);
    return undefined;
  }

  /** A number of at least `minimum`. */
  atLeast(name: string, minimum: number): number | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    const number = plainNumber(value);
    if (number !== undefined && number >= minimum) return number;
    this.#refuse(name, value, `a number of at least ${minimum}`);
    return undefined;
  }

  choice<T>(name: string, choices: Readonly<Record<string, T>>): T | undefined {
    const value = this.value(name);
    if (value === undefined) return undefined;
    if (typeof value === 'string' && Object.hasOwn(choices, value)) return choices[value];
    this.unusable.push({
      code: 'flag.value-not-covered',
      message: `${name} ${JSON.stringify(value)} is none of the values that are covered: ${Object.keys(choices).join(', ')}.`,
      path: ['flags', name],
    });
    return undefined;
  }

  isOn(name: string, fallback: boolean): boolean {
    const value = this.value(name);
    if (value === undefined) return fallback;
    const on = switchValue(value);
    if (on !== undefined) return on;
    this.#refuse(name, value, 'true or false');
    return fallback;
  }

  /** Whether something was kept against a flag. */
  isUnusable(name: unknown): boolean {
    return this.unusable.some(({ path }) => path?.[1] === name);
  }

  refuseJson(name: string, text: string): void {
    const shown = text.length > 60 ? `${text.slice(0, 60)}…` : text;
    this.unusable.push({
      code: 'flag.bad-value',
      message: `${name} is not JSON: ${shown}. Write one whole object or list, with names and texts in double quotes.`,
      path: ['flags', name],
    });
  }

  refuse(name: string, expected: string): void {
    this.#refuse(name, this.value(name) ?? '', expected);
  }

  #refuse(name: string, value: FlagValue, expected: string): void {
    this.unusable.push({
      code: 'flag.bad-value',
      message: `${name} must be ${expected}, but is ${JSON.stringify(value)}.`,
      path: ['flags', name],
    });
  }
}
