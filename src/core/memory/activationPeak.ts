import type { FeedForward, ModelFacts } from '../model/facts.ts';
import { layerGroups } from './layerGroups.ts';
import type { PipelineStage } from './pipeline.ts';
import { paddedVocabulary } from './weights.ts';

/** How the peak of an engine's profile run grows. Bytes. */
export interface PeakCoefficients {
  /** Copies of the hidden states beside a layer's widest matrices. */
  readonly residualCopies: number;
  /** Beside a layer's matrices: the matrix product's own. */
  readonly mlpWorkspaceBytes: number;
  /** Beside the sampler's tensors. */
  readonly samplerWorkspaceBytes: number;
  /** Beside both where the model is compiled. */
  readonly compiledBytes: number;
  /** Whether the experts' workspace stays allocated, and so adds to every later phase. */
  readonly expertWorkspace: boolean;
  /** Bytes that the sampler's warm-up takes for each of R x vocabulary logits. */
  readonly samplerBytesPerLogit: number;
  /** At the upper end of the band, where it is not known. */
  readonly samplerBytesPerLogitHigh?: number;
  /** Of the sampler's kernel, for each multiprocessor x vocabulary. */
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
  readonly eager: boolean;
  readonly multiprocessors: number;
  readonly stage: PipelineStage;
}

export type PeakPhase = 'mlp' | 'latent-attention' | 'sampler';

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
 * tokens through the widest layer. *Latent attention*: its workspace for long contexts. *Sampler*: R = min(S, T) rows of logits,
 * on the last stage only.
 * Sources: vLLM v1/worker/gpu_model_runner.py, profile_run and _dummy_sampler_run; layers/fused_moe, workspace_shapes of the Triton
 * experts; v1/attention/backends/mla/common.py, chunked_prefill_workspace_size.
 */
export function activationPeak(model: ModelFacts, peak: PeakCoefficients, input: PeakInput): ActivationPeak {
  const { maxNumBatchedTokens: tokens, elementBytes, tensorParallelSize, stage } = input;
  const hidden = elementBytes * tokens * model.hiddenSize;
  // A stage that is not the only one also holds the hidden states and residual that travel between stages.
  const travelling = stage.isFirst && stage.isLast ? 0 : 2;
  const compiled = input.eager ? 0 : peak.compiledBytes;
  const residuals = (peak.residualCopies + travelling) * hidden + peak.mlpWorkspaceBytes + compiled;

  let workspace = 0;
  let widestDense = 0;
  let widestShared = 0;
  let latent = 0;
  for (const { layer } of layerGroups(model, stage)) {
    const { feedForward } = layer;
    if (feedForward.kind === 'dense') widestDense = Math.max(widestDense, denseWidth(feedForward));
    else if (feedForward.kind === 'experts') {
      widestShared = Math.max(widestShared, feedForward.sharedWidth * (feedForward.gated ? 3 : 2));
      if (peak.expertWorkspace && input.keepsExpertWorkspace) {
        workspace = Math.max(workspace, expertWorkspace(model, feedForward, input));
      }
    }
    for (const mixer of layer.mixers) {
      if (mixer.kind !== 'latent') continue;
      const sizes = mixer.headSize + mixer.valueHeadSize;
      latent = Math.max(
        latent,
        (elementBytes * latentChunkTokens(input) * mixer.queryHeads * sizes) / tensorParallelSize,
      );
    }
  }
  const matrices = (width: number) => (elementBytes * tokens * width) / tensorParallelSize;
  // Dense layers come before the first experts, when their workspace is not there yet.
  const dense = widestDense > 0 || workspace === 0 ? matrices(widestDense) + residuals : 0;
  const afterExperts = workspace + matrices(widestShared) + residuals;
  const mlp = Math.max(dense, workspace > 0 ? afterExperts : 0);
  const attention = latent > 0 ? workspace + latent + residuals : 0;
  const rows = Math.min(input.maxNumSeqs, tokens);
  const sampler = (bytesPerLogit: number) =>
    stage.isLast
      ? workspace +
        bytesPerLogit * rows * model.vocabularySize +
        hidden +
        peak.samplerBufferBytesPerProcessor * input.multiprocessors * model.vocabularySize +
        peak.samplerWorkspaceBytes +
        compiled
      : 0;
  const sampling = sampler(peak.samplerBytesPerLogit);
  const bytes = Math.max(mlp, attention, sampling);
  const phase = bytes === sampling ? 'sampler' : bytes === mlp ? 'mlp' : 'latent-attention';

  const head =
    (paddedVocabulary(model.vocabularySize) * model.hiddenSize * elementBytes) / tensorParallelSize;
  const floor = stage.isLast && phase === 'mlp' ? head + 2 * hidden : 0;
  const samplingHigh = sampler(peak.samplerBytesPerLogitHigh ?? peak.samplerBytesPerLogit);
  const band = peak.relativeBand * (model.generic ? 4 : 1) + (workspace > 0 ? 0.03 : 0);
  return {
    bytes,
    lowBytes: bytes * (1 - band),
    highBytes: Math.max(bytes * (1 + band), samplingHigh * (1 + band), floor),
    phase,
    expertWorkspaceBytes: workspace,
  };
}

function denseWidth({ width, gated }: { readonly width: number; readonly gated: boolean }): number {
  return width * (gated ? 3 : 2);
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
