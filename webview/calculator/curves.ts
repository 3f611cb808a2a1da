import { findEngine } from '../../src/core/engine/engines.ts';
import { estimate } from '../../src/core/estimate/estimate.ts';
import { loadsByBatch, speedCurve } from '../../src/core/estimate/speedCurve.ts';
import type { DeploymentEstimate, EstimateRequest, SpeedEstimate } from '../../src/core/estimate/types.ts';

/** Only the deployment itself is given fixes; a curve has dozens of points. */
const withoutFixes = { fixes: false };

export interface ContextPoint {
  readonly maxModelLen: number;
  readonly maxConcurrency: number;
}

/** How many full-length requests the KV cache holds, by their length; lengths that do not fit are left out. */
export function concurrencyByContext(request: EstimateRequest): readonly ContextPoint[] {
  return contextLengths(request.model.maxPositionEmbeddings).flatMap((maxModelLen) => {
    const { kv } = estimate(withFlag(request, 'max-model-len', maxModelLen), withoutFixes);
    return kv.maxConcurrency > 0 ? [{ maxModelLen, maxConcurrency: kv.maxConcurrency }] : [];
  });
}

/** Two a doubling from 256 tokens up to the model's own limit. */
function contextLengths(most: number): readonly number[] {
  const lengths: number[] = [];
  for (let tokens = 256; tokens < most; tokens *= 2) {
    lengths.push(tokens);
    if (tokens * 1.5 < most) lengths.push(tokens * 1.5);
  }
  return [...lengths, most];
}

/**
 * Speed by batch, doubling up to the most sequences that the engine runs at once; of a program that is told its batch, up to the
 * largest that fits.
 */
export function speedByBatch(request: EstimateRequest, now: DeploymentEstimate): readonly SpeedEstimate[] {
  if (findEngine(request.deployment.engine)?.canonicalFlag('batch-size') === undefined) {
    return speedCurve(request, loadsByBatch(now));
  }
  const { inputTokens, outputTokens } = now.speed;
  const speeds: SpeedEstimate[] = [];
  for (let batch = 1; batch <= largestToldBatch; batch *= 2) {
    const load = { batch, inputTokens, outputTokens };
    const { speed, verdict } = estimate({ ...withFlag(request, 'batch-size', batch), load }, withoutFixes);
    if (verdict.outcome === 'does-not-fit') break;
    speeds.push(speed);
  }
  return speeds;
}

const largestToldBatch = 1024;

function withFlag(request: EstimateRequest, flag: string, value: number): EstimateRequest {
  const { deployment } = request;
  return { ...request, deployment: { ...deployment, flags: { ...deployment.flags, [flag]: value } } };
}
