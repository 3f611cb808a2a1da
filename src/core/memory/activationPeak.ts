import {
  type FeedForward,
  type HeadAttention,
  isAttention,
  type LatentAttention,
  type LayerFacts,
  type ModelFacts,
} from '../model/facts.ts';
import { layerGroups } from './layerGroups.ts';
import { keyValueHeadsPerRank, type PipelineStage } from './pipeline.ts';
import { paddedVocabulary } from './weights.ts';

/** How the peak of an engine's profile run grows. Bytes. */
export interface PeakCoefficients {
  /** Copies of the hidden states beside a layer's widest matrices, where it has two norms. Each further norm holds one more. */
  readonly residualCopies: number;
  /** The matrix library's own; not there where every matrix is quantised. */
  readonly workspaceBytes: number;
  /** Beside a layer where the model is compiled for the first time: a buffer as large as the GPU's cache, which the timing of kernels clears. */
  readonly compiledBytes: number;
  /** Bytes that the sampler's warm-up takes for each of R x vocabulary logits. */
  readonly samplerBytesPerLogit: number;
  /** At the upper end of the band, where it is not known. */
  readonly samplerBytesPerLogitHigh?: number;
  /** Of the sampler's kernel, for each of min(multiprocessors, R) x vocabulary. */
  readonly samplerBufferBytesPerProcessor: number;
  /** Part of the estimate by which the band is at least this wide. */
  readonly relativeBand: number;
}

/** The profile run that is asked about. `T = maxNumBatchedTokens`, `S = maxNumSeqs`. */
export interface PeakInput {
  readonly maxNumBatchedTokens: number;
  readonly maxNumSeqs: number;
  readonly maxModelLen: number;
  readonly blockSize: number;
  readonly tensorParallelSize: number;
  readonly dataParallelSize: number;
  readonly wholeExperts: boolean;
  /** False for kernels that keep no workspace between layers. */
  readonly keepsExpertWorkspace: boolean;
  readonly elementBytes: number;
  /** False where nothing is compiled. */
  readonly compiled: boolean;
  /** True where every matrix of a layer is quantised. */
  readonly quantized: boolean;
  readonly multiprocessors: number;
  readonly stage: PipelineStage;
}

export type PeakPhase = 'mlp' | 'attention' | 'state' | 'sampler' | 'compilation';

export interface ActivationPeak {
  readonly bytes: number;
  readonly lowBytes: number;
  readonly highBytes: number;
  /** Which phase of the profile run is the largest. */
  readonly phase: PeakPhase;
  /** What of `bytes` is the experts' workspace. */
  readonly expertWorkspaceBytes: number;
}

/** Tokens that the experts' kernels take at once: VLLM_FUSED_MOE_CHUNK_SIZE. */
const EXPERT_CHUNK_TOKENS = 32_768;
/** Context tokens whose keys and values latent attention expands at once, at most: 64 Ki. */
const LATENT_CHUNK_TOKENS = 65_536;

/**
 * The transient peak of the profile run: the experts' workspace, which stays, and beside it the largest of the phases. *MLP*: T
 * tokens through the widest layer. *Attention*: its projections, and over latents the keys and values of
 * a workspace for long contexts. *State*: projections and
 * convolution of a gated delta layer. *Sampler*: R = min(S, T) rows of logits, on the last stage only. *Compilation*, the first time:
 * an example of every input of the first graph, the embedding among them.
 * Each closed form is met by the recorded starts (test/fixtures/vllm-0.26-h100/peaks.jsonl). Sources: vLLM
 * v1/worker/gpu_model_runner.py and gpu/model_runner.py, profile_run and _dummy_sampler_run; layers/fused_moe, workspace_shapes of
 * the Triton experts; v1/attention/backends/mla/common.py, chunked_prefill_workspace_size.
 */
export function activationPeak(model: ModelFacts, peak: PeakCoefficients, input: PeakInput): ActivationPeak {
  const { maxNumBatchedTokens: tokens, elementBytes, tensorParallelSize, stage } = input;
  const hidden = elementBytes * tokens * model.hiddenSize;
  const workspace = input.quantized ? 0 : peak.workspaceBytes;
  // A stage that is not the only one also holds the hidden states and residual that travel between stages.
  const travelling = stage.isFirst && stage.isLast ? 0 : 2;
  const elements = (count: number) => (elementBytes * tokens * count) / tensorParallelSize;

  let expertBytes = 0;
  let expertLayers = 0;
  let dense = 0;
  let withExperts = 0;
  let attention = 0;
  let state = 0;
  for (const { layer, count } of layerGroups(model, stage)) {
    const { feedForward } = layer;
    const copies = peak.residualCopies + travelling;
    const residuals = copies * hidden + workspace;
    if (feedForward.kind === 'experts') {
      expertLayers += count;
      const shared = elements(feedForward.sharedWidth * (feedForward.gated ? 3 : 2));
      // Kernels without a workspace of their own still make each expert's output.
      const outputs = elements(feedForward.activeExperts * (feedForward.width + model.hiddenSize)) + hidden;
      withExperts = Math.max(withExperts, (input.keepsExpertWorkspace ? shared : outputs) + residuals);
      if (input.keepsExpertWorkspace) {
        expertBytes = Math.max(expertBytes, expertWorkspace(model, feedForward, input));
      }
    } else if (feedForward.kind === 'dense' && !feedForward.gated) {
      // A plain activation is computed beside its input and output; the layer's input is gone then.
      dense = Math.max(dense, elements(3 * feedForward.width) + residuals - hidden);
    } else {
      const width = feedForward.kind === 'dense' ? 3 * feedForward.width : 0;
      dense = Math.max(dense, elements(width) + residuals + furtherNorms(model, layer) * hidden);
    }
    for (const mixer of layer.mixers) {
      if (mixer.kind === 'gated-delta') {
        const keys = mixer.keyHeads * mixer.keyHeadSize;
        const values = mixer.valueHeads * mixer.valueHeadSize;
        const widest = 2 * keys + 2 * values + 4 * (2 * keys + values) + values + 4 * mixer.valueHeads;
        state = Math.max(state, elements(widest) + hidden + workspace);
      } else if (isAttention(mixer)) {
        attention = Math.max(attention, attentionBytes(model, layer, mixer, input) + residuals);
      }
    }
  }
  const rows = Math.min(input.maxNumSeqs, tokens);
  const processors = Math.min(input.multiprocessors, rows);
  // Soft-capped logits are there twice.
  const cappedBytes = softCapped.has(model.modelType) ? elementBytes : 0;
  const sampler = (bytesPerLogit: number) =>
    stage.isLast
      ? (bytesPerLogit + cappedBytes) * rows * model.vocabularySize +
        hidden +
        elementBytes * rows * model.hiddenSize +
        peak.samplerBufferBytesPerProcessor * processors * model.vocabularySize +
        peak.workspaceBytes
      : 0;
  const embedding =
    (elementBytes * paddedVocabulary(model.vocabularySize) * model.hiddenSize) / tensorParallelSize;
  const examples = embedding + 2 * hidden + (input.quantized ? peak.workspaceBytes : 0);
  const compilation = input.compiled && stage.isFirst ? examples : 0;
  const cold = input.compiled ? peak.compiledBytes : 0;
  // Dense layers come before the first experts, when their workspace is not there yet; so does the first attention.
  const lateBytes = expertLayers > 1 ? expertBytes : 0;
  const layers = (beside: number): readonly (readonly [PeakPhase, number])[] => [
    ['mlp', Math.max(dense, withExperts > 0 ? expertBytes + withExperts : 0) + beside],
    ['attention', attention > 0 ? lateBytes + attention + beside : 0],
    ['state', state > 0 ? lateBytes + state + beside : 0],
    ['sampler', stage.isLast ? expertBytes + sampler(peak.samplerBytesPerLogit) : 0],
  ];
  let phase: PeakPhase = 'compilation';
  let bytes = compilation;
  for (const [name, size] of layers(cold)) {
    if (size < bytes) continue;
    bytes = size;
    phase = name;
  }
  // Compiled before: neither examples nor the timing of kernels.
  const warm = Math.max(...layers(0).map(([, size]) => size));
  const samplingHigh = stage.isLast
    ? expertBytes + sampler(peak.samplerBytesPerLogitHigh ?? peak.samplerBytesPerLogit)
    : 0;
  // Less is recorded of experts.
  const band = peak.relativeBand * (model.generic ? 4 : 1) + (expertLayers > 0 ? 0.03 : 0);
  return {
    bytes,
    lowBytes: Math.min(bytes, warm) * (1 - band),
    highBytes: Math.max(bytes, samplingHigh) * (1 + band),
    phase,
    expertWorkspaceBytes: expertBytes,
  };
}

/** Projections and output of attention over T tokens; over latents, keys and values of the workspace for long contexts beside. */
function attentionBytes(
  model: ModelFacts,
  layer: LayerFacts,
  mixer: HeadAttention | LatentAttention,
  input: PeakInput,
): number {
  const { maxNumBatchedTokens: tokens, elementBytes, tensorParallelSize: ranks } = input;
  if (mixer.kind === 'latent') {
    const perToken = (mixer.queryHeads * (mixer.headSize + mixer.valueHeadSize)) / ranks;
    const queries = (mixer.queryHeads * (mixer.headSize + mixer.rotarySize)) / ranks;
    // Compiled, the projections are gone by then.
    const projections = input.compiled ? 0 : queries + 2 * mixer.latentSize + mixer.rotarySize;
    return elementBytes * (latentChunkTokens(input) * perToken + tokens * projections);
  }
  const { queryHeads, keyValueHeads, headSize, valueHeadSize = headSize } = mixer;
  const queries = (queryHeads * headSize) / ranks;
  const heads = keyValueHeadsPerRank(keyValueHeads, ranks);
  // Norms of single heads leave two heads over the norms of the hidden states.
  const normed = layer.weights.some(
    ({ kind, count }) => kind === 'norms' && count % model.hiddenSize === 2 * headSize,
  );
  const copies = normed ? queries + heads * headSize : 0;
  const output = (queryHeads * valueHeadSize) / ranks;
  return elementBytes * tokens * (queries + heads * (headSize + valueHeadSize) + output + copies);
}

const softCapped = new Set(['gemma2', 'gemma3n', 'gemma3n_text', 'gemma4', 'gemma4_text']);

/** Norms of a layer beyond the two that every layer has: those after attention and MLP, and one for those of queries and keys. */
function furtherNorms({ hiddenSize }: ModelFacts, { weights }: LayerFacts): number {
  let elements = 0;
  for (const { kind, count } of weights) if (kind === 'norms') elements += count;
  const whole = Math.floor(elements / hiddenSize);
  return Math.max(0, whole - 2) + (whole >= 2 && elements % hiddenSize > 0 ? 1 : 0);
}

/**
 * Two buffers for `tokens x experts a token`: one as wide as an expert's activation or the hidden state, the other as its two
 * projections or the hidden state. Met to 0.01 GiB by nine recorded and published starts of Triton experts.
 */
function expertWorkspace(
  model: ModelFacts,
  { width, gated, activeExperts }: Extract<FeedForward, { kind: 'experts' }>,
  input: PeakInput,
): number {
  const rankWidth = input.wholeExperts ? width : width / (input.tensorParallelSize * input.dataParallelSize);
  const tokens = Math.min(input.maxNumBatchedTokens * input.dataParallelSize, EXPERT_CHUNK_TOKENS);
  const activation = Math.max(rankWidth, model.hiddenSize);
  const projections = Math.max(gated ? 2 * rankWidth : rankWidth, model.hiddenSize);
  return input.elementBytes * tokens * activeExperts * (activation + projections);
}

function latentChunkTokens({ maxModelLen, maxNumSeqs, blockSize }: PeakInput): number {
  const wanted = Math.max(8 * maxModelLen, 4 * maxNumSeqs * blockSize);
  return Math.max(Math.min(wanted, LATENT_CHUNK_TOKENS), maxNumSeqs * blockSize);
}
