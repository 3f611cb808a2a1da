/** Keys and documents of YAML by their lines alone, without reading it: enough to choose what is worth reading. */
import type { OffsetRange } from '../located.ts';

export interface KeyBlock {
  readonly key: string;
  /** From the line of the key to that of the next key of the same indent. */
  readonly range: OffsetRange;
  /** End of the key's own line, its line end counted. */
  readonly firstLineEnd: number;
}

/** Documents of a stream, without their `---` lines. */
export function documentRanges(text: string): OffsetRange[] {
  const ranges: OffsetRange[] = [];
  let start = 0;
  for (const { index, 0: marker } of text.matchAll(/^---(?=[ \t\r\n]|$)[^\n]*\n?/gm)) {
    // What stands behind the dashes belongs to the document: then the line stays.
    const inline = /^---[ \t]+[^\s#]/.test(marker);
    ranges.push({ start, end: index });
    start = inline ? index : index + marker.length;
  }
  ranges.push({ start, end: text.length });
  return ranges.filter(({ start: from, end }) => text.slice(from, end).trim() !== '');
}

/** The keys that stand at `indent` in these lines; `undefined` takes the indent of the first. */
export function keyBlocks(text: string, { start, end }: OffsetRange, indent?: number): KeyBlock[] {
  const found: { key: string; start: number; firstLineEnd: number }[] = [];
  let wanted = indent;
  for (let at = start; at < end; ) {
    const newline = text.indexOf('\n', at);
    const next = newline < 0 || newline >= end ? end : newline + 1;
    let first = at;
    while (first < next && text.charAt(first) === ' ') first += 1;
    const character = text.charAt(first);
    const says = first < next && !'#\r\n'.includes(character);
    if (says) wanted ??= first - at;
    if (says && first - at === wanted && character !== '-') {
      const key = /^(["']?)([^"':\s][^"':]*)\1\s*:(?=\s|$)/.exec(text.slice(first, next))?.[2];
      if (key !== undefined) found.push({ key, start: at, firstLineEnd: next });
    }
    at = next;
  }
  return found.map(({ key, start: from, firstLineEnd }, index) => ({
    key,
    range: { start: from, end: found[index + 1]?.start ?? end },
    firstLineEnd,
  }));
}
