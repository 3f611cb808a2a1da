import { MiB } from '../../../units.ts';
import type { ModelRunner, RunnerPeak } from './profile.ts';
import { releaseIndex } from './releases.ts';

const RECORDED = 'recorded: vLLM 0.26.0, 60 starts on one H100, November 2026';
const STUDIED = 'llm-d accuracy study, H100, vLLM 0.19';

/** What every runner's layers take. The GPU's cache is 50 MiB on an H100, 60 on an H200. */
const layers = {
  residualCopies: 3,
  workspaceBytes: 32 * MiB,
  compiledBytes: 50 * MiB,
  relativeBand: 0.03,
} as const;

/** Sorted copies, indices, probabilities and sums of every row: before top-k and top-p had a kernel of their own. */
const sorting: RunnerPeak = {
  ...layers,
  samplerBytesPerLogit: 38,
  samplerBufferBytesPerProcessor: 0,
  source: `vLLM 0.16 profile run (gpu_model_runner.py, _dummy_sampler_run), 38 bytes a logit; ${STUDIED}`,
};

/** Two bytes of logits, and four each of the wide copy, the probabilities and the noise. */
const kernel: RunnerPeak = {
  ...layers,
  samplerBytesPerLogit: 14,
  samplerBufferBytesPerProcessor: 4,
  source: `vLLM 0.19 and 0.26 profile run (gpu_model_runner.py, _dummy_sampler_run), 14 bytes a logit; ${STUDIED}; ${RECORDED}`,
};

/** V2: the logits alone. */
const v2: RunnerPeak = {
  ...layers,
  samplerBytesPerLogit: 2,
  samplerBufferBytesPerProcessor: 0,
  source: `vLLM 0.26 profile run (gpu_worker.py, gpu/model_runner.py); ${RECORDED}`,
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
