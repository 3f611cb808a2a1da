import { GiB, MiB } from '../../../units.ts';
import type { CapturedGraphs } from '../graphs.ts';
import type { ModelRunner, ObservedBytes, VllmProfile } from './profile.ts';
import { releaseIndex } from './releases.ts';

/** What no formula gives: figures seen in recorded and published starts. One place to change when a start is measured. */

const RECORDED = 'recorded: vLLM 0.26.0, one H200, November 2026';
const STUDIED = 'llm-d accuracy study, H100, vLLM 0.18 and 0.19';

function observed(gib: number, low: number, high: number, source: string): ObservedBytes {
  return { bytes: gib * GiB, lowBytes: low * GiB, highBytes: high * GiB, source };
}

const nonTorchOf = {
  fourRanks: observed(2.15, 0.5, 2.3, STUDIED),
  twoRanks: observed(2.1, 0.5, 2.2, STUDIED),
  pipeline: observed(0.07, 0.05, 0.3, STUDIED),
  recorded: observed(0.22, 0.13, 0.25, RECORDED),
  studied: observed(0.25, 0.13, 0.46, STUDIED),
  until017: observed(0.13, 0.1, 0.3, 'published starts of vLLM 0.16 and 0.17'),
  v0: observed(0.3, 0.1, 0.6, "a published start-up log of vLLM's V0 engine"),
};

/** Buffers of CUDA's libraries and NCCL that come after the snapshot: charged to the request. */
export function nonTorchBytes(
  profile: VllmProfile,
  runner: ModelRunner,
  tensorParallelSize: number,
  pipelineParallelSize: number,
): ObservedBytes {
  if (tensorParallelSize > 2) return nonTorchOf.fourRanks;
  if (tensorParallelSize === 2) return nonTorchOf.twoRanks;
  if (pipelineParallelSize > 1) return nonTorchOf.pipeline;
  if (runner === 'V0') return nonTorchOf.v0;
  if (profile.release <= releaseIndex('0.17.1')) return nonTorchOf.until017;
  return profile.release < releaseIndex('0.26.0') ? nonTorchOf.studied : nonTorchOf.recorded;
}

const contexts = {
  one: observed(0.51, 0.3, 0.55, RECORDED),
  several: observed(0.6, 0.4, 1.2, `one GPU ${RECORDED}; NCCL beside it is a guess`),
};

/** Taken before the snapshot: the CUDA context, and NCCL where there are several ranks. Not charged. */
export function contextBytes(tensorParallelSize: number): ObservedBytes {
  return tensorParallelSize > 1 ? contexts.several : contexts.one;
}

/**
 * What capture takes: a little for each graph, and for the largest whole step the partial results of attention, which splits a
 * context into parts: 4 bytes for each sequence, query head, element of a value and part. Fitted to six recorded starts on Hopper,
 * 0.39 GiB (half a billion parameters, 51 sizes of each kind up to 512) to 1.20 (latents); other attention kernels may keep no parts.
 */
export const capture = {
  firstBytes: 50 * MiB,
  graphBytes: 1.3 * MiB,
  parts: { heads: 100, latents: 65 },
  below: 0.3,
  above: 1.4,
  source: `${RECORDED}, fitted`,
} as const;

/**
 * V1's estimate: the first graph of the larger kind, and what one more took, for all the others. Recorded firsts: 102 to 258 MiB;
 * one more: 4 to 6 MiB of the pieces, 1 to 2 of whole steps. It may be far off: 0.19 to 1.94 GiB in published pairs.
 * Source: v1/worker/gpu_model_runner.py, profile_cudagraph_memory.
 */
export function graphEstimateBytes(graphs: CapturedGraphs): ObservedBytes {
  const bytes =
    256 * MiB + 6 * MiB * Math.max(0, graphs.piecewise - 1) + 1.5 * MiB * Math.max(0, graphs.full - 1);
  return { bytes, lowBytes: bytes * 0.4, highBytes: bytes * 3, source: `${RECORDED}, three starts` };
}

/** Images and sound in the profile run: the encoder's own peak and its cache. Charged beside the decoder's peak. */
export const encoderPeak: ObservedBytes = observed(0.13, 0, 0.3, `${STUDIED}, four models with encoders`);

/** Added to the weights where the KV cache is fp8: scales. */
export const fp8KvScales: ObservedBytes = observed(0.04, 0, 0.05, RECORDED);

/** Beyond the parameters and the rotary table, loaded with the weights. */
export const WEIGHTS_SLACK_BYTES = 16 * MiB;
