import type { EstimateRequest } from '../../estimate/types.ts';
import { stateBytes } from '../../memory/kv/stateBytes.ts';
import { type LayerGroup, layerGroups } from '../../memory/layerGroups.ts';
import { keyValueHeadsPerRank, type PipelineStage } from '../../memory/pipeline.ts';
import { type RankWeights, rankWeights } from '../../memory/weights.ts';
import { loadedBytes } from '../../model/checkpoint.ts';
import { attentionOf, type FeedForward, isAttention, type TokenMixer } from '../../model/facts.ts';
import { weightBlockBytes } from './allocatorBlocks.ts';
import { HELD_PART, HELD_PART_HIGH, WORKSPACE_BYTES } from './observed.ts';
import type { ResolvedStaticBatch } from './resolve.ts';

/** What a rank of one stage takes for each request of the batch; nothing here depends on the batch. Bytes. */
export interface SequenceMemory {
  /** Cache of the prompt, and of prompt and new tokens. */
  readonly promptCacheBytes: number;
  readonly cacheBytes: number;
  /** The largest buffer that a step copies: keys of one layer at full length. 0 where no step follows the prefill. */
  readonly grownBufferBytes: number;
  /** Widest moment of the prefill. */
  readonly activationBytes: number;
  /** Logits that are kept at the end; 0 on all but the last stage. */
  readonly logitsBytes: number;
  /** Token ids and the attention mask, 8 bytes each. */
  readonly maskBytes: number;
}

/** Weights of a rank of one stage. */
export interface StageWeights {
  /** As torch counts them. */
  readonly bytes: number;
  /** What of `bytes` is the rest of blocks that are not given back. */
  readonly blockBytes: number;
  readonly weights: RankWeights;
}

/** A rank of one stage at one batch. Bytes. */
export interface BatchMemory {
  readonly cacheBytes: number;
  readonly logitsBytes: number;
  /** What torch has allocated once all tokens are there: weights and workspace included. */
  readonly allocatedBytes: number;
  readonly peakBytes: number;
  /** What torch's allocator has taken from the GPU, with its band. */
  readonly reservedBytes: number;
  readonly reservedHighBytes: number;
  /** True where the peak is the prefill's, not the last step's. */
  readonly peaksInPrefill: boolean;
}

/** Weights of a rank, without padding and position tables, which these programs do not keep, in the allocator's blocks. */
export function stageWeightBytes(
  request: EstimateRequest,
  resolved: ResolvedStaticBatch,
  stage: PipelineStage,
): StageWeights {
  const { model } = request;
  const weights = rankWeights(model, stage, {
    elementBytes: resolved.elementBytes,
    linearBytes: resolved.linearBytes,
    tensorParallelSize: resolved.tensorParallelSize,
    vocabularyMultiple: 1,
  });
  const counted = weights.bytes - weights.rotaryBytes;
  const stored =
    request.weightsBytes ?? (model.checkpoint === undefined ? undefined : loadedBytes(model.checkpoint));
  const whole = stored === undefined ? 0 : storedBytes(request);
  const tensorBytes = stored === undefined ? counted : whole > 0 ? stored * (counted / whole) : stored;
  const blockBytes = request.weightsBytes === undefined ? weightBlockBytes(model, resolved, stage) : 0;
  return { bytes: tensorBytes + blockBytes, blockBytes, weights };
}

/** Bytes of the whole model as its checkpoint stores it, by the formula. */
function storedBytes({ model }: EstimateRequest): number {
  const elementBytes = model.dataType === 'float32' ? 4 : 2;
  const whole: PipelineStage = { first: 0, end: model.layers.length, isFirst: true, isLast: true };
  const { bytes, rotaryBytes } = rankWeights(model, whole, {
    elementBytes,
    linearBytes: model.quantization?.bytesPerWeight ?? elementBytes,
    tensorParallelSize: 1,
    vocabularyMultiple: 1,
  });
  return bytes - rotaryBytes;
}

export function sequenceMemory(
  { model }: EstimateRequest,
  resolved: ResolvedStaticBatch,
  stage: PipelineStage,
): SequenceMemory {
  const { promptTokens, newTokens, elementBytes } = resolved;
  const tokens = promptTokens + newTokens;
  const groups = layerGroups(model, stage);
  let activationBytes = 0;
  let grown = 0;
  for (const { layer } of groups) {
    activationBytes = Math.max(
      activationBytes,
      layerActivationBytes(model.hiddenSize, layer.feedForward, resolved) +
        scoreBytes(attentionOf(layer)?.queryHeads ?? 0, resolved),
    );
    for (const mixer of layer.mixers) grown = Math.max(grown, keyBytes(mixer, tokens, resolved));
  }
  const logits = stage.isLast ? model.vocabularySize * elementBytes : 0;
  if (resolved.allLogits && stage.isLast) {
    // Of every position, and once more in float32.
    activationBytes = Math.max(
      activationBytes,
      promptTokens * model.vocabularySize * (elementBytes === 4 ? 4 : elementBytes + 4),
    );
  }
  return {
    promptCacheBytes: cacheBytes(groups, promptTokens, resolved),
    cacheBytes: cacheBytes(groups, tokens, resolved),
    grownBufferBytes: newTokens > 1 ? grown : 0,
    activationBytes,
    logitsBytes: logits,
    maskBytes: (promptTokens + 1) * 8,
  };
}

/** A stage's rank with `batch` requests, by the larger of its two peaks: the widest layer of the prefill, or the last step's copy. */
export function batchMemory(
  weightBytes: number,
  sequence: SequenceMemory,
  batch: number,
  decodes: boolean,
): BatchMemory {
  const resident = weightBytes + WORKSPACE_BYTES;
  const cache = batch * sequence.cacheBytes;
  const logits = batch * sequence.logitsBytes;
  const end = cache + logits + batch * sequence.maskBytes;
  const prefill = batch * (sequence.promptCacheBytes + sequence.activationBytes + sequence.maskBytes);
  const lastStep = end + batch * sequence.grownBufferBytes;
  const peak = Math.max(prefill, lastStep);
  const held = (part: { readonly cache: number; readonly activations: number }) =>
    decodes ? part.cache * cache + part.activations * batch * sequence.activationBytes : 0;
  const reserved = Math.max(peak, held(HELD_PART));
  return {
    cacheBytes: cache,
    logitsBytes: logits,
    allocatedBytes: resident + end,
    peakBytes: resident + peak,
    reservedBytes: resident + reserved,
    reservedHighBytes: resident + Math.max(reserved, held(HELD_PART_HIGH)),
    peaksInPrefill: prefill > lastStep,
  };
}

/** Keys and values of a token on a rank, over all layers of the stage. */
export function cacheBytesPerToken(groups: readonly LayerGroup[], resolved: ResolvedStaticBatch): number {
  let bytes = 0;
  for (const { layer, count } of groups) {
    for (const mixer of layer.mixers) bytes += count * rowBytes(mixer, resolved);
  }
  return bytes;
}

function cacheBytes(groups: readonly LayerGroup[], tokens: number, resolved: ResolvedStaticBatch): number {
  let bytes = 0;
  for (const { layer, count } of groups) {
    for (const mixer of layer.mixers) {
      if (isAttention(mixer)) {
        bytes += count * rowBytes(mixer, resolved) * Math.min(tokens, windowOf(mixer));
      } else {
        bytes +=
          count *
          stateBytes(mixer, {
            tensorParallelSize: resolved.tensorParallelSize,
            modelElementBytes: resolved.elementBytes,
            followsFile: true,
            draftTokens: 0,
            everyConvKeepsDrafts: false,
          });
      }
    }
  }
  return bytes;
}

/** Source: transformers cache_utils.py, `DynamicCache`: layers with a window keep no more than it. */
function windowOf(mixer: TokenMixer): number {
  return isAttention(mixer) ? (mixer.windowTokens ?? Number.MAX_SAFE_INTEGER) : 0;
}

/** Latent attention is cached as the keys and values of all its heads: transformers models/deepseek_v3. */
function rowBytes(mixer: TokenMixer, { tensorParallelSize, elementBytes }: ResolvedStaticBatch): number {
  if (!isAttention(mixer)) return 0;
  if (mixer.kind === 'latent') {
    const heads = keyValueHeadsPerRank(mixer.queryHeads, tensorParallelSize);
    return heads * (mixer.headSize + mixer.rotarySize + mixer.valueHeadSize) * elementBytes;
  }
  if (mixer.sharesCache === true) return 0;
  const heads = keyValueHeadsPerRank(mixer.keyValueHeads, tensorParallelSize);
  return heads * (mixer.headSize + (mixer.valueHeadSize ?? mixer.headSize)) * elementBytes;
}

function keyBytes(mixer: TokenMixer, tokens: number, resolved: ResolvedStaticBatch): number {
  if (!isAttention(mixer)) return 0;
  const values = mixer.valueHeadSize ?? mixer.headSize;
  const keys = mixer.kind === 'latent' ? mixer.headSize + mixer.rotarySize : mixer.headSize;
  const part = Math.max(keys, values) / (keys + values);
  return rowBytes(mixer, resolved) * part * Math.min(tokens, windowOf(mixer));
}

/**
 * Widest moment of a layer over a whole prompt: gate, up and their product, the hidden state four times. Within 0.1 % of the recorded
 * peaks of Llama-3.1-8B.
 */
function layerActivationBytes(
  hiddenSize: number,
  feedForward: FeedForward,
  { promptTokens, elementBytes, tensorParallelSize }: ResolvedStaticBatch,
): number {
  const matrices = feedForward.kind !== 'none' && feedForward.gated ? 3 : 2;
  const [width, hiddenCopies] =
    feedForward.kind === 'none'
      ? [0, 4]
      : feedForward.kind === 'dense'
        ? [feedForward.width, 4]
        : [
            feedForward.activeExperts * feedForward.width + feedForward.sharedWidth,
            4 + feedForward.activeExperts,
          ];
  const elements = (matrices * width) / tensorParallelSize + hiddenCopies * hiddenSize;
  return promptTokens * elements * elementBytes;
}

/** Eager attention: scores, their softmax in float32, and that cast back. */
function scoreBytes(
  queryHeads: number,
  { eagerAttention, promptTokens, elementBytes, tensorParallelSize }: ResolvedStaticBatch,
): number {
  if (!eagerAttention) return 0;
  return (queryHeads / tensorParallelSize) * promptTokens ** 2 * (2 * elementBytes + 4);
}
