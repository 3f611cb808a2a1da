import { Range, type TextDocument } from 'vscode';
import type { OffsetRange } from '../../text/located.ts';

export function rangeIn(document: TextDocument, { start, end }: OffsetRange): Range {
  return new Range(document.positionAt(start), document.positionAt(end));
}
