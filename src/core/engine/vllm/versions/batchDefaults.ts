import type { EstimateRequest } from '../../../estimate/types.ts';
import { GiB } from '../../../units.ts';
import type { ModelRunner, VllmProfile } from './profile.ts';
import { releaseIndex } from './releases.ts';

export interface BatchDefaults {
  readonly maxNumBatchedTokens: number;
  readonly maxNumSeqs: number;
}

/**
 * max_num_batched_tokens and max_num_seqs where nobody writes them, by GPU, entry point and release.
 * Source: engine/arg_utils.py, `get_batch_defaults` (`_set_default_args_v1` before), and config.py, SchedulerConfig, for V0.
 */
export function batchDefaults(
  { device, deployment }: EstimateRequest,
  profile: VllmProfile,
  runner: ModelRunner,
  totalBytes: number,
): BatchDefaults {
  const { release } = profile;
  const offline = deployment.entrypoint === 'llm';
  if (runner === 'V0') return { maxNumBatchedTokens: 2048, maxNumSeqs: 256 };
  if (release < releaseIndex('0.8.5.post1')) {
    return { maxNumBatchedTokens: offline ? 8192 : 2048, maxNumSeqs: 1024 };
  }
  if (release >= releaseIndex('0.28.0') && totalBytes >= 160 * GiB) {
    return { maxNumBatchedTokens: 16_384, maxNumSeqs: 1024 };
  }
  const a100 = release >= releaseIndex('0.9.2') && /a100/i.test(device.label);
  const gb10 = release >= releaseIndex('0.33.0') && device.computeCapability === '12.1';
  if (totalBytes >= 70 * GiB && !a100 && !gb10) {
    // Offline, 0.9 and 0.10 ran 256 at most where the server ran 1,024.
    return { maxNumBatchedTokens: offline ? 16_384 : 8192, maxNumSeqs: 1024 };
  }
  return { maxNumBatchedTokens: offline ? 8192 : 2048, maxNumSeqs: 256 };
}

/**
 * Whether V0 splits long prompts where nobody says: above 32,768 tokens of context, without a window, speculation or adapters.
 * Without it one step takes a whole prompt. Source: 0.6.6 engine/arg_utils.py, create_engine_config.
 */
export function oldChunkedPrefill({ model, deployment }: EstimateRequest, maxModelLen: number): boolean {
  const { flags } = deployment;
  return (
    maxModelLen > 32_768 &&
    flags['enable-lora'] !== true &&
    flags['speculative-model'] === undefined &&
    !model.layers.some(({ mixers }) => mixers.some(({ kind }) => kind === 'sliding-window'))
  );
}
