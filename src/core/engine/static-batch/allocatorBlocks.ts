import { layerGroups } from '../../memory/layerGroups.ts';
import type { PipelineStage } from '../../memory/pipeline.ts';
import { isAttention, type LayerFacts, type ModelFacts } from '../../model/facts.ts';
import { MiB } from '../../units.ts';
import type { ResolvedStaticBatch } from './resolve.ts';

/**
 * What torch's allocator counts as allocated beside a tensor: from 10 MiB on it takes whole blocks of 2 MiB, and gives back the rest
 * of the last only where that is more than 1 MiB (c10/cuda/CUDACachingAllocator.cpp: kMinLargeAlloc, kRoundLarge, kSmallSize).
 */
export function blockRestBytes(tensorBytes: number): number {
  if (tensorBytes < 10 * MiB) return 0;
  const rest = Math.ceil(tensorBytes / (2 * MiB)) * 2 * MiB - tensorBytes;
  return rest > MiB ? 0 : rest;
}

/** The same over the matrices of a stage's attentions and dense MLPs, one rank; other weights' shapes are not known here. */
export function weightBlockBytes(
  model: ModelFacts,
  { elementBytes, linearBytes, tensorParallelSize }: ResolvedStaticBatch,
  stage: PipelineStage,
): number {
  // Quantised matrices are packed in shapes of their own.
  if (linearBytes !== elementBytes) return 0;
  const rankBytes = elementBytes / tensorParallelSize;
  let bytes = 0;
  for (const { layer, count } of layerGroups(model, stage)) {
    for (const width of matrixWidths(layer))
      bytes += count * blockRestBytes(model.hiddenSize * width * rankBytes);
  }
  return bytes;
}

/** The side of each matrix of a layer that is not the hidden size. */
function matrixWidths({ mixers, feedForward }: LayerFacts): number[] {
  const attention = mixers.flatMap((mixer) => {
    if (!isAttention(mixer) || mixer.kind === 'latent') return [];
    const { queryHeads, keyValueHeads, headSize } = mixer;
    const [query, keyValue] = [queryHeads * headSize, keyValueHeads * headSize];
    return [query, keyValue, keyValue, query];
  });
  if (feedForward.kind !== 'dense') return attention;
  return [...attention, ...Array<number>(feedForward.gated ? 3 : 2).fill(feedForward.width)];
}
