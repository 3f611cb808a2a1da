import { GiB, MiB } from '../../../units.ts';
import type { VllmProfile } from './profile.ts';

const RECORDED = 'recorded: vLLM 0.26.0, one H200, November 2026';
const STUDIED = 'llm-d accuracy study, H100, vLLM 0.18 and 0.19';

/**
 * vLLM 0.26. Every dense decoder runs on the V2 model runner, whose CUDA graphs are not charged to the KV cache. Read from
 * the released package; the observed figures are from the recorded starts and, for several GPUs, from a published study.
 */
export const v0_26: VllmProfile = {
  version: '0.26.0',
  gpuMemoryUtilization: 0.92,
  blockSize: 16,

  // engine/arg_utils.py, get_batch_defaults. The tier of 160 GiB and more came with 0.28.
  batchDefaults(device, totalBytes, entrypoint) {
    const large = totalBytes >= 70 * GiB && !/a100/i.test(device.label);
    if (large) return { maxNumBatchedTokens: entrypoint === 'llm' ? 16_384 : 8192, maxNumSeqs: 1024 };
    return { maxNumBatchedTokens: entrypoint === 'llm' ? 8192 : 2048, maxNumSeqs: 256 };
  },

  inFlightBatches(pipelineParallelSize, asyncScheduling) {
    if (!asyncScheduling) return pipelineParallelSize;
    return pipelineParallelSize === 1 ? 2 : pipelineParallelSize + 1;
  },

  // Two eager starts (Llama-3.1-8B 1.72 GiB, Llama-3.2-1B 0.97 GiB, T = 16,384) are met to 0.01 GiB by three copies of the
  // residual and a 32 MiB matrix-product workspace; the compiled one took 60 MiB more (30 blocks of 2 MiB).
  peak: {
    residualCopies: 3,
    workspaceBytes: 32 * MiB,
    compiledBytes: 60 * MiB,
    samplerBytesPerLogit: 2,
    relativeBand: 0.05,
    source: `vLLM 0.26 profile run (gpu_worker.py); coefficients ${RECORDED}, two eager and one compiled start`,
    floorSource:
      'upper bound: one recorded start (T = 8,192, fp8 KV) took 0.17 GiB more than the formula, not explained, about the size of the head and two copies of the residual',
  },

  nonTorch(tensorParallelSize, pipelineParallelSize) {
    if (tensorParallelSize > 2) {
      return { bytes: 2.15 * GiB, lowBytes: 0.5 * GiB, highBytes: 2.3 * GiB, source: STUDIED };
    }
    if (tensorParallelSize === 2) {
      return { bytes: 2.07 * GiB, lowBytes: 0.5 * GiB, highBytes: 2.2 * GiB, source: STUDIED };
    }
    if (pipelineParallelSize > 1) {
      return { bytes: 0.07 * GiB, lowBytes: 0.05 * GiB, highBytes: 0.3 * GiB, source: STUDIED };
    }
    return { bytes: 0.22 * GiB, lowBytes: 0.13 * GiB, highBytes: 0.25 * GiB, source: RECORDED };
  },

  context(tensorParallelSize) {
    return tensorParallelSize > 1
      ? {
          bytes: 0.6 * GiB,
          lowBytes: 0.4 * GiB,
          highBytes: 1.2 * GiB,
          source: `one GPU ${RECORDED}; NCCL beside it is a guess`,
        }
      : { bytes: 0.51 * GiB, lowBytes: 0.3 * GiB, highBytes: 0.55 * GiB, source: RECORDED };
  },

  // FULL graphs are captured up to min(max-num-seqs, 512) sequences. V2-runner starts: 0.58, 0.99 and 1.20 GiB.
  graphs(maxNumSeqs) {
    return maxNumSeqs > 256
      ? { bytes: 0.99 * GiB, lowBytes: 0.4 * GiB, highBytes: 1.2 * GiB, source: RECORDED }
      : { bytes: 0.58 * GiB, lowBytes: 0.3 * GiB, highBytes: 1.2 * GiB, source: RECORDED };
  },
  graphsCharged: false,

  fp8KvBytes: { bytes: 0.04 * GiB, lowBytes: 0, highBytes: 0.05 * GiB, source: RECORDED },
  weightsSlackBytes: 16 * MiB,
};
