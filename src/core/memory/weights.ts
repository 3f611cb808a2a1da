import type { LayerFacts, ModelFacts, WeightGroup } from '../model/facts.ts';
import { attentionOf } from '../model/facts.ts';
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
 * and on both ends of a pipeline.
 */
export function rankWeights(model: ModelFacts, stage: PipelineStage, storage: WeightStorage): RankWeights {
  let layersBytes = 0;
  const bytesOfLayer = new Map<LayerFacts, number>();
  for (let index = stage.first; index < stage.end; index++) {
    const layer = model.layers[index];
    if (layer === undefined) break;
    let bytes = bytesOfLayer.get(layer);
    if (bytes === undefined) {
      const keyValueHeads = keyValueHeadsOf(layer);
      bytes = layer.weights.reduce((sum, group) => sum + groupBytes(group, keyValueHeads, storage), 0);
      bytesOfLayer.set(layer, bytes);
    }
    layersBytes += bytes;
  }
  let embeddingBytes = 0;
  let headBytes = 0;
  for (const group of model.outerWeights) {
    if (group.stage === 'first' ? !stage.isFirst : !stage.isLast) continue;
    const bytes =
      group.sharding === 'vocabulary' ? vocabularyBytes(model, storage) : groupBytes(group, 1, storage);
    if (group.kind === 'embedding' || group.kind === 'positionEmbedding') embeddingBytes += bytes;
    else if (group.kind === 'head') headBytes += bytes;
    else layersBytes += bytes;
  }
  if (model.tiedEmbeddings && stage.isLast && !stage.isFirst) headBytes += vocabularyBytes(model, storage);
  const rotaryBytes = model.rotarySize * model.maxPositionEmbeddings * storage.elementBytes;
  return {
    bytes: layersBytes + embeddingBytes + headBytes + rotaryBytes,
    layersBytes,
    embeddingBytes,
    headBytes,
    rotaryBytes,
  };
}

function groupBytes(group: WeightGroup, keyValueHeads: number, storage: WeightStorage): number {
  const { tensorParallelSize, linearBytes, elementBytes } = storage;
  const bytes = group.count * (group.matrix ? linearBytes : elementBytes);
  if (group.sharding === 'replicated') return bytes;
  if (group.sharding === 'kv-heads') {
    return bytes * (keyValueHeadsPerRank(keyValueHeads, tensorParallelSize) / keyValueHeads);
  }
  return bytes / tensorParallelSize;
}

function keyValueHeadsOf(layer: LayerFacts): number {
  const attention = attentionOf(layer);
  return attention === undefined || attention.kind === 'latent' ? 1 : attention.keyValueHeads;
}

function vocabularyBytes(model: ModelFacts, { elementBytes, tensorParallelSize }: WeightStorage): number {
  return (paddedVocabulary(model.vocabularySize) * model.hiddenSize * elementBytes) / tensorParallelSize;
}

export function paddedVocabulary(size: number): number {
  return Math.ceil(size / VOCABULARY_PADDING) * VOCABULARY_PADDING;
}
