/**
 * POSIX shell text -> simple commands and their words, each with its place. It reads, it never runs: what only a running
 * shell could know is marked `unknown`. It accepts any text, half-typed scripts included, and never throws.
 */
import type { OffsetRange, Quoting } from './located.ts';
import { unknownUnit } from './templates.ts';

export interface ShellWord {
  readonly range: OffsetRange;
  /** After quotes and escapes are removed. Meaningless where `unknown`. */
  readonly value: string;
  /** Offset in the source of each UTF-16 unit of `value`. */
  readonly offsets: readonly number[];
  /** Holds an expansion (`$VAR`, `$(…)`, a glob, braces), a template or an unclosed quote. */
  readonly unknown: boolean;
  /** A list's item: the text between its quotes, what these are, and where each unit of `value` ends. */
  readonly item?: {
    readonly inner: OffsetRange;
    readonly quoting: Quoting;
    readonly ends: readonly number[];
  };
}

export interface ShellCommand {
  /** From the first word's start to the last word's end. */
  readonly range: OffsetRange;
  readonly words: readonly ShellWord[];
}

const operatorCharacters = '\n\r;&|()<>';
const blanks = ' \t';
const globCharacters = '*?[';

/** What variables are known to be; undefined for one that is set and may be anything by then. */
export type ShellVariables = ReadonlyMap<string, string | undefined>;

/**
 * Splits a script. Operators, redirections, comments and heredoc bodies separate or vanish; they are never words. Variables
 * given are filled in, and so is the default of `${A:-b}` for others.
 */
export function splitCommands(text: string, variables: ShellVariables = new Map()): ShellCommand[] {
  return new Splitter(text, variables).commands();
}

class Splitter {
  readonly #text: string;
  readonly #variables: ShellVariables;
  readonly #commands: ShellCommand[] = [];
  #words: ShellWord[] = [];
  #at = 0;
  /** Heredocs announced on this line; their bodies begin after it. */
  #heredocs: { readonly delimiter: string; readonly tabsStripped: boolean }[] = [];
  /** Set by a redirection operator: the next word is its target, not an argument. */
  #redirection: 'file' | 'heredoc' | 'heredoc-tabs' | undefined;

  constructor(text: string, variables: ShellVariables) {
    this.#text = text;
    this.#variables = variables;
  }

  commands(): ShellCommand[] {
    while (this.#at < this.#text.length) this.#step();
    this.#endCommand();
    return this.#commands;
  }

  #step(): void {
    const character = this.#text.charAt(this.#at);
    const continuation = this.#continuationLength(this.#at);
    if (continuation > 0) this.#at += continuation;
    else if (blanks.includes(character)) this.#at += 1;
    else if (character === '#') this.#skipComment();
    else if (character === '\n' || character === '\r') this.#newline();
    else if (character === '<' || character === '>') this.#redirect();
    else if (character === '(' && this.#text.charAt(this.#at + 1) === '(') {
      // Arithmetic: its `<<` is a shift, not a heredoc.
      this.#at = this.#closingParenthesis(this.#at + 1);
      this.#endCommand();
    } else if (operatorCharacters.includes(character)) {
      this.#at += 1;
      this.#endCommand();
    } else this.#readWord();
  }

  /** Length of a backslash with its line end at `at`, or 0. */
  #continuationLength(at: number): number {
    if (this.#text.charAt(at) !== '\\') return 0;
    if (this.#text.charAt(at + 1) === '\n') return 2;
    return this.#text.startsWith('\r\n', at + 1) ? 3 : 0;
  }

  #skipComment(): void {
    const end = this.#text.indexOf('\n', this.#at);
    this.#at = end < 0 ? this.#text.length : end;
  }

  #newline(): void {
    this.#at += 1;
    this.#endCommand();
    if (this.#text.charAt(this.#at - 1) !== '\n') return;
    for (const heredoc of this.#heredocs) this.#skipHeredoc(heredoc.delimiter, heredoc.tabsStripped);
    this.#heredocs = [];
  }

  #skipHeredoc(delimiter: string, tabsStripped: boolean): void {
    while (this.#at < this.#text.length) {
      const newline = this.#text.indexOf('\n', this.#at);
      const end = newline < 0 ? this.#text.length : newline;
      const line = this.#text.slice(this.#at, end).replace(/\r$/, '');
      this.#at = newline < 0 ? end : end + 1;
      if ((tabsStripped ? line.replace(/^\t+/, '') : line) === delimiter) return;
    }
  }

  #redirect(): void {
    // `2>` and `{fd}>`: the descriptor was read as a word, and belongs to the redirection.
    const last = this.#words.at(-1);
    if (last && last.range.end === this.#at && /^(\d+|\{\w+\})$/.test(last.value)) this.#words.pop();
    const operator =
      /^(?:<<<|<<-?|<>|<&|<|>>|>\||>&|>)/.exec(this.#text.slice(this.#at, this.#at + 3))?.[0] ?? '<';
    this.#at += operator.length;
    if (this.#text.charAt(this.#at) === '(' && (operator === '<' || operator === '>')) {
      this.#at = this.#closingParenthesis(this.#at + 1);
      return;
    }
    this.#redirection = operator === '<<' ? 'heredoc' : operator === '<<-' ? 'heredoc-tabs' : 'file';
  }

  #endCommand(): void {
    this.#redirection = undefined;
    const first = this.#words[0];
    const last = this.#words.at(-1);
    if (first && last) {
      this.#commands.push({
        range: { start: first.range.start, end: last.range.end },
        words: this.#words,
      });
    }
    this.#words = [];
  }

  #readWord(): void {
    const start = this.#at;
    // A word followed by `\` and a line end, then by a blank, ends before that backslash.
    let end = start;
    const word = new WordBuilder();
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      const continuation = this.#continuationLength(this.#at);
      if (continuation > 0) {
        this.#at += continuation;
        continue;
      }
      if (blanks.includes(character) || operatorCharacters.includes(character)) break;
      this.#readPart(word, character);
      end = this.#at;
    }
    end = Math.min(end, this.#text.length);
    this.#finishWord(word.build({ start, end }, this.#text));
  }

  #readPart(word: WordBuilder, character: string): void {
    if (character === "'") this.#singleQuoted(word);
    else if (character === '"') this.#doubleQuoted(word);
    else if (character === '\\') this.#escaped(word);
    else if (character === '$' || character === '`') this.#expansion(word);
    else {
      if (globCharacters.includes(character) || character === '{') word.unquotedPattern = true;
      word.add(character, this.#at);
      this.#at += 1;
    }
  }

  #finishWord(word: ShellWord): void {
    if (this.#redirection === undefined) {
      this.#words.push(word);
      return;
    }
    if (this.#redirection !== 'file') {
      this.#heredocs.push({
        delimiter: word.value,
        tabsStripped: this.#redirection === 'heredoc-tabs',
      });
    }
    this.#redirection = undefined;
  }

  #escaped(word: WordBuilder): void {
    if (this.#at + 1 >= this.#text.length) word.unknown = true;
    else word.add(this.#text.charAt(this.#at + 1), this.#at + 1);
    this.#at += 2;
  }

  #singleQuoted(word: WordBuilder): void {
    const close = this.#text.indexOf("'", this.#at + 1);
    const end = close < 0 ? this.#text.length : close;
    for (let i = this.#at + 1; i < end; i++) word.add(this.#text.charAt(i), i);
    if (close < 0) word.unknown = true;
    this.#at = end + 1;
  }

  #doubleQuoted(word: WordBuilder): void {
    this.#at += 1;
    while (this.#at < this.#text.length) {
      const character = this.#text.charAt(this.#at);
      const continuation = this.#continuationLength(this.#at);
      if (character === '"') {
        this.#at += 1;
        return;
      }
      if (continuation > 0) this.#at += continuation;
      else if (character === '\\' && '$`"\\'.includes(this.#text.charAt(this.#at + 1) || 'x'))
        this.#escaped(word);
      else if (character === '$' || character === '`') this.#expansion(word);
      else {
        word.add(character, this.#at);
        this.#at += 1;
      }
    }
    word.unknown = true;
  }

  /** `$…` or backquotes at the cursor. A `$` that starts no expansion is itself. */
  #expansion(word: WordBuilder): void {
    if (this.#filledIn(word)) return;
    const next = this.#text.charAt(this.#at + 1);
    if (this.#text.charAt(this.#at) === '`') this.#at = this.#closingBackquote(this.#at + 1);
    else if (next === '(') this.#at = this.#closingParenthesis(this.#at + 2);
    else if (next === '{') this.#at = this.#closingBrace(this.#at + 2);
    else if (next === "'") this.#at = this.#closingAnsiQuote(this.#at + 2);
    else if (/[A-Za-z_]/.test(next))
      this.#at += 1 + (/^\w+/.exec(this.#text.slice(this.#at + 1))?.[0].length ?? 0);
    else if (/[\d@*#?$!-]/.test(next)) this.#at += 2;
    else {
      word.add('$', this.#at);
      this.#at += 1;
      return;
    }
    word.unknown = true;
  }

  /** `$A` of a known variable, `${A:-b}` of any. Text with blanks or patterns would be split where no quotes are around. */
  #filledIn(word: WordBuilder): boolean {
    const source = this.#text.slice(this.#at, this.#at + 400);
    const [whole, bare, braced, fallback] =
      /^\$(?:([A-Za-z_]\w*)|\{(\w+)(?::?-([^{}$`"'\\\r\n]*))?\})/.exec(source) ?? [];
    const name = bare ?? braced ?? '';
    const value = this.#variables.has(name) ? this.#variables.get(name) : fallback;
    if (whole === undefined || value === undefined || /[\s*?[\]{}~]/.test(value)) return false;
    for (let i = 0; i < value.length; i++) word.add(value.charAt(i), this.#at);
    this.#at += whole.length;
    return true;
  }

  #closingBackquote(from: number): number {
    for (let i = from; i < this.#text.length; i++) {
      if (this.#text.charAt(i) === '\\') i += 1;
      else if (this.#text.charAt(i) === '`') return i + 1;
    }
    return this.#text.length;
  }

  #closingAnsiQuote(from: number): number {
    for (let i = from; i < this.#text.length; i++) {
      if (this.#text.charAt(i) === '\\') i += 1;
      else if (this.#text.charAt(i) === "'") return i + 1;
    }
    return this.#text.length;
  }

  #closingParenthesis(from: number): number {
    return this.#closing(from, '(', ')');
  }

  #closingBrace(from: number): number {
    return this.#closing(from, '{', '}');
  }

  /** Past the bracket that closes the one before `from`; quotes inside hide theirs. The end of the text where none does. */
  #closing(from: number, open: string, close: string): number {
    let depth = 1;
    let quote = '';
    for (let i = from; i < this.#text.length; i++) {
      const character = this.#text.charAt(i);
      if (character === '\\' && quote !== "'") i += 1;
      else if (quote !== '') quote = character === quote ? '' : quote;
      else if (character === "'" || character === '"') quote = character;
      else if (character === '#' && open === '(' && /\s/.test(this.#text.charAt(i - 1))) {
        const newline = this.#text.indexOf('\n', i);
        i = newline < 0 ? this.#text.length : newline;
      } else if (character === open) depth += 1;
      else if (character === close) {
        depth -= 1;
        if (depth === 0) return i + 1;
      }
    }
    return this.#text.length;
  }
}

class WordBuilder {
  readonly #units: string[] = [];
  readonly #offsets: number[] = [];
  unknown = false;
  /** An unquoted `*`, `?`, `[` or `{`: perhaps a glob or a brace expansion. */
  unquotedPattern = false;

  add(unit: string, offset: number): void {
    this.#units.push(unit);
    this.#offsets.push(offset);
  }

  build(range: OffsetRange, text: string): ShellWord {
    const value = this.#units.join('');
    // A lone `{` is the reserved word, `{}` and `{a}` expand to themselves, `[` is the test command.
    const source = text.slice(range.start, range.end);
    const pattern =
      this.unquotedPattern && (/[*?]|\[.*\]/.test(source) || /\{[^{}]*(,|\.\.)[^{}]*\}/.test(source));
    const unknown = this.unknown || pattern || value.includes(unknownUnit);
    return { range, value, offsets: this.#offsets, unknown };
  }
}
