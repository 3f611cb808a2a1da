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

const wholeGraphs = {
  wide: observed(0.99, 0.3, 1.2, RECORDED),
  narrow: observed(0.58, 0.2, 0.75, RECORDED),
};

/**
 * What capture takes. Recorded with 51 sizes of each kind: 0.58 GiB up to 256 sequences, 0.8 to 1.2 above, 0.39 for a model of half a
 * billion parameters; fewer sizes take less,
 * down to the first of each kind.
 */
export function graphBytes(graphs: CapturedGraphs, maxNumSeqs: number): ObservedBytes {
  const whole = maxNumSeqs > 256 ? wholeGraphs.wide : wholeGraphs.narrow;
  const usual = maxNumSeqs > 256 ? 102 : 86;
  const part = Math.min(2, 0.3 + (0.7 * (graphs.piecewise + graphs.full)) / usual);
  if (part === 1) return whole;
  return {
    bytes: whole.bytes * part,
    lowBytes: whole.lowBytes * Math.min(part, 1),
    highBytes: whole.highBytes * Math.max(part, 0.4),
    source: `${RECORDED}, scaled by the number of sizes`,
  };
}

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
