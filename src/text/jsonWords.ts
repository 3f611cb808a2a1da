import type { ShellWord } from './shellWords.ts';

/**
 * A JSON list of strings as words with their places; undefined where it is none (a shell then takes the text as it stands).
 * A backslash with a line end between the strings, as Dockerfiles have it, is a blank.
 */
export function jsonWords(text: string, start: number, end: number): ShellWord[] | undefined {
  const words: ShellWord[] = [];
  let at = start + 1;
  let expectsString = true;
  while (at < end) {
    const blank = /^(?:\s|\\[ \t]*\r?\n|(?<=\n)[ \t]*#[^\n]*\n)+/.exec(
      text.slice(at, Math.min(end, at + 2000)),
    )?.[0];
    if (blank !== undefined) at += blank.length;
    else if (text.charAt(at) === ']') return at + 1 >= end ? words : undefined;
    else if (text.charAt(at) === ',' && !expectsString) {
      expectsString = true;
      at += 1;
    } else if (text.charAt(at) === '"' && expectsString) {
      const word = jsonString(text, at, end);
      if (!word) return undefined;
      words.push(word);
      expectsString = false;
      at = word.range.end;
    } else return undefined;
  }
  return undefined;
}

function jsonString(text: string, start: number, end: number): ShellWord | undefined {
  const units: string[] = [];
  const starts: number[] = [];
  const ends: number[] = [];
  for (let at = start + 1; at < end; ) {
    const character = text.charAt(at);
    if (character === '"') {
      const range = { start, end: at + 1 };
      const item = { inner: { start: start + 1, end: at }, quoting: 'double', ends } as const;
      return { range, value: units.join(''), offsets: starts, unknown: false, item };
    }
    const length = character !== '\\' ? 1 : text.charAt(at + 1) === 'u' ? 6 : 2;
    units.push(length === 1 ? character : unescaped(text.slice(at, at + length)));
    starts.push(at);
    ends.push(at + length);
    at += length;
  }
  return undefined;
}

function unescaped(written: string): string {
  try {
    return String(JSON.parse(`"${written}"`)).charAt(0);
  } catch {
    return written.charAt(1);
  }
}
