/** Variables that are filled in before a command is run, by Compose (`${A:-b}`) or Kubernetes (`$(A)`). */
import type { EmbeddedText } from './embeddedText.ts';
import { unknownUnit } from './templates.ts';

/** `${A:-b}`, `${A-b}` give `b`, `$$` a dollar; whatever else names a variable is not known. */
export function interpolateCompose(text: EmbeddedText): EmbeddedText {
  if (!text.value.includes('$')) return text;
  const builder = new Interpolation(text);
  const pattern = /\$\$|\$\{[A-Za-z_]\w*(:?-)([^{}$]*)\}|\$\{[^}]*\}|\$[A-Za-z_]\w*/g;
  for (const match of text.value.matchAll(pattern)) {
    const [whole, operator, fallback] = match;
    if (whole === '$$') builder.keep(match.index, 2, match.index + 1, match.index + 2);
    else if (operator !== undefined && fallback) {
      const end = match.index + whole.length - 1;
      builder.keep(match.index, whole.length, end - fallback.length, end);
    } else builder.unknown(match.index, whole.length);
  }
  return builder.build();
}

/** `$(A)` gives the container's own variable, `$$` a dollar. */
export function interpolateKubernetes(
  text: EmbeddedText,
  environment: ReadonlyMap<string, string>,
): EmbeddedText {
  if (!text.value.includes('$')) return text;
  const builder = new Interpolation(text);
  for (const match of text.value.matchAll(/\$\$|\$\(([A-Za-z_][\w.-]*)\)/g)) {
    const [whole, name = ''] = match;
    const value = environment.get(name);
    if (whole === '$$') builder.keep(match.index, 2, match.index + 1, match.index + 2);
    else if (value !== undefined) builder.write(match.index, whole.length, value);
    else builder.unknown(match.index, whole.length);
  }
  return builder.build();
}

class Interpolation {
  readonly #text: EmbeddedText;
  readonly #values: string[] = [];
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  #at = 0;

  constructor(text: EmbeddedText) {
    this.#text = text;
  }

  /** Of the `length` units at `at`, those from `start` to `end` stay; together they stand for all of them. */
  keep(at: number, length: number, start: number, end: number): void {
    this.#copy(this.#at, at);
    const first = this.#starts.length;
    this.#copy(start, end);
    this.#starts[first] = this.#text.starts[at] ?? 0;
    this.#ends[this.#ends.length - 1] = this.#text.ends[at + length - 1] ?? 0;
    this.#at = at + length;
  }

  unknown(at: number, length: number): void {
    this.write(at, length, unknownUnit);
  }

  /** Other text for the units at `at`; every unit of it stands for the whole. */
  write(at: number, length: number, value: string): void {
    this.#copy(this.#at, at);
    const start = this.#text.starts[at] ?? 0;
    const end = this.#text.ends[at + length - 1] ?? start;
    for (let i = 0; i < value.length; i++) {
      this.#starts.push(start);
      this.#ends.push(end);
    }
    this.#values.push(value);
    this.#at = at + length;
  }

  build(): EmbeddedText {
    this.#copy(this.#at, this.#text.value.length);
    return { value: this.#values.join(''), starts: this.#starts, ends: this.#ends };
  }

  #copy(start: number, end: number): void {
    this.#values.push(this.#text.value.slice(start, end));
    for (let i = start; i < end; i++) {
      this.#starts.push(this.#text.starts[i] ?? 0);
      this.#ends.push(this.#text.ends[i] ?? 0);
    }
  }
}
