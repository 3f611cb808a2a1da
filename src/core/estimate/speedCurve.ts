import { estimate } from './estimate.ts';
import type { DeploymentEstimate, EstimateLoad, EstimateRequest, SpeedEstimate } from './types.ts';

/** Speeds of one deployment under each of these loads, calibrated as the request says. Of static batches the flags say the load. */
export function speedCurve(
  request: EstimateRequest,
  loads: readonly EstimateLoad[],
): readonly SpeedEstimate[] {
  return loads.map((load) => estimate({ ...request, load }, { fixes: false }).speed);
}

/** Loads of doubling batch up to the most sequences that the engine runs at once, at the lengths of the estimate. */
export function loadsByBatch({ resolved, speed }: DeploymentEstimate): readonly EstimateLoad[] {
  const { inputTokens, outputTokens } = speed;
  const most = Number(resolved['max-num-seqs'] ?? 256);
  const loads: EstimateLoad[] = [];
  for (let batch = 1; batch < most; batch *= 2) loads.push({ batch, inputTokens, outputTokens });
  return [...loads, { batch: most, inputTokens, outputTokens }];
}

/** Loads of doubling prompt length from 128 tokens up to what a request may have, at the batch of the estimate. */
export function loadsByContext({ kv, speed }: DeploymentEstimate): readonly EstimateLoad[] {
  const { batch, outputTokens } = speed;
  const most = Math.max(1, kv.maxModelLen - outputTokens);
  const loads: EstimateLoad[] = [];
  for (let inputTokens = 128; inputTokens < most; inputTokens *= 2) {
    loads.push({ batch, inputTokens, outputTokens });
  }
  return [...loads, { batch, inputTokens: most, outputTokens }];
}
