import { attentionOf, type HeadAttention, type LayerFacts } from '../model/facts.ts';
import { keyValueHeadsPerRank, type PipelineStage } from './pipeline.ts';

/** Layers that share their blocks: all of one kind, at most `layersPerGroup` of them. */
interface CacheGroup {
  /** Window in tokens; null for full attention. */
  readonly windowTokens: number | null;
}

/** How the KV cache of a model is laid out on the ranks of one deployment. */
export interface KvLayout {
  readonly blockSize: number;
  /** Bytes of one block of one layer on a rank. */
  readonly pageBytes: number;
  readonly groups: readonly CacheGroup[];
  /** Bytes of one block over all layers that a stage's ranks hold, a stage. */
  readonly blockBytesByStage: readonly number[];
  /** Tokens beyond its window that a sliding layer keeps while steps are in flight. */
  readonly inFlightTokens: number;
  /** Bytes of one token in all full layers of the fullest stage, before any window. */
  readonly bytesPerToken: number;
}

export interface KvCapacity {
  readonly numBlocks: number;
  readonly blocksPerRequest: number;
  readonly maxConcurrency: number;
  readonly tokens: number;
}

/**
 * Groups layers as vLLM does: one kind makes one group; several kinds make groups of about equal size, the smaller count
 * unless the larger is less than 1.5 times it. Grouped over the whole model, then projected on the stages.
 * Source: vLLM v1/core/kv_cache_utils.py, get_kv_cache_groups and get_kv_cache_config_from_groups.
 */
export function kvLayout(
  layers: readonly LayerFacts[],
  stages: readonly PipelineStage[],
  input: {
    readonly tensorParallelSize: number;
    readonly kvElementBytes: number;
    readonly blockSize: number;
    readonly inFlightTokens: number;
  },
): KvLayout {
  const counts = new Map<number | null, number>();
  for (const layer of layers) {
    const window = windowOf(layer);
    counts.set(window, (counts.get(window) ?? 0) + 1);
  }
  const smallest = Math.min(...counts.values());
  const largest = Math.max(...counts.values());
  const layersPerGroup = largest < 1.5 * smallest ? largest : smallest;

  const groups: CacheGroup[] = [];
  const firstGroup = new Map<number | null, { index: number; count: number; next: number }>();
  for (const [windowTokens, count] of counts) {
    const groupCount = Math.ceil(count / layersPerGroup);
    firstGroup.set(windowTokens, { index: groups.length, count: groupCount, next: 0 });
    for (let index = 0; index < groupCount; index++) groups.push({ windowTokens });
  }

  const attention = headsOf(layers[0]);
  const heads =
    attention === undefined ? 0 : keyValueHeadsPerRank(attention.keyValueHeads, input.tensorParallelSize);
  const bytesPerTokenOfLayer = 2 * heads * (attention?.headSize ?? 0) * input.kvElementBytes;
  const pageBytes = bytesPerTokenOfLayer * input.blockSize;

  const blockBytesByStage: number[] = [];
  let mostLayers = 0;
  for (const stage of stages) {
    const inGroup = new Array<number>(groups.length).fill(0);
    for (let index = stage.first; index < stage.end; index++) {
      const place = firstGroup.get(windowOf(layers[index]));
      if (place === undefined) continue;
      // Layers of a kind are dealt to its groups in turn.
      const group = place.index + (place.next++ % place.count);
      inGroup[group] = (inGroup[group] ?? 0) + 1;
    }
    blockBytesByStage.push(pageBytes * Math.max(1, ...inGroup));
    mostLayers = Math.max(mostLayers, stage.end - stage.first);
  }
  return {
    blockSize: input.blockSize,
    pageBytes,
    groups,
    blockBytesByStage,
    inFlightTokens: input.inFlightTokens,
    bytesPerToken: bytesPerTokenOfLayer * mostLayers,
  };
}

/** Blocks of each group that one request of `length` tokens takes at most, summed over the groups. */
export function blocksPerRequest(layout: KvLayout, length: number): number {
  let blocks = 0;
  for (const { windowTokens } of layout.groups) {
    blocks +=
      windowTokens === null
        ? Math.ceil(length / layout.blockSize)
        : Math.ceil(Math.min(windowTokens - 1 + layout.inFlightTokens, length) / layout.blockSize) + 1;
  }
  return blocks;
}

/** Blocks that the fullest stage has room for. */
export function blocksThatFit(layout: KvLayout, availableByStage: readonly number[]): number {
  let blocks = Number.POSITIVE_INFINITY;
  layout.blockBytesByStage.forEach((bytes, stage) => {
    blocks = Math.min(blocks, Math.floor((availableByStage[stage] ?? 0) / bytes));
  });
  return Number.isFinite(blocks) ? Math.max(0, blocks) : 0;
}

/** "GPU KV cache size" and "Maximum concurrency", as the log derives them from the blocks. */
export function kvCapacity(layout: KvLayout, numBlocks: number, maxModelLen: number): KvCapacity {
  const perRequest = blocksPerRequest(layout, maxModelLen);
  const maxConcurrency = numBlocks / perRequest;
  return {
    numBlocks,
    blocksPerRequest: perRequest,
    maxConcurrency,
    tokens: Math.trunc(maxConcurrency * maxModelLen),
  };
}

/** The longest request that `numBlocks` hold, up to `limit` tokens; 0 where not even one token fits. */
export function largestLength(layout: KvLayout, numBlocks: number, limit: number): number {
  if (blocksPerRequest(layout, 1) > numBlocks) return 0;
  let fits = 1;
  let tooLong = limit + 1;
  while (tooLong - fits > 1) {
    const middle = Math.floor((fits + tooLong) / 2);
    if (blocksPerRequest(layout, middle) <= numBlocks) fits = middle;
    else tooLong = middle;
  }
  return fits;
}

function headsOf(layer: LayerFacts | undefined): HeadAttention | undefined {
  const attention = attentionOf(layer);
  return attention === undefined || attention.kind === 'latent' ? undefined : attention;
}

function windowOf(layer: LayerFacts | undefined): number | null {
  return headsOf(layer)?.windowTokens ?? null;
}
