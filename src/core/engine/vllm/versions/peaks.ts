import { MiB } from '../../../units.ts';
import type { ModelRunner, RunnerPeak } from './profile.ts';
import { releaseIndex } from './releases.ts';

const RECORDED = 'recorded: vLLM 0.26.0, one H200, November 2026';
const STUDIED = 'llm-d accuracy study, H100, vLLM 0.19';

/**
 * V1 and V0: the model's profile run, then the sampler on every row. The 46 MiB is the only fitted figure: 16 dense starts of the
 * study are met to 0.6 % on average. The experts' workspace stays allocated and so adds to the sampler's.
 */
const v1 = {
  residualCopies: 4,
  mlpWorkspaceBytes: 0,
  samplerWorkspaceBytes: 46 * MiB,
  compiledBytes: 0,
  expertWorkspace: true,
  // (multiprocessors x vocabulary) floats: the top-k and top-p kernel's buffer.
  samplerBufferBytesPerProcessor: 4,
  relativeBand: 0.03,
  floorSource: '',
} as const;

/** Sorted copies, indices, probabilities and sums of every row: before top-k and top-p had a kernel of their own. */
const sorting: RunnerPeak = {
  ...v1,
  samplerBytesPerLogit: 38,
  samplerBufferBytesPerProcessor: 0,
  source: `vLLM 0.16 profile run (gpu_model_runner.py, _dummy_sampler_run), 38 bytes a logit; ${STUDIED}`,
};

/** Two bytes of logits, and four each of the wide copy, the probabilities and the noise. */
const kernel: RunnerPeak = {
  ...v1,
  samplerBytesPerLogit: 14,
  source: `vLLM 0.19 profile run (gpu_model_runner.py, _dummy_sampler_run), 14 bytes a logit; ${STUDIED}`,
};

/**
 * V2. Two eager starts (Llama-3.1-8B 1.72 GiB, Llama-3.2-1B 0.97 GiB, T = 16,384) are met to 0.01 GiB by three copies of the
 * residual and a 32 MiB matrix-product workspace; the compiled one took 60 MiB more. DeepSeek-V2-Lite (1.66 GiB) is met by the
 * experts' workspace, the latent attention's and the residuals.
 */
const v2: RunnerPeak = {
  residualCopies: 3,
  mlpWorkspaceBytes: 32 * MiB,
  samplerWorkspaceBytes: 32 * MiB,
  compiledBytes: 60 * MiB,
  expertWorkspace: true,
  samplerBytesPerLogit: 2,
  samplerBufferBytesPerProcessor: 0,
  relativeBand: 0.05,
  source: `vLLM 0.26 profile run (gpu_worker.py, gpu/model_runner.py); coefficients ${RECORDED}`,
  floorSource:
    'upper bound: one recorded start (T = 8,192, fp8 KV) took 0.17 GiB more than the formula, not explained, about the size of the head and two copies of the residual',
};

/**
 * 0.33 runs the sampler a second time with every feature on. Read from the release: the logits in 16 bits and their wide copy;
 * not measured, so that the band goes up to V1's.
 */
const v2TwoPasses: RunnerPeak = {
  ...v2,
  samplerBytesPerLogit: 6,
  samplerBufferBytesPerProcessor: 4,
  samplerBytesPerLogitHigh: 14,
  source:
    'vLLM 0.33 profile run (gpu/model_runner.py, _dummy_sampler_run): a second pass over wide logits; not measured',
};

/** The coefficients of a runner in a release. One place to change when a start is measured. */
export function peakOf(release: number, runner: ModelRunner): RunnerPeak {
  if (runner === 'V2') return release >= releaseIndex('0.33.0') ? v2TwoPasses : v2;
  return release >= releaseIndex('0.17.1') && runner === 'V1' ? kernel : sorting;
}
