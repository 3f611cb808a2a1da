import type { ModelFacts } from '../model/facts.ts';
import { paddedVocabulary } from './weights.ts';

/** How the peak of an engine's profile run grows: `elementBytes x T x (mlp widths + residualCopies x hidden) + workspace`. */
export interface PeakCoefficients {
  readonly residualCopies: number;
  readonly workspaceBytes: number;
  /** Beside it where the model is compiled. */
  readonly compiledBytes: number;
  /** Bytes that the sampler's warm-up takes for each of R x vocabulary logits. */
  readonly samplerBytesPerLogit: number;
  /** Part of the estimate by which the band is at least this wide. */
  readonly relativeBand: number;
}

export interface ActivationPeak {
  readonly bytes: number;
  readonly lowBytes: number;
  readonly highBytes: number;
  /** Which of the two phases of the profile run is the larger. */
  readonly phase: 'mlp' | 'sampler';
}

/**
 * The transient peak of the profile run of a dense decoder: the larger of the MLP phase (T tokens through the widest layer) and the
 * sampler's warm-up (R rows of logits, on the last stage only). `T = max_num_batched_tokens`, `R = min(max_num_seqs, T)`.
 */
export function activationPeak(
  model: ModelFacts,
  peak: PeakCoefficients,
  input: {
    readonly maxNumBatchedTokens: number;
    readonly maxNumSeqs: number;
    readonly tensorParallelSize: number;
    readonly elementBytes: number;
    readonly eager: boolean;
    readonly isFirstStage: boolean;
    readonly isLastStage: boolean;
  },
): ActivationPeak {
  const { maxNumBatchedTokens: tokens, elementBytes } = input;
  let widest = 0;
  for (const layer of model.layers) {
    const { feedForward } = layer;
    if (feedForward.kind === 'dense') {
      widest = Math.max(widest, feedForward.width * (feedForward.gated ? 3 : 2));
    }
  }
  const fixed = peak.workspaceBytes + (input.eager ? 0 : peak.compiledBytes);
  // A stage that is not the only one also holds the hidden states and residual that travel between stages.
  const travelling = input.isFirstStage && input.isLastStage ? 0 : 2;
  const mlp =
    elementBytes *
      tokens *
      (widest / input.tensorParallelSize + (peak.residualCopies + travelling) * model.hiddenSize) +
    fixed;
  const rows = Math.min(input.maxNumSeqs, tokens);
  const sampler = input.isLastStage
    ? peak.samplerBytesPerLogit * rows * model.vocabularySize +
      elementBytes * tokens * model.hiddenSize +
      fixed
    : 0;
  const bytes = Math.max(mlp, sampler);
  const head =
    (paddedVocabulary(model.vocabularySize) * model.hiddenSize * elementBytes) / input.tensorParallelSize;
  const floor = input.isLastStage ? head + 2 * elementBytes * tokens * model.hiddenSize : 0;
  const band = peak.relativeBand * (model.generic ? 4 : 1);
  return {
    bytes,
    lowBytes: bytes * (1 - band),
    highBytes: Math.max(bytes * (1 + band), floor),
    phase: sampler > mlp ? 'sampler' : 'mlp',
  };
}
