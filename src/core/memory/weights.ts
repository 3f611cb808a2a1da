import type { ModelFacts } from '../model/facts.ts';
import { keyValueHeadsPerRank, type PipelineStage } from './pipeline.ts';

/** How weights are stored. Bytes are of one element. */
export interface WeightStorage {
  readonly elementBytes: number;
  /** Of a weight of a linear layer, scales included; the same as `elementBytes` where nothing is quantised. */
  readonly linearBytes: number;
  readonly tensorParallelSize: number;
}

export interface RankWeights {
  /** Everything below together. */
  readonly bytes: number;
  readonly layersBytes: number;
  readonly embeddingBytes: number;
  readonly headBytes: number;
  /** The rotary position table: context x head size. */
  readonly rotaryBytes: number;
}

const VOCABULARY_PADDING = 64;

/**
 * Weights of one rank of a stage. Linear layers are split over the tensor-parallel ranks, keys and values at least one head
 * each; norms are repeated; the vocabulary is padded to a multiple of 64 and split; a tied head is stored once on a single stage
 * and on both ends of a pipeline. Biases are taken with their matrix.
 */
export function rankWeights(model: ModelFacts, stage: PipelineStage, storage: WeightStorage): RankWeights {
  const { tensorParallelSize, elementBytes, linearBytes } = storage;
  let linear = 0;
  let norms = 0;
  for (let index = stage.first; index < stage.end; index++) {
    const layer = model.layers[index];
    if (layer === undefined) break;
    const { keyValueHeads, headSize } = layer.attention;
    const keysAndValues = 2 * model.hiddenSize * keyValueHeads * headSize;
    const heads = keyValueHeadsPerRank(keyValueHeads, tensorParallelSize);
    linear +=
      (layer.parameters.attention - keysAndValues + layer.parameters.mlp) / tensorParallelSize +
      keysAndValues * (heads / keyValueHeads);
    norms += layer.parameters.norms;
  }
  const padded = paddedVocabulary(model.vocabularySize);
  const vocabularyBytes = (padded * model.hiddenSize * elementBytes) / tensorParallelSize;
  const sharesEmbedding = model.tiedEmbeddings && stage.isFirst;
  const embeddingBytes = stage.isFirst
    ? vocabularyBytes + model.parameters.positionEmbedding * elementBytes
    : 0;
  const headBytes = stage.isLast && !sharesEmbedding ? vocabularyBytes : 0;
  const headSize = model.layers[0]?.attention.headSize ?? 0;
  const rotaryBytes =
    model.parameters.positionEmbedding > 0 ? 0 : model.maxPositionEmbeddings * headSize * elementBytes;
  const finalNorm = stage.isLast ? model.hiddenSize : 0;
  const layersBytes = linear * linearBytes + (norms + finalNorm) * elementBytes;
  return {
    bytes: layersBytes + embeddingBytes + headBytes + rotaryBytes,
    layersBytes,
    embeddingBytes,
    headBytes,
    rotaryBytes,
  };
}

export function paddedVocabulary(size: number): number {
  return Math.ceil(size / VOCABULARY_PADDING) * VOCABULARY_PADDING;
}
