import { familyOf, type PlacedSpec, SpecPool } from './cacheSpec.ts';
import type { LayerGroup } from './layerGroup.ts';

/** Whether layers are packed beside each other: latents of unlike page sizes, some of them with a window (DeepSeek-V4). */
export function wantsPacking(placed: readonly PlacedSpec[]): boolean {
  const [first] = placed;
  return (
    placed.some(({ spec }) => spec.latent === true && spec.kind === 'sliding-window') &&
    placed.some(({ spec }) => spec.pageBytes !== first?.spec.pageBytes)
  );
}

/**
 * Groups of layers that are packed in one block: full layers whole, those with a window cut into groups of about as many layers.
 * Source: vLLM v1/core/kv_cache_utils.py, `_get_kv_cache_groups_uniform_groups`; from 0.29 `_get_packed_kv_cache_groups`.
 */
export function packedGroups(placed: readonly PlacedSpec[], paddedPages: boolean): readonly LayerGroup[] {
  const buckets = new Map<string, PlacedSpec[]>();
  for (const one of placed) {
    const key = `${familyOf(one.spec)} ${one.spec.blockTokens}`;
    const members = buckets.get(key);
    if (members === undefined) buckets.set(key, [one]);
    else members.push(one);
  }
  const isFull = (members: readonly PlacedSpec[]) => members[0]?.spec.kind === 'full';
  const all = [...buckets.values()].toSorted((a, b) => Number(isFull(b)) - Number(isFull(a)));
  const layersEach = all.map(layersOfLargestPage);
  const repeats = paddedPages
    ? leastPadding(layersEach, layersEach[0] ?? 1)
    : leastPadding(
        layersEach.filter((_, index) => isBalanced(all[index] ?? [])),
        Math.max(
          1,
          ...layersEach.filter(
            (_, index) => isBalanced(all[index] ?? []) && pagesOf(all[index] ?? []).size > 1,
          ),
        ),
      );
  const fullPages = [...pagesOf(all.find(isFull) ?? []).keys()];
  const groups: LayerGroup[] = [];
  all.forEach((members, index) => {
    const [first] = members;
    if (first === undefined) return;
    if (isFull(members)) {
      groups.push({ spec: first.spec, members });
      return;
    }
    const fitted = paddedPages ? withPagesOf(members, fullPages) : members;
    const bySize = [...pagesOf(fitted).values()];
    const count = Math.ceil((layersEach[index] ?? 1) / repeats);
    for (let group = 0; group < count; group++) {
      const own = bySize.flatMap((layers) => layers.filter((_, layer) => layer % count === group));
      const [one] = own;
      if (one !== undefined) groups.push({ spec: one.spec, members: own });
    }
  });
  return groups;
}

/** Bytes of a block of `groups` on some layers where pages of one size share their places. */
export function placesBytes(groups: readonly LayerGroup[], isHeld: (layer: number) => boolean): number {
  const places = new Map<number, number>();
  for (const { members } of groups) {
    for (const [pageBytes, layers] of pagesOf(members.filter(({ layer }) => isHeld(layer)))) {
      places.set(pageBytes, Math.max(places.get(pageBytes) ?? 0, layers.length));
    }
  }
  let bytes = 0;
  for (const [pageBytes, count] of places) bytes += pageBytes * count;
  return bytes;
}

/**
 * Bytes that the start-up test reckons a block with: one page of each size of the full layers, as often as the largest group
 * has layers of one size. Source: as above, `_max_memory_usage_bytes_from_groups`.
 */
export function reckonedBytes(groups: readonly LayerGroup[], isHeld: (layer: number) => boolean): number {
  const held = groups.map(({ members }) => members.filter(({ layer }) => isHeld(layer)));
  let pages = 0;
  for (const pageBytes of pagesOf(held[0] ?? []).keys()) pages += pageBytes;
  return pages * Math.max(0, ...held.map(layersOfLargestPage));
}

function pagesOf(members: readonly PlacedSpec[]): Map<number, PlacedSpec[]> {
  const pages = new Map<number, PlacedSpec[]>();
  for (const one of members) {
    const layers = pages.get(one.spec.pageBytes);
    if (layers === undefined) pages.set(one.spec.pageBytes, [one]);
    else layers.push(one);
  }
  return pages;
}

function layersOfLargestPage(members: readonly PlacedSpec[]): number {
  return Math.max(0, ...[...pagesOf(members).values()].map((layers) => layers.length));
}

function isBalanced(members: readonly PlacedSpec[]): boolean {
  return new Set([...pagesOf(members).values()].map((layers) => layers.length)).size === 1;
}

/** Each page padded to the nearest larger one of the full layers. */
function withPagesOf(members: readonly PlacedSpec[], sizes: readonly number[]): readonly PlacedSpec[] {
  const pool = new SpecPool();
  return members.map(({ layer, spec }) => {
    const larger = sizes.filter((size) => size >= spec.pageBytes);
    const pageBytes = larger.length === 0 ? spec.pageBytes : Math.min(...larger);
    return { layer, spec: pool.intern({ ...spec, pageBytes }) };
  });
}

/** The size of `least` or more that pads the counts least when each is cut into groups of it; the larger of equals. */
function leastPadding(counts: readonly number[], least: number): number {
  let best = Math.max(1, least);
  let bestPadding = Number.POSITIVE_INFINITY;
  for (let size = best; size <= Math.max(best, ...counts); size++) {
    let padding = 0;
    for (const count of counts) padding += (size - (count % size)) % size;
    if (padding <= bestPadding) {
      bestPadding = padding;
      best = size;
    }
  }
  return best;
}
