import { longestThatFits } from '../../longestThatFits.ts';
import type { CacheSpec } from './cacheSpec.ts';
import type { KvLayout } from './layout.ts';

export interface KvCapacity {
  readonly numBlocks: number;
  readonly blocksPerRequest: number;
  /** "Maximum concurrency". */
  readonly maxConcurrency: number;
  /** "GPU KV cache size". */
  readonly tokens: number;
}

/**
 * Blocks that one request of `length` tokens takes at most, summed over the groups.
 * `inFlightTokens`: tokens of steps that are not yet settled, which windows and chunks keep beyond themselves.
 * Source: vLLM v1/kv_cache_interface.py, `max_memory_usage_bytes` of each spec.
 */
export function blocksPerRequest(layout: KvLayout, length: number, inFlightTokens: number): number {
  let blocks = 0;
  for (const spec of layout.groups)
    blocks += blocksOf(spec, length, inFlightTokens, layout.contextParallelSize);
  return blocks;
}

function blocksOf(
  spec: CacheSpec,
  length: number,
  inFlightTokens: number,
  contextParallelSize: number,
): number {
  const window = spec.windowTokens ?? 0;
  switch (spec.kind) {
    case 'full':
      return Math.ceil(Math.ceil(length / contextParallelSize) / spec.blockTokens);
    case 'sliding-window':
      // A window need not begin where a block does: one block more.
      return Math.ceil(Math.min(window - 1 + inFlightTokens, length) / spec.blockTokens) + 1;
    case 'chunked':
      return Math.ceil(Math.min(window + inFlightTokens, length) / spec.blockTokens);
    case 'state':
      return spec.fixedBlocks ?? Math.ceil(length / spec.blockTokens);
  }
}

/** Blocks that the fullest stage has room for: the smallest count of any rank. */
export function blocksThatFit(layout: KvLayout, availableByStage: readonly number[]): number {
  return fewest(layout.blockBytesByStage, availableByStage);
}

function fewest(bytesByStage: readonly number[], availableByStage: readonly number[]): number {
  let blocks = Number.POSITIVE_INFINITY;
  bytesByStage.forEach((bytes, stage) => {
    if (bytes > 0) blocks = Math.min(blocks, Math.floor((availableByStage[stage] ?? 0) / bytes));
  });
  return Number.isFinite(blocks) ? Math.max(0, blocks) : 0;
}

/** "GPU KV cache size" and "Maximum concurrency", as the log derives them from the blocks. */
export function kvCapacity(
  layout: KvLayout,
  numBlocks: number,
  maxModelLen: number,
  inFlightTokens: number,
): KvCapacity {
  const perRequest = blocksPerRequest(layout, maxModelLen, inFlightTokens);
  const { rules, groups, contextParallelSize } = layout;
  const evenTokens =
    Math.floor(numBlocks / Math.max(1, groups.length)) *
    Math.min(layout.smallestBlockTokens, maxModelLen) *
    contextParallelSize;
  const maxConcurrency =
    rules.concurrencyFrom === 'tokens'
      ? evenTokens / maxModelLen
      : numBlocks /
        Math.max(
          1,
          rules.concurrencyFrom === 'bytes'
            ? firstGroupBlocks(layout, maxModelLen, inFlightTokens)
            : perRequest,
        );
  return {
    numBlocks,
    blocksPerRequest: perRequest,
    maxConcurrency,
    tokens: rules.tokensFrom === 'blocks' ? evenTokens : Math.trunc(maxConcurrency * maxModelLen),
  };
}

/** A request's bytes in blocks of the first group: its blocks, unless groups have pages of unlike sizes. */
function firstGroupBlocks(layout: KvLayout, length: number, inFlightTokens: number): number {
  const [first = 0] = layout.groupBytes;
  if (layout.reckonedBytesByStage === layout.blockBytesByStage || first === 0) {
    return blocksPerRequest(layout, length, inFlightTokens);
  }
  let bytes = 0;
  layout.groups.forEach((spec, group) => {
    bytes +=
      blocksOf(spec, length, inFlightTokens, layout.contextParallelSize) * (layout.groupBytes[group] ?? 0);
  });
  return Math.ceil(bytes / first);
}

/** Bytes that one request of `length` tokens needs on a rank of a stage, as the start-up test reckons them. */
export function requestBytes(
  layout: KvLayout,
  stage: number,
  length: number,
  inFlightTokens: number,
): number {
  if (layout.rules.fitFrom === 'groups') {
    return blocksPerRequest(layout, length, inFlightTokens) * (layout.reckonedBytesByStage[stage] ?? 0);
  }
  let bytes = 0;
  for (const [spec, count] of layout.layersByStage[stage] ?? []) {
    bytes += count * spec.pageBytes * blocksOf(spec, length, inFlightTokens, layout.contextParallelSize);
  }
  return bytes;
}

/**
 * The longest request, up to `limit` tokens, that fits into the bytes of each stage; 0 where not even one token does: the engine's
 * "estimated maximum model length". Source: vLLM v1/core/kv_cache_utils.py, `_estimate_max_model_len_from_groups`; up to 0.13
 * `estimate_max_model_len`.
 */
export function largestLength(
  layout: KvLayout,
  availableByStage: readonly number[],
  limit: number,
  inFlightTokens: number,
): number {
  const [only] = layout.groups;
  if (layout.groups.length === 1 && only?.kind === 'full' && layout.rules.fitFrom === 'groups') {
    const blocks = fewest(layout.reckonedBytesByStage, availableByStage);
    return Math.max(0, Math.min(limit, blocks * only.blockTokens * layout.contextParallelSize));
  }
  return longestThatFits(limit, (length) =>
    layout.reckonedBytesByStage.every(
      (_, stage) => requestBytes(layout, stage, length, inFlightTokens) <= (availableByStage[stage] ?? 0),
    ),
  );
}
