import type { LocatedDeployment, LocatedFlag, OffsetRange } from './located.ts';

/** What to cut out so that these flags are gone, each earlier writing of them too, and their neighbours stay as they are. */
export function removals(
  text: string,
  deployment: LocatedDeployment,
  flags: readonly LocatedFlag[],
): OffsetRange[] {
  const cuts = flags.flatMap(({ whole, writing, earlier = [] }) =>
    [...earlier, whole].map((range) => ({ range, style: writing.style })),
  );
  const of = (...styles: readonly string[]) =>
    cuts.filter(({ style }) => styles.includes(style)).map(({ range }) => range);
  const words = of('shell').map((range) => wordCut(text, deployment, range));
  const items = groups(text, of('items')).map(
    (range) => lineCut(text, range, /^[ \t]*-[ \t]+$/) ?? itemCut(text, range),
  );
  const pairs = groups(text, of('yaml', 'json')).map(
    (range) => lineCut(text, range, /^[ \t]*$/) ?? itemCut(text, range),
  );
  return merged([...words, ...items, ...pairs]);
}

/** Words of a command with what parts them from the word before; from the one behind, where none is before. */
function wordCut(text: string, { range }: LocatedDeployment, { start, end }: OffsetRange): OffsetRange {
  const before = /(?:[ \t]|\\?\r?\n)+$/.exec(text.slice(Math.max(0, start - 400), start))?.[0].length ?? 0;
  if (start - before > range.start && before > 0) return { start: start - before, end };
  const behind = /^(?:[ \t]|\\?\r?\n)+/.exec(text.slice(end, end + 400))?.[0].length ?? 0;
  return { start, end: end + behind };
}

/** Neighbours in a list go as one, so that no comma is cut twice. */
function groups(text: string, ranges: readonly OffsetRange[]): OffsetRange[] {
  const joined: OffsetRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last && /^[\s\\]*,[\s\\]*$/.test(text.slice(last.end, range.start))) {
      joined[joined.length - 1] = { start: last.start, end: range.end };
    } else joined.push(range);
  }
  return joined;
}

/** The lines of a block's keys or items, from the line end before them; undefined where other things share these lines. */
function lineCut(text: string, { start, end }: OffsetRange, before: RegExp): OffsetRange | undefined {
  const lineStart = text.lastIndexOf('\n', start - 1) + 1;
  const newline = text.indexOf('\n', end);
  const lineEnd = newline < 0 ? text.length : newline;
  if (!before.test(text.slice(lineStart, start))) return undefined;
  if (!/^\s*(?:[ \t]#.*)?$/.test(text.slice(end, lineEnd))) return undefined;
  if (lineStart === 0) return { start: 0, end: Math.min(text.length, lineEnd + 1) };
  const lineBefore = text.charAt(lineStart - 2) === '\r' ? lineStart - 2 : lineStart - 1;
  return { start: lineBefore, end: text.charAt(lineEnd - 1) === '\r' ? lineEnd - 1 : lineEnd };
}

/** Items or pairs between commas. */
function itemCut(text: string, { start, end }: OffsetRange): OffsetRange {
  const before = /[\s\\]*,[\s\\]*$/.exec(text.slice(Math.max(0, start - 400), start))?.[0].length ?? 0;
  if (before > 0) return { start: start - before, end };
  const behind = /^[\s\\]*,[\s\\]*/.exec(text.slice(end, end + 400))?.[0].length ?? 0;
  return { start, end: end + behind };
}

function merged(ranges: readonly OffsetRange[]): OffsetRange[] {
  const joined: OffsetRange[] = [];
  for (const range of ranges.toSorted((a, b) => a.start - b.start)) {
    const last = joined.at(-1);
    if (last && range.start < last.end) {
      joined[joined.length - 1] = { start: last.start, end: Math.max(last.end, range.end) };
    } else joined.push(range);
  }
  return joined;
}
