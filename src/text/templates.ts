/** `{{ … }}` of Helm and Jinja -> text of the same length that YAML can read, so that every offset holds. */
import type { OffsetRange } from './located.ts';

/** Stands for a unit of text that only a run can say. From Unicode's private area: no document means anything by it. */
export const unknownUnit = '\uE000';

export interface MaskedText {
  readonly text: string;
  /** Templates that print something and fill their lines: what they print is missing from `text`. */
  readonly missing: readonly OffsetRange[];
}

/** Statements and comments print nothing. */
const silent = /^\{\{-?\s*(?:if|else|end|range|with|define|block|template|break|continue|\/\*|\$\w*\s*:?=)/;

/** Templates that fill their lines become blanks, others a run of `unknownUnit`. Line ends stay. */
export function maskTemplates(text: string): MaskedText {
  let at = text.indexOf('{{');
  if (at < 0) return { text, missing: [] };
  const parts: string[] = [];
  const missing: OffsetRange[] = [];
  let copied = 0;
  while (at >= 0) {
    const close = text.indexOf('}}', at + 2);
    // Torn: nothing after it is read as YAML would, so the rest of the line goes.
    const end = close < 0 ? lineEnd(text, at) : close + 2;
    const template = text.slice(at, end);
    const alone = isAlone(text, at, end);
    parts.push(text.slice(copied, at), template.replace(/[^\r\n]/g, alone ? ' ' : unknownUnit));
    if (alone && !silent.test(template)) missing.push({ start: at, end });
    copied = end;
    at = text.indexOf('{{', end);
  }
  parts.push(text.slice(copied));
  return { text: parts.join(''), missing };
}

/** Of a longer line the rest is not looked at: each template of it would look at all others. */
const longestLine = 1000;

/** Whether only blanks and other templates share its lines. */
function isAlone(text: string, start: number, end: number): boolean {
  const from = Math.max(0, start - longestLine);
  const near = text.slice(from, start);
  const before = near.slice(near.lastIndexOf('\n') + 1);
  const after = text.slice(end, end + longestLine).split('\n', 1)[0] ?? '';
  if (before.length >= longestLine || after.length >= longestLine) return false;
  return [before, after].every((part) => part.replace(/\{\{.*?\}\}/g, '').trim() === '');
}

function lineEnd(text: string, from: number): number {
  const newline = text.indexOf('\n', from);
  return newline < 0 ? text.length : newline;
}
