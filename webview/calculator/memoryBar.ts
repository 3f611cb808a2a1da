import type { DeploymentEstimate, KvEstimate, RankEstimate } from '../../src/core/estimate/types.ts';
import { GiB } from '../../src/core/units.ts';
import { element } from '../common/dom.ts';
import type { Formatter } from '../common/format.ts';

export type SegmentKind = 'charged' | 'kv' | 'uncharged' | 'spare';

export interface Segment {
  readonly id: string;
  readonly label: string;
  readonly kind: SegmentKind;
  readonly bytes: number;
  /** Equal where it is exact. */
  readonly lowBytes: number;
  readonly highBytes: number;
}

const termLabels: Readonly<Record<string, string>> = {
  weights: 'weights',
  'activation-peak': 'activation peak',
  'non-torch': 'outside torch',
  graphs: 'CUDA graphs',
  'graphs-uncharged': 'CUDA graphs',
  context: 'CUDA context',
};

export function termLabel(id: string): string {
  return termLabels[id] ?? id.replaceAll('-', ' ');
}

/** A rank's memory from left to right: what the engine takes, the KV cache, what it never asked for. */
export function segmentsOf(rank: RankEstimate): readonly Segment[] {
  const term = (charged: boolean) =>
    rank.terms
      .filter((one) => one.charged === charged && one.bytes > 0)
      .map(
        (one): Segment => ({
          id: one.id,
          label: termLabel(one.id),
          kind: charged ? 'charged' : 'uncharged',
          bytes: one.bytes,
          lowBytes: one.lowBytes,
          highBytes: one.highBytes,
        }),
      );
  const exact = (id: string, label: string, kind: SegmentKind, bytes: number): Segment[] =>
    bytes > 0 ? [{ id, label, kind, bytes, lowBytes: bytes, highBytes: bytes }] : [];
  const band = (side: 'lowBytes' | 'highBytes') =>
    rank.terms.reduce((total, one) => total + (one.charged ? one[side] - one.bytes : 0), 0);
  const cache = rank.availableKvBytes;
  const uncharged = term(false);
  const beyond = uncharged.reduce((total, { bytes }) => total + bytes, 0);
  const taken = rank.requestedBytes + overBytes(rank);
  return [
    ...term(true),
    // What the terms take more, the cache has less.
    ...exact('kv', 'KV cache', 'kv', cache).map((kv) => ({
      ...kv,
      lowBytes: Math.max(0, cache - band('highBytes')),
      highBytes: cache - band('lowBytes'),
    })),
    ...uncharged,
    ...exact('spare', 'not asked for', 'spare', rank.totalBytes - taken - beyond),
  ];
}

/** What the charged terms take beyond what was asked for. */
function overBytes({ availableKvBytes }: RankEstimate): number {
  return Math.max(0, -availableKvBytes);
}

/** Ranks whose figures are the same, with the name of all of them: `ranks 0–3`. */
export interface RankGroup {
  readonly name: string;
  readonly count: number;
  readonly rank: RankEstimate;
}

export function rankGroups(perRank: readonly RankEstimate[]): readonly RankGroup[] {
  const groups = new Map<string, RankEstimate[]>();
  for (const one of perRank) {
    const { rank: _, ...figures } = one;
    const key = JSON.stringify(figures);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].flatMap((ranks) => {
    const [first] = ranks;
    if (first === undefined) return [];
    const name = ranks.length === 1 ? `rank ${first.rank}` : `ranks ${runsOf(ranks.map(({ rank }) => rank))}`;
    return [{ name, count: ranks.length, rank: first }];
  });
}

/** `0–3, 6`. */
function runsOf(ascending: readonly number[]): string {
  const runs: [number, number][] = [];
  for (const number of ascending) {
    const last = runs.at(-1);
    if (last !== undefined && last[1] + 1 === number) last[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([from, to]) => (from === to ? String(from) : `${from}–${to}`)).join(', ');
}

/** One bar for all ranks that are the same. */
export function memoryBars({ perRank, kv }: DeploymentEstimate, format: Formatter): HTMLElement[] {
  return rankGroups(perRank).map((group) => bar(group, kv, format));
}

function bar({ name: ranks, count, rank }: RankGroup, kv: KvEstimate, format: Formatter): HTMLElement {
  const segments = segmentsOf(rank);
  const whole = Math.max(
    rank.totalBytes,
    segments.reduce((total, { bytes }) => total + bytes, 0),
  );
  const name = count === 1 ? ranks : `${ranks}, each`;
  const over = overBytes(rank);
  const holdsOne = kv.oneRequestBytes > 0 && kv.oneRequestBytes <= rank.availableKvBytes;
  const oneRequest = `one request of ${format.count(kv.maxModelLen)} tokens`;
  const request = holdsOne
    ? `the mark in the KV cache is ${oneRequest}, ${format.bytes(kv.oneRequestBytes)}`
    : rank.availableKvBytes > 0
      ? `${oneRequest} needs ${format.bytes(kv.oneRequestBytes)}, more than the KV cache has`
      : '';
  const total = [
    `${format.bytes(rank.totalBytes)}, of which ${format.bytes(rank.requestedBytes)} asked for`,
    over > 0 ? `${format.bytes(over)} more are needed before any KV cache` : '',
    request,
  ]
    .filter((part) => part !== '')
    .join('; ');
  const words = segments.map((segment) => `${segment.label} ${amount(segment, format)}`).join(', ');
  const drawn = element(
    'div',
    { class: 'memory-bar', role: 'img', 'aria-label': `Memory of ${name}: ${total}; ${words}` },
    ...segments.map((segment) => drawnSegment(segment, whole, holdsOne ? kv.oneRequestBytes : 0)),
    limitMark('requested-mark', rank.requestedBytes / whole),
    whole > rank.totalBytes ? limitMark('total-mark', rank.totalBytes / whole) : null,
  );
  return element(
    'div',
    { class: 'rank' },
    element('p', {}, element('strong', {}, name), element('span', { class: 'quiet-text' }, ` ${total}`)),
    drawn,
    legend(segments, format),
  );
}

export function legend(segments: readonly Segment[], format: Formatter): HTMLElement {
  return element(
    'ul',
    { class: 'bar-legend', 'aria-hidden': 'true' },
    ...segments.map((segment) =>
      element(
        'li',
        {},
        element('span', { class: `key ${segmentClass(segment)}` }),
        `${segment.label}${segment.kind === 'uncharged' ? ' (beyond what is asked for)' : ''} `,
        element('strong', {}, amount(segment, format)),
      ),
    ),
  );
}

/** `oneRequestBytes`: marked in the KV cache as the part that one full-length request takes; 0 marks none. */
export function drawnSegment(segment: Segment, whole: number, oneRequestBytes: number): HTMLElement {
  const drawn = element('div', { class: `segment ${segmentClass(segment)}` });
  drawn.style.width = `${(100 * segment.bytes) / whole}%`;
  if (segment.highBytes > segment.lowBytes) {
    const band = element('div', { class: 'segment-band' });
    band.style.width = `${Math.min(100, (100 * (segment.highBytes - segment.lowBytes)) / segment.bytes)}%`;
    drawn.append(band);
  }
  if (segment.kind === 'kv' && oneRequestBytes > 0) {
    const request = element('div', { class: 'one-request' });
    request.style.width = `${Math.min(100, (100 * oneRequestBytes) / segment.bytes)}%`;
    drawn.append(request);
  }
  if (segment.bytes / whole > 0.18) drawn.append(element('span', { class: 'segment-label' }, segment.label));
  return drawn;
}

/** A line across the bar: where what was asked for ends, or the GPU itself. */
export function limitMark(name: string, at: number): HTMLElement {
  const mark = element('div', { class: `limit-mark ${name}` });
  mark.style.left = `${100 * Math.min(1, at)}%`;
  return mark;
}

function segmentClass({ kind, id }: Segment): string {
  return `segment-${kind} segment-${id}`;
}

function amount(segment: Segment, format: Formatter): string {
  const band = bandWords(segment, format);
  return `${format.gib(segment.bytes)} GiB${band === '' ? '' : ` ${band}`}`;
}

/** GiB: `±0.20`, or each side where they differ, `−0.59/+0.21`; '' where it is exact. */
export function bandWords(
  { bytes, lowBytes, highBytes }: Pick<Segment, 'bytes' | 'lowBytes' | 'highBytes'>,
  format: Formatter,
): string {
  const [below, above] = [(bytes - lowBytes) / GiB, (highBytes - bytes) / GiB];
  if (below <= 0 && above <= 0) return '';
  const [less, more] = [format.fixed(below, 2), format.fixed(above, 2)];
  if (less === more) return `±${more}`;
  const none = format.fixed(0, 2);
  return [less === none ? '' : `−${less}`, more === none ? '' : `+${more}`]
    .filter((side) => side !== '')
    .join('/');
}
