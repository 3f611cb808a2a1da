import { startsEngine } from '../launch/mention.ts';
import type { OffsetRange } from '../located.ts';
import { type KeyBlock, keyBlocks } from './blocks.ts';

/** A part of a compose file that is worth reading, with what it refers to. */
export interface ComposeSlice {
  readonly ranges: readonly OffsetRange[];
  /** Whether the service whose name stands here is read from this slice. */
  wanted(keyStart: number): boolean;
}

/**
 * One slice for each service that starts an engine: its own lines, those that define its anchors, and the service that it
 * extends. A file of another shape is one slice.
 */
export function composeSlices(text: string): ComposeSlice[] {
  const whole: ComposeSlice = { ranges: [{ start: 0, end: text.length }], wanted: () => true };
  if (/^---/m.test(text.replace(/^(?:\s*(?:#.*)?\n)*---[ \t]*\r?\n/, ''))) return [whole];
  const top = keyBlocks(text, { start: 0, end: text.length }, 0);
  const services = top.filter(({ key }) => key === 'services');
  const [block] = services;
  if (!block || services.length > 1) return [whole];
  // `services: {…}` or `services: &all` have no lines of their own to go by.
  if (!/:[ \t]*(?:#.*)?\r?\n$/.test(text.slice(block.range.start, block.firstLineEnd))) return [whole];
  const children = keyBlocks(text, { start: block.firstLineEnd, end: block.range.end });
  const others = top.filter((each) => each !== block);
  const finder = new References(text, [...others, ...children]);
  const slices = children.flatMap((child) => {
    const needed = finder.neededBy(child);
    const mentions = [child, ...needed].some(({ range }) => finder.startsEngine(range));
    return mentions ? [sliceOf(block, child, needed)] : [];
  });
  // Where everything refers to everything, reading all at once is less.
  const length = slices.reduce(
    (sum, { ranges }) => sum + ranges.reduce((all, { start, end }) => all + end - start, 0),
    0,
  );
  return length > 2 * text.length ? [whole] : slices;
}

function sliceOf(services: KeyBlock, child: KeyBlock, needed: readonly KeyBlock[]): ComposeSlice {
  const header = { start: services.range.start, end: services.firstLineEnd };
  const inServices = (range: OffsetRange) => range.start >= header.end && range.start < services.range.end;
  const all = [...needed, child].map(({ range }) => range).sort((a, b) => a.start - b.start);
  const outside = all.filter((range) => !inServices(range));
  // Anchors must be defined before they are named: the rest of the file comes first, wherever it stood.
  return {
    ranges: [...outside, header, ...all.filter(inServices)],
    wanted: (keyStart) => keyStart >= child.range.start && keyStart < child.range.end,
  };
}

class References {
  readonly #text: string;
  readonly #blocks: readonly KeyBlock[];
  readonly #anchors = new Map<string, KeyBlock[]>();
  readonly #starting = new Map<number, boolean>();
  readonly #referred = new Map<KeyBlock, readonly KeyBlock[]>();

  constructor(text: string, blocks: readonly KeyBlock[]) {
    this.#text = text;
    this.#blocks = blocks;
    for (const block of blocks) {
      for (const name of this.#names(block, /(?<=[\s[{,:-])&([^\s,[\]{}]+)/g)) {
        this.#anchors.set(name, [...(this.#anchors.get(name) ?? []), block]);
      }
    }
  }

  /** Everything that a block refers to, and what that refers to. */
  neededBy(block: KeyBlock): KeyBlock[] {
    const found = new Set<KeyBlock>([block]);
    for (const each of found) for (const next of this.#referredTo(each)) found.add(next);
    found.delete(block);
    return [...found];
  }

  startsEngine(range: OffsetRange): boolean {
    const known = this.#starting.get(range.start);
    if (known !== undefined) return known;
    const found = startsEngine(this.#text.slice(range.start, range.end));
    this.#starting.set(range.start, found);
    return found;
  }

  #referredTo(block: KeyBlock): readonly KeyBlock[] {
    const known = this.#referred.get(block);
    if (known) return known;
    const found = this.#findReferred(block);
    this.#referred.set(block, found);
    return found;
  }

  #findReferred(block: KeyBlock): readonly KeyBlock[] {
    const aliases = this.#names(block, /(?<=[\s[{,:-])\*([^\s,[\]{}]+)/g);
    const extended = this.#names(block, /^\s+extends:\s*["']?([\w.-]+)["']?\s*$/gm);
    const nested = this.#names(block, /^\s+extends:[^\n]*\n(?:\s+[^\n]*\n)??\s+service:\s*["']?([\w.-]+)/gm);
    const services = [...extended, ...nested];
    return [
      ...aliases.flatMap((name) => this.#anchors.get(name) ?? []),
      ...this.#blocks.filter(({ key }) => services.includes(key)),
    ];
  }

  #names({ range }: KeyBlock, pattern: RegExp): string[] {
    return [...this.#text.slice(range.start, range.end).matchAll(pattern)].map(([, name = '']) => name);
  }
}
