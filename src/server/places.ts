/** Offsets of the text layer -> positions of LSP. The only place where the two meet. */
import type { Range } from 'vscode-languageserver';
import type { TextDocument } from 'vscode-languageserver-textdocument';
import type { LocatedDeployment, OffsetRange } from '../text/located.ts';

export function rangeIn(snapshot: TextDocument, { start, end }: OffsetRange): Range {
  return { start: snapshot.positionAt(start), end: snapshot.positionAt(end) };
}

export function rangesTouch(left: Range, right: Range): boolean {
  return !isBefore(left.end, right.start) && !isBefore(right.end, left.start);
}

function isBefore(left: Range['start'], right: Range['start']): boolean {
  return left.line < right.line || (left.line === right.line && left.character < right.character);
}

/** The first line of a deployment: where the lens stands, and what belongs to no key. */
export function firstLine(snapshot: TextDocument, { range }: LocatedDeployment): OffsetRange {
  const text = snapshot.getText();
  const newline = text.indexOf('\n', range.start);
  const lineEnd = newline < 0 ? text.length : newline;
  return { start: range.start, end: Math.min(range.end, lineEnd) };
}

/** A flag with its value where both stand on one line, else its key. `model` is the model. Undefined where it is not written. */
export function flagPlace(
  snapshot: TextDocument,
  located: LocatedDeployment,
  flag: string,
): OffsetRange | undefined {
  if (flag === 'model') return located.model;
  const place = Object.hasOwn(located.flags, flag) ? located.flags[flag] : undefined;
  if (!place) return undefined;
  const end = place.value?.end ?? place.key.end;
  const oneLine = snapshot.positionAt(place.key.start).line === snapshot.positionAt(end).line;
  return oneLine ? { start: place.key.start, end } : place.key;
}
