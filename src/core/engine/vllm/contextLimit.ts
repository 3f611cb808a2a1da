import type { EstimateRequest } from '../../estimate/types.ts';
import type { ModelFacts } from '../../model/facts.ts';
import type { FlagValue } from '../deployment.ts';
import { releaseIndex } from './versions/releases.ts';

/**
 * The longest context that a release derives from the model. Since 0.30 a yarn model's stated context counts as stretched already.
 * Without its sliding window a model is served no further than that reached.
 * Source: vLLM config/model.py, `_get_and_verify_max_len` (0.29 beside 0.30).
 */
export function derivedContext(model: ModelFacts, release: number, slidingWindow: boolean): number {
  const stretched = model.contextBeforeYarn === undefined || release < releaseIndex('0.30.0');
  const context = stretched ? model.maxPositionEmbeddings : (model.contextBeforeYarn ?? 0);
  return slidingWindow ? context : Math.min(context, windowOf(model));
}

function windowOf(model: ModelFacts): number {
  let window = Number.POSITIVE_INFINITY;
  for (const { mixers } of model.layers) {
    for (const mixer of mixers) {
      if (mixer.kind === 'sliding-window') window = Math.min(window, mixer.windowTokens ?? window);
    }
  }
  return window;
}

/** True where `--hf-overrides` is given and is not in the facts: its value may change anything. */
export function overridesMissing(model: ModelFacts, flags: Readonly<Record<string, FlagValue>>): boolean {
  const written = flags['hf-overrides'];
  return written !== undefined && written !== model.overrides;
}

/** True where a context longer than the model's own is taken: overrides that are not read may have stretched it, or the environment lifts the limit. */
export function contextLimitLifted({ deployment, model }: EstimateRequest): boolean {
  return (
    overridesMissing(model, deployment.flags) ||
    deployment.environment?.['VLLM_ALLOW_LONG_MAX_MODEL_LEN'] === '1'
  );
}
