import type { EstimateRequest } from '../../estimate/types.ts';

/** True where a context longer than the model's own is taken: overrides that are not read may have stretched it, or the environment lifts the limit. */
export function contextLimitLifted({ deployment, overridesApplied }: EstimateRequest): boolean {
  return (
    (deployment.flags['hf-overrides'] !== undefined && !overridesApplied) ||
    deployment.environment?.['VLLM_ALLOW_LONG_MAX_MODEL_LEN'] === '1'
  );
}
