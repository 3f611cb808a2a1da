/** Text inside a document's text, after quotes, folds and variables are taken out: each unit still knows its place. */
import type { OffsetRange } from './located.ts';
import { type ShellCommand, type ShellVariables, type ShellWord, splitCommands } from './shellWords.ts';

export interface EmbeddedText {
  readonly value: string;
  /** Where in the document each UTF-16 unit of `value` begins. */
  readonly starts: readonly number[];
  /** Where it ends; further on than one unit for an escape. */
  readonly ends: readonly number[];
}

export function embed(text: string, start: number, end: number): EmbeddedText {
  const value = text.slice(start, end);
  return {
    value,
    starts: offsetsFrom(start, value.length),
    ends: offsetsFrom(start + 1, value.length),
  };
}

function offsetsFrom(start: number, length: number): number[] {
  return Array.from({ length }, (_, index) => start + index);
}

/** A range of `value` -> the range of the document that it is written in. */
export function placeOf({ starts, ends }: EmbeddedText, { start, end }: OffsetRange): OffsetRange {
  const first = starts[start] ?? ends.at(-1) ?? 0;
  return { start: first, end: end > start ? (ends[end - 1] ?? first) : first };
}

/** The shell commands of an embedded script, with their places in the document. */
export function embeddedCommands(embedded: EmbeddedText, variables?: ShellVariables): ShellCommand[] {
  return splitCommands(embedded.value, variables).map(({ range: inner, words }) => ({
    range: placeOf(embedded, inner),
    words: words.map((word) => wordInDocument(embedded, word)),
  }));
}

function wordInDocument(embedded: EmbeddedText, word: ShellWord): ShellWord {
  return {
    ...word,
    range: placeOf(embedded, word.range),
    offsets: word.offsets.map((offset) => embedded.starts[offset] ?? 0),
  };
}
