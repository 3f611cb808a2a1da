/** Rows of a comma-separated file: RFC 4180's quotes, either line end. Blank lines are rows without a cell. Never throws. */
export function parseCsv(text: string): readonly (readonly string[])[] {
  const rows: string[][] = [];
  let row: string[] = [];
  let at = 0;
  const cell = /(?:"((?:[^"]|"")*)"|([^",\r\n]*))(,|\r?\n|\r|$)/y;
  while (at < text.length) {
    cell.lastIndex = at;
    const found = cell.exec(text);
    if (found === null) {
      // A quote in the middle of a cell: taken as it stands, up to the next comma or line end.
      const end = text.slice(at).search(/[,\r\n]/);
      row.push(end < 0 ? text.slice(at) : text.slice(at, at + end));
      at = end < 0 ? text.length : at + end + 1;
      if (end < 0 || text[at - 1] !== ',') {
        rows.push(row);
        row = [];
      }
      continue;
    }
    const [whole, quoted, plain = '', separator] = found;
    row.push(quoted === undefined ? plain.trim() : quoted.replaceAll('""', '"'));
    at += whole.length;
    if (separator !== ',') {
      rows.push(row.length === 1 && row[0] === '' ? [] : row);
      row = [];
    }
  }
  if (row.length > 0) rows.push(row);
  return rows;
}
