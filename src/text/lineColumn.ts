/** Line and column of an offset, both from 1, as compilers and editors print them. Columns count UTF-16 code units. */
export interface LineColumn {
  readonly line: number;
  readonly column: number;
}

export function lineColumn(text: string, offset: number): LineColumn {
  const before = text.slice(0, Math.max(0, offset));
  const lineStart = before.lastIndexOf('\n') + 1;
  let line = 1;
  for (let at = before.indexOf('\n'); at >= 0; at = before.indexOf('\n', at + 1)) line++;
  return { line, column: before.length - lineStart + 1 };
}
