/** YAML's nodes with aliases and merge keys followed, and every place told in the whole document. */
import {
  type Alias,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  visit,
  type YAMLMap,
} from 'yaml';
import type { EmbeddedText } from '../embeddedText.ts';
import type { OffsetRange } from '../located.ts';
import type { ShellWord } from '../shellWords.ts';
import { unknownUnit } from '../templates.ts';
import type { YamlPiece } from './pieces.ts';
import { quotingOf, scalarText } from './scalarText.ts';

/** Merges into merges … deeper is somebody's bomb. */
const deepestMerge = 8;

export interface Entry {
  readonly key: string;
  readonly keyRange: OffsetRange;
  /** As written: an alias where there is one. */
  readonly written: Node | null;
  /** What it stands for; null for nothing, undefined for an alias of nothing. */
  readonly value: Node | null | undefined;
}

export class YamlTree {
  readonly #piece: YamlPiece;
  #anchors: Map<string, Node[]> | undefined;

  constructor(piece: YamlPiece) {
    this.#piece = piece;
  }

  get root(): YAMLMap | undefined {
    const { contents } = this.#piece.document;
    return isMap(contents) ? contents : undefined;
  }

  /** An alias's node; null for an empty value; undefined for an alias of nothing. */
  resolve(node: unknown): Node | null | undefined {
    if (node === null || node === undefined) return null;
    if (isAlias(node)) return this.#anchored(node);
    return isScalar(node) || isMap(node) || isSeq(node) ? node : undefined;
  }

  /** The parser's own search for an anchor walks the whole document each time. */
  #anchored({ source, range }: Alias): Node | undefined {
    if (!this.#anchors) {
      this.#anchors = new Map();
      const anchors = this.#anchors;
      visit(this.#piece.document, {
        Value(_, node) {
          if (node.anchor) anchors.set(node.anchor, [...(anchors.get(node.anchor) ?? []), node]);
        },
      });
    }
    const at = range?.[0] ?? 0;
    return this.#anchors.get(source)?.findLast((node) => (node.range?.[0] ?? 0) < at);
  }

  /** Pairs of a mapping by name, those merged into it too. The last of a repeated key counts, as in every YAML reader. */
  entries(map: YAMLMap, depth = 0): Map<string, Entry> {
    const own = new Map<string, Entry>();
    const merged = new Map<string, Entry>();
    for (const pair of map.items) {
      const entry = this.#entry(pair);
      if (entry === undefined) continue;
      if (entry.key !== '<<') own.set(entry.key, entry);
      else if (depth < deepestMerge) {
        for (const base of this.#mergedMaps(entry.value)) {
          // Of several the first wins.
          for (const [key, each] of this.entries(base, depth + 1))
            if (!merged.has(key)) merged.set(key, each);
        }
      }
    }
    for (const [key, entry] of merged) if (!own.has(key)) own.set(key, entry);
    return own;
  }

  #mergedMaps(value: Node | null | undefined): YAMLMap[] {
    if (isMap(value)) return [value];
    if (!isSeq(value)) return [];
    return value.items.map((item) => this.resolve(item)).filter((item) => isMap(item));
  }

  #entry(pair: Pair): Entry | undefined {
    if (!isScalar(pair.key)) return undefined;
    const keyRange = this.rangeOf(pair.key);
    if (keyRange === undefined) return undefined;
    const written = this.#isNode(pair.value) ? pair.value : null;
    return { key: String(pair.key.value), keyRange, written, value: this.resolve(pair.value) };
  }

  #isNode(node: unknown): node is Node {
    return isScalar(node) || isMap(node) || isSeq(node) || isAlias(node);
  }

  /** The value under these keys; a number takes a list's item. */
  at(map: YAMLMap | undefined, ...path: readonly (string | number)[]): Node | null | undefined {
    let node: Node | null | undefined = map;
    for (const step of path) {
      if (typeof step === 'number') node = isSeq(node) ? this.resolve(node.items[step]) : undefined;
      else node = isMap(node) ? this.entries(node).get(step)?.value : undefined;
    }
    return node;
  }

  map(node: Node | null | undefined): YAMLMap | undefined {
    return isMap(node) ? node : undefined;
  }

  items(node: Node | null | undefined): (Node | null | undefined)[] {
    return isSeq(node) ? node.items.map((item) => this.resolve(item)) : [];
  }

  /** The node's place without trailing blanks and line ends, which block nodes carry. */
  rangeOf(node: unknown): OffsetRange | undefined {
    if (!this.#isNode(node) || !node.range) return undefined;
    const [start, valueEnd] = node.range;
    const end = start + this.#piece.text.slice(start, valueEnd).trimEnd().length;
    return { start: this.#piece.outer(start), end: this.#piece.outer(end) };
  }

  /** What a scalar says as text, with the place of every unit; undefined for other nodes, nothing and torn text. */
  text(node: Node | null | undefined): EmbeddedText | undefined {
    if (!isScalar(node) || node.value === null) return undefined;
    const found = scalarText(this.#piece.text, node);
    const { outer } = this.#piece;
    return found && { value: found.value, starts: found.starts.map(outer), ends: found.ends.map(outer) };
  }

  string(node: Node | null | undefined): string | undefined {
    if (!isScalar(node) || node.value === null) return undefined;
    return typeof node.value === 'string' ? node.value : (node.source ?? String(node.value));
  }

  /** A list's item as a word of a command; `fill` fills its variables in. */
  word(node: Scalar, fill: (text: EmbeddedText) => EmbeddedText): ShellWord | undefined {
    const range = this.rangeOf(node);
    const written = this.text(node);
    if (range === undefined || written === undefined) return undefined;
    const { value, starts, ends } = fill(written);
    const quoting = quotingOf(node);
    const inner = { start: starts[0] ?? range.start, end: ends.at(-1) ?? range.end };
    return {
      range,
      value,
      offsets: starts,
      unknown: value.includes(unknownUnit),
      item: { inner, quoting, ends },
    };
  }

  /** Nested maps reach the engine as JSON. Undefined where an alias inside leads nowhere or too far. */
  json(node: YAMLMap): string | undefined {
    try {
      return JSON.stringify(node.toJS(this.#piece.document, { maxAliasCount: 100 }));
    } catch {
      return undefined;
    }
  }
}
