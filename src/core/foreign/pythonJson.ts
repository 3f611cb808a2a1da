/** JSON as Python's json module writes it: NaN and Infinity may stand bare in it. */
import { failure, type Result, success } from '../result.ts';

/** Values that JSON does not have are null. Where it is no JSON, the problem says where it stops being some. Never throws. */
export function parsePythonJson(text: string): Result<unknown> {
  const parsed = tryParse(text);
  if (parsed !== undefined) return success(parsed.value);
  const withoutBare = text.replace(stringOrBare, (found) => (found.startsWith('"') ? found : 'null'));
  const again = withoutBare === text ? undefined : tryParse(withoutBare);
  if (again !== undefined) return success(again.value);
  const offset = jsonErrorOffset(text);
  const { line, column } = placeOf(text, offset);
  const torn = offset >= text.trimEnd().length;
  return failure({
    code: 'foreign.torn-json',
    message: torn
      ? `The JSON ends in the middle (line ${line}, column ${column}): it was cut off while it was written or copied. Copy it again, or run the benchmark to its end.`
      : `No JSON from line ${line}, column ${column} on (${excerpt(text, offset)}). Give the file as the tool wrote it.`,
  });
}

/** A string, or one of the words that Python writes without quotes. */
const stringOrBare = /"[^"\\]*(?:\\.[^"\\]*)*"|-?\bInfinity\b|\bNaN\b/gs;

function tryParse(text: string): { readonly value: unknown } | undefined {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return undefined;
  }
}

const token =
  /[ \t\r\n]*(?:("[^"\\\n]*(?:\\.[^"\\\n]*)*")|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null|NaN|-?Infinity)|([{}[\],:]))/y;

type Expected = 'value' | 'value-or-end' | 'key' | 'key-or-end' | 'colon' | 'comma-or-end' | 'nothing';

/** Where a text stops being JSON, in UTF-16 code units; its length where only the rest is missing. */
export function jsonErrorOffset(text: string): number {
  const open: string[] = [];
  let expected: Expected = 'value';
  let at = 0;
  for (;;) {
    token.lastIndex = at;
    const found = token.exec(text);
    const start = at + (/^[ \t\r\n]*/.exec(text.slice(at, at + 1000))?.[0].length ?? 0);
    if (found === null) return tornString(text, start) ? text.length : start;
    const [whole, string, plain, mark] = found;
    const next = nextExpected(expected, open, { string, plain, mark });
    if (next === undefined) return start;
    expected = next;
    at += whole.length;
    if (expected === 'nothing') return text.length;
  }
}

interface Token {
  readonly string: string | undefined;
  readonly plain: string | undefined;
  readonly mark: string | undefined;
}

/** undefined where the token may not stand there. `open`: the brackets that are not closed yet. */
function nextExpected(
  expected: Expected,
  open: string[],
  { string, plain, mark }: Token,
): Expected | undefined {
  const afterValue = (): Expected => (open.length === 0 ? 'nothing' : 'comma-or-end');
  const closes = mark === '}' || mark === ']';
  if (closes) {
    const mayEnd = expected === 'comma-or-end' || expected === (mark === '}' ? 'key-or-end' : 'value-or-end');
    if (!mayEnd || open.pop() !== (mark === '}' ? '{' : '[')) return undefined;
    return afterValue();
  }
  switch (expected) {
    case 'value':
    case 'value-or-end':
      if (mark === '{' || mark === '[') {
        open.push(mark);
        return mark === '{' ? 'key-or-end' : 'value-or-end';
      }
      return string !== undefined || plain !== undefined ? afterValue() : undefined;
    case 'key':
    case 'key-or-end':
      return string === undefined ? undefined : 'colon';
    case 'colon':
      return mark === ':' ? 'value' : undefined;
    case 'comma-or-end':
      if (mark !== ',') return undefined;
      return open.at(-1) === '{' ? 'key' : 'value';
    case 'nothing':
      return undefined;
  }
}

/** A string or a word that the end of the text cuts off. */
function tornString(text: string, start: number): boolean {
  const rest = text.slice(start);
  return /^"[^"\\\n]*(?:\\.[^"\\\n]*)*\\?$/.test(rest) || /^[-\w.+]{0,24}$/.test(rest);
}

function placeOf(text: string, offset: number): { readonly line: number; readonly column: number } {
  const before = text.slice(0, offset);
  const lines = before.split('\n');
  return { line: lines.length, column: (lines.at(-1) ?? '').length + 1 };
}

function excerpt(text: string, offset: number): string {
  const shown = text.slice(offset, offset + 24).replace(/\s+/g, ' ');
  return shown === '' ? 'the end' : `"${shown}"`;
}
