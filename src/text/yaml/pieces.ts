/**
 * YAML read in pieces. A whole file of 2,000 lines takes the parser longer than a keystroke may, so that only the parts that
 * matter are read, and each is read once for as long as it stays the same.
 */
import { type Document, parseAllDocuments } from 'yaml';
import type { LocatedProblem, OffsetRange } from '../located.ts';
import { maskTemplates } from '../templates.ts';
import { yamlErrorText } from '../yamlError.ts';

/** A document made of some of the lines of another. */
export interface YamlPiece {
  /** The lines, one after another: what nodes' own ranges count in. */
  readonly text: string;
  readonly document: Document;
  /** An offset in `text` -> the offset in the whole. */
  outer(offset: number): number;
}

export interface YamlReading {
  /** 1.1 for what PyYAML reads. */
  readonly version: '1.1' | '1.2';
}

/** What the parser reads in about half a second: more is not read of one document. */
export const longestRead = 120_000;
/** More deployments than this are a machine's work: nobody reads as many marks. */
export const mostDeployments = 300;
const cachedDocuments = 128;
const cachedLength = 4_000_000;
const cache = new Map<string, readonly Document[]>();

/** The YAML documents in these ranges of a text, taken as one stream. Empty where they are too long to be read in time. */
export function parsePiece(text: string, ranges: readonly OffsetRange[], reading: YamlReading): YamlPiece[] {
  const piece = ranges.map(({ start, end }) => text.slice(start, end)).join('');
  if (piece.length > longestRead) return [];
  const outer = outerOffset(ranges);
  return parse(piece, reading).map((document) => ({ text: piece, document, outer }));
}

function parse(text: string, { version }: YamlReading): readonly Document[] {
  const key = `${version} ${text}`;
  const known = cache.get(key);
  if (known) {
    // Last used, last dropped.
    cache.delete(key);
    cache.set(key, known);
    return known;
  }
  const parsed = parseAllDocuments(text, { version, uniqueKeys: false, logLevel: 'error' });
  const documents: readonly Document[] = 'empty' in parsed ? [] : parsed;
  cache.set(key, documents);
  let length = [...cache.keys()].reduce((sum, each) => sum + each.length, 0);
  for (const oldest of cache.keys()) {
    if (cache.size <= cachedDocuments && length <= cachedLength) break;
    cache.delete(oldest);
    length -= oldest.length;
  }
  return documents;
}

function outerOffset(ranges: readonly OffsetRange[]): (offset: number) => number {
  return (offset) => {
    let rest = offset;
    for (const [index, { start, end }] of ranges.entries()) {
      // The end of one piece is the beginning of the next: a node that ends there ends in the first.
      if (rest <= end - start || index === ranges.length - 1) return start + rest;
      rest -= end - start;
    }
    return offset;
  };
}

/** Said at the first part that is not read any more. */
export function notRead(range: OffsetRange): LocatedProblem {
  return {
    code: 'document.too-long',
    message:
      'There is too much in this file to read while you type: deployments from here on are not looked at.',
    range: { start: range.start, end: Math.min(range.end, range.start + 1) },
  };
}

/** The first place where the YAML cannot be read. Later errors mostly follow from it. */
export function tornAt(whole: string, { document, outer }: YamlPiece): LocatedProblem | undefined {
  const [error] = document.errors;
  if (!error) return undefined;
  const end = Math.min(outer(Math.max(...error.pos)), whole.length);
  // Never empty, or nobody would see it: at the end of the text it is the last thing written.
  const start = Math.min(outer(error.pos[0]), Math.max(0, whole.slice(0, end).trimEnd().length - 1));
  return {
    code: 'yaml.torn',
    message: `This YAML cannot be read here (${yamlErrorText(error)}). The estimate counts only what could be read.`,
    range: { start, end },
  };
}

/** Where a text that was meant to be YAML, templates in it or not, is none. */
export function tornYaml(text: string): LocatedProblem | undefined {
  const pieces = parsePiece(maskTemplates(text).text, [{ start: 0, end: text.length }], { version: '1.1' });
  const piece = pieces.find(({ document }) => document.errors.length > 0);
  const [error] = piece?.document.errors ?? [];
  const torn = piece && tornAt(text, piece);
  return error && torn && { ...torn, message: `This YAML cannot be read here (${yamlErrorText(error)}).` };
}
