import type { FlagReplacement } from '../../engine.ts';
import { flagStatus } from './catalogue.ts';

/** What took the place of options that are gone, as the releases' own deprecation messages and option lists say. */
export const replacedBy: ReadonlyMap<string, string> = new Map([
  ['cuda-graph-sizes', 'use cudagraph-capture-sizes'],
  ['max-seq-len-to-capture', 'use max-cudagraph-capture-size, which counts sequences'],
  ['guided-decoding-backend', 'use structured-outputs-config.backend'],
  ['guided-decoding-disable-fallback', 'use structured-outputs-config.disable_fallback'],
  ['guided-decoding-disable-any-whitespace', 'use structured-outputs-config.disable_any_whitespace'],
  [
    'guided-decoding-disable-additional-properties',
    'use structured-outputs-config.disable_additional_properties',
  ],
  ['task', 'use runner (generate, pooling) and convert (embed, classify)'],
  ['override-pooler-config', 'use pooler-config'],
  ['disable-log-requests', 'requests are logged only with enable-log-requests'],
  ['enable-reasoning', 'reasoning-parser alone turns it on'],
  ['swap-space', 'requests that are put aside are computed again, nothing is swapped'],
  ['preemption-mode', 'requests that are put aside are always computed again'],
  ['speculative-model', 'use speculative-config.model'],
  ['num-speculative-tokens', 'use speculative-config.num_speculative_tokens'],
  ['speculative-max-model-len', 'use speculative-config.max_model_len'],
  ['speculative-model-quantization', 'use speculative-config.quantization'],
  ['speculative-draft-tensor-parallel-size', 'use speculative-config.draft_tensor_parallel_size'],
  ['ngram-prompt-lookup-max', 'use speculative-config.prompt_lookup_max'],
  ['ngram-prompt-lookup-min', 'use speculative-config.prompt_lookup_min'],
  ['disable-mm-preprocessor-cache', 'use mm-processor-cache-gb 0'],
  ['enable-multimodal-encoder-data-parallel', 'use mm-encoder-tp-mode data'],
  ['rope-scaling', 'use hf-overrides.rope_scaling'],
  ['rope-theta', 'use hf-overrides.rope_theta'],
  ['num-redundant-experts', 'use eplb-config.num_redundant_experts'],
  ['eplb-window-size', 'use eplb-config.window_size'],
  ['eplb-step-interval', 'use eplb-config.step_interval'],
  ['eplb-log-balancedness', 'use eplb-config.log_balancedness'],
  ['worker-use-ray', 'use distributed-executor-backend ray'],
  ['use-v2-block-manager', 'there is only one'],
  ['device', 'the platform is found'],
]);

/** The option that means the same in a release: `use cudagraph-capture-sizes`, `use mm-processor-cache-gb 0`. Advice that takes thought is none. */
export function vllmReplacement(name: string, release: number): FlagReplacement | undefined {
  const [, flag, value] = /^use ([\w.-]+)(?: (\w+))?$/.exec(replacedBy.get(name) ?? '') ?? [];
  if (flag === undefined || flagStatus(flag.replace(/\..*$/, ''), release).state !== 'known')
    return undefined;
  if (value === undefined) return { flag };
  return { flag, value: /^\d+$/.test(value) ? Number(value) : value };
}
