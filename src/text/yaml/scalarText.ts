import type { Scalar } from 'yaml';
import type { EmbeddedText } from '../embeddedText.ts';
import type { Quoting } from '../located.ts';

export function quotingOf(node: Scalar): Quoting {
  if (node.type === 'QUOTE_DOUBLE') return 'double';
  if (node.type === 'QUOTE_SINGLE') return 'single';
  return node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED' ? 'block' : 'plain';
}

/**
 * What a scalar says, each unit with its place: its value is followed through the source, past folds, escapes and indents.
 * Undefined where the two cannot be matched, which only torn YAML brings about.
 */
export function scalarText(text: string, node: Scalar): EmbeddedText | undefined {
  const value = typeof node.value === 'string' ? node.value : (node.source ?? '');
  const [from, to] = node.range ?? [0, 0];
  const quoting = quotingOf(node);
  const quoted = quoting === 'double' || quoting === 'single';
  const aligner = new Aligner(text, quoting, quoted ? from + 1 : from, to);
  if (quoting === 'block') aligner.skipHeader();
  return aligner.follow(value);
}

class Aligner {
  readonly #text: string;
  readonly #quoting: Quoting;
  readonly #end: number;
  /** Of a block scalar: blanks that each line begins with. */
  #indent = 0;
  #at: number;
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  constructor(text: string, quoting: Quoting, start: number, end: number) {
    this.#text = text;
    this.#quoting = quoting;
    this.#at = start;
    this.#end = end;
  }

  /** `|2-  # comment`, and the indent of the first line that has text. */
  skipHeader(): void {
    const newline = this.#text.indexOf('\n', this.#at);
    const header = this.#text.slice(this.#at, newline < 0 ? this.#end : newline);
    this.#at = newline < 0 ? this.#end : newline + 1;
    const lines = /^(?:[ \t]*\r?\n)*( *)/.exec(this.#text.slice(this.#at, this.#end));
    const explicit = /^[|>][+-]?[1-9]/.test(header);
    const first = lines?.[1]?.length ?? 0;
    // An indicator counts from the parent, whose indent the line above tells at most: the shortest line is near enough.
    this.#indent = explicit ? this.#shortestIndent() : first;
    this.#skipIndent();
  }

  follow(value: string): EmbeddedText | undefined {
    for (let i = 0; i < value.length; i++) {
      const length = this.#match(value.charAt(i));
      if (length === 0) {
        // Line ends that a block keeps at its end, beyond the text.
        if (value.slice(i).trim() === '') return this.#built(value.slice(0, i));
        return undefined;
      }
    }
    return this.#built(value);
  }

  #built(value: string): EmbeddedText {
    return { value, starts: this.#starts, ends: this.#ends };
  }

  /** Moves past the source of one unit; 0 where it is not there. */
  #match(unit: string): number {
    for (;;) {
      if (this.#at >= this.#end) return 0;
      const source = this.#text.charAt(this.#at);
      if (this.#quoting === 'double' && source === '\\') {
        const length = escapeLength(this.#text, this.#at);
        // An escaped line end says nothing.
        if (/[\r\n]/.test(this.#text.charAt(this.#at + 1))) {
          this.#at += length;
          this.#skipBlanks();
          continue;
        }
        return this.#take(length, /[\uDC00-\uDFFF]/.test(unit) || !isWide(this.#text, this.#at));
      }
      if (source === '\r') {
        this.#at += 1;
        continue;
      }
      if (source === unit) {
        const doubled = this.#quoting === 'single' && unit === "'" && this.#text.charAt(this.#at + 1) === "'";
        this.#take(doubled ? 2 : 1, true);
        if (unit === '\n') this.#afterNewline();
        return 1;
      }
      if (unit === ' ' && source === '\n') {
        this.#take(1, true);
        this.#afterNewline();
        return 1;
      }
      if (source !== ' ' && source !== '\t' && source !== '\n') return 0;
      this.#at += 1;
      if (source === '\n') this.#afterNewline();
    }
  }

  #take(length: number, advance: boolean): number {
    this.#starts.push(this.#at);
    this.#ends.push(Math.min(this.#at + length, this.#end));
    if (advance) this.#at += length;
    return length;
  }

  #afterNewline(): void {
    if (this.#quoting === 'block') this.#skipIndent();
    else this.#skipBlanks();
  }

  #skipIndent(): void {
    for (let i = 0; i < this.#indent && this.#text.charAt(this.#at) === ' '; i++) this.#at += 1;
  }

  #skipBlanks(): void {
    while (' \t'.includes(this.#text.charAt(this.#at) || 'x')) this.#at += 1;
  }

  #shortestIndent(): number {
    const indents = [...this.#text.slice(this.#at, this.#end).matchAll(/^( *)\S/gm)];
    return Math.min(...indents.map(([, blanks = '']) => blanks.length));
  }
}

/** `\U` may give two units. */
function isWide(text: string, at: number): boolean {
  return text.charAt(at + 1) === 'U' && Number.parseInt(text.slice(at + 2, at + 10), 16) > 0xffff;
}

function escapeLength(text: string, at: number): number {
  const kind = text.charAt(at + 1);
  if (kind === '\r') return text.charAt(at + 2) === '\n' ? 3 : 2;
  return kind === 'x' ? 4 : kind === 'u' ? 6 : kind === 'U' ? 10 : 2;
}
