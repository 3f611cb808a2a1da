import type { LayerFacts, ModelFacts, WeightGroup } from '../model/facts.ts';
import { attentionOf } from '../model/facts.ts';
import { layerGroups } from './layerGroups.ts';
import { keyValueHeadsPerRank, type PipelineStage } from './pipeline.ts';
import { isUnconverted } from './unconverted.ts';

/** How weights are stored and shared by the ranks of one deployment. Bytes are of one element. */
export interface WeightStorage {
  readonly elementBytes: number;
  /** Of a weight of a linear layer, scales included; the same as `elementBytes` where nothing is quantised. */
  readonly linearBytes: number;
  /** Of a weight of an expert, where it is stored otherwise than linear layers. */
  readonly expertBytes?: number;
  readonly tensorParallelSize: number;
  /** Ranks that the experts are shared over: tensor x data parallel. Default: the tensor-parallel ones. */
  readonly expertRanks?: number;
  /** True where a rank has whole experts, not an equal part of each. */
  readonly wholeExperts?: boolean;
  /** An expert's width on a rank is padded to a multiple of this: kernels of 4-bit floats. */
  readonly expertWidthMultiple?: number;
  /** The hidden width of experts is padded to a multiple of this. */
  readonly expertHiddenMultiple?: number;
  /** False where the encoder of images and sound is not loaded. Default true. */
  readonly encoder?: boolean;
  /** True where each rank has the whole encoder. */
  readonly encoderReplicated?: boolean;
  /** Rows that LoRA adapters may add to the vocabulary. */
  readonly extraVocabulary?: number;
  /** What the rows of the vocabulary are padded to a multiple of. Default 64. */
  readonly vocabularyMultiple?: number;
}

export interface RankWeights {
  /** Everything below together. */
  readonly bytes: number;
  readonly layersBytes: number;
  /** What of `layersBytes` is experts. */
  readonly expertsBytes: number;
  readonly embeddingBytes: number;
  readonly headBytes: number;
  /** Encoders of images and sound; 0 where they are not loaded. */
  readonly encoderBytes: number;
  /** The rotary position table: context x head size. */
  readonly rotaryBytes: number;
}

const VOCABULARY_PADDING = 64;

/**
 * Weights of one rank of a stage. Linear layers are split over the tensor-parallel ranks, keys and values at least one head
 * each; norms are repeated; experts are split, or dealt out whole; the vocabulary is padded to a multiple of 64 and split; a tied
 * head is stored once on a single stage and on both ends of a pipeline.
 */
export function rankWeights(model: ModelFacts, stage: PipelineStage, storage: WeightStorage): RankWeights {
  let layersBytes = 0;
  let expertsBytes = 0;
  for (const { layer, count } of layerGroups(model, stage)) {
    const keyValueHeads = keyValueHeadsOf(layer);
    for (const group of layer.weights) {
      if (group.sharding === 'experts') {
        expertsBytes += count * expertBytes(model, layer, group, storage);
      } else {
        layersBytes += count * groupBytes(model, group, keyValueHeads, storage);
      }
    }
  }
  layersBytes += expertsBytes;
  let embeddingBytes = 0;
  let headBytes = 0;
  let encoderBytes = 0;
  for (const group of model.outerWeights) {
    if (group.stage === 'first' ? !stage.isFirst : !stage.isLast) continue;
    const encodes = group.kind === 'vision' || group.kind === 'audio';
    if (encodes && storage.encoder === false) continue;
    const bytes =
      group.sharding === 'vocabulary'
        ? vocabularyBytes(model, storage) * headPart(model, group, storage)
        : encodes && storage.encoderReplicated
          ? group.count * storage.elementBytes
          : groupBytes(model, group, 1, storage);
    if (encodes) encoderBytes += bytes;
    else if (group.kind === 'embedding' || group.kind === 'positionEmbedding') embeddingBytes += bytes;
    else if (group.kind === 'head') headBytes += bytes;
    else layersBytes += bytes;
  }
  if (model.tiedEmbeddings && stage.isLast && !stage.isFirst) headBytes += vocabularyBytes(model, storage);
  const rotaryBytes = model.rotarySize * model.maxPositionEmbeddings * storage.elementBytes;
  return {
    bytes: layersBytes + embeddingBytes + headBytes + encoderBytes + rotaryBytes,
    layersBytes,
    expertsBytes,
    embeddingBytes,
    headBytes,
    encoderBytes,
    rotaryBytes,
  };
}

/** What a head's weight takes of one that is not quantised: few checkpoints quantise it. */
function headPart(
  model: ModelFacts,
  group: WeightGroup,
  { linearBytes, elementBytes }: WeightStorage,
): number {
  const quantized = group.kind === 'head' && model.quantization?.includesHead === true;
  return quantized && !isUnconverted(model, group) ? linearBytes / elementBytes : 1;
}

/** Bytes of weights that stand alone, one rank: the heads that predict further tokens. */
export function groupsBytes(
  model: ModelFacts,
  groups: readonly WeightGroup[],
  storage: WeightStorage,
): number {
  const [layer] = model.layers;
  const keyValueHeads = layer === undefined ? 1 : keyValueHeadsOf(layer);
  let bytes = 0;
  for (const group of groups) {
    bytes +=
      group.sharding === 'vocabulary'
        ? vocabularyBytes(model, storage)
        : group.sharding === 'experts' && layer !== undefined
          ? expertBytes(model, layer, group, storage)
          : groupBytes(model, group, keyValueHeads, storage);
  }
  return bytes;
}

function groupBytes(
  model: ModelFacts,
  group: WeightGroup,
  keyValueHeads: number,
  storage: WeightStorage,
): number {
  const { tensorParallelSize, linearBytes, elementBytes } = storage;
  const converted = group.matrix && linearBytes !== elementBytes && !isUnconverted(model, group);
  const bytes = group.count * (converted ? linearBytes : elementBytes);
  if (group.sharding === 'replicated') return bytes;
  if (group.sharding === 'kv-heads') {
    return bytes * (keyValueHeadsPerRank(keyValueHeads, tensorParallelSize) / keyValueHeads);
  }
  return bytes / tensorParallelSize;
}

function expertBytes(
  model: ModelFacts,
  { feedForward }: LayerFacts,
  group: WeightGroup,
  storage: WeightStorage,
): number {
  const { tensorParallelSize, elementBytes, linearBytes } = storage;
  const ranks = storage.expertRanks ?? tensorParallelSize;
  const converted = group.matrix && linearBytes !== elementBytes && !isUnconverted(model, group);
  const bytes = group.count * (converted ? (storage.expertBytes ?? linearBytes) : elementBytes);
  if (feedForward.kind !== 'experts') return bytes / ranks;
  const { experts, width } = feedForward;
  const part = storage.wholeExperts ? Math.ceil(experts / ranks) / experts : 1 / ranks;
  if (!converted) return bytes * part;
  const rankWidth = storage.wholeExperts ? width : width / ranks;
  const { expertWidthMultiple, expertHiddenMultiple } = storage;
  return (
    bytes *
    part *
    paddedPart(rankWidth, expertWidthMultiple) *
    paddedPart(model.hiddenSize, expertHiddenMultiple)
  );
}

function paddedPart(width: number, multiple = 1): number {
  return (Math.ceil(width / multiple) * multiple) / width;
}

function keyValueHeadsOf(layer: LayerFacts): number {
  const attention = attentionOf(layer);
  return attention === undefined || attention.kind === 'latent' ? 1 : attention.keyValueHeads;
}

function vocabularyBytes(model: ModelFacts, storage: WeightStorage): number {
  const { extraVocabulary = 0, vocabularyMultiple } = storage;
  const rows =
    paddedVocabulary(model.vocabularySize, vocabularyMultiple) +
    paddedVocabulary(extraVocabulary, vocabularyMultiple);
  return (rows * model.hiddenSize * storage.elementBytes) / storage.tensorParallelSize;
}

export function paddedVocabulary(size: number, multiple = VOCABULARY_PADDING): number {
  return Math.ceil(size / multiple) * multiple;
}
