import type { EstimateLoad, SpeedEstimate } from '../estimate/types.ts';
import { speedEfficiency } from './efficiencies.ts';
import { estimateSpeed } from './estimateSpeed.ts';
import type { SpeedInput } from './speedInput.ts';

/** Speeds of one deployment under each of these loads: memory is not estimated again. */
export function speedCurve(input: SpeedInput, loads: readonly EstimateLoad[]): readonly SpeedEstimate[] {
  const efficiency = speedEfficiency(input);
  return loads.map((load) => estimateSpeed({ ...input, load }, efficiency));
}

/** Loads of doubling batch up to the most sequences that run at once in all replicas, at these lengths. */
export function loadsByBatch(
  { maxNumSeqs, dataParallelSize }: SpeedInput,
  lengths: Pick<EstimateLoad, 'inputTokens' | 'outputTokens'>,
): readonly EstimateLoad[] {
  const { inputTokens, outputTokens } = lengths;
  const most = maxNumSeqs * dataParallelSize;
  const loads: EstimateLoad[] = [];
  for (let batch = 1; batch < most; batch *= 2) loads.push({ batch, inputTokens, outputTokens });
  return [...loads, { batch: most, inputTokens, outputTokens }];
}

/** Loads of doubling prompt length from 128 tokens up to what a request may have, at this batch. */
export function loadsByContext(
  maxModelLen: number,
  { batch, outputTokens }: Pick<EstimateLoad, 'batch' | 'outputTokens'>,
): readonly EstimateLoad[] {
  const most = Math.max(1, maxModelLen - outputTokens);
  const loads: EstimateLoad[] = [];
  for (let inputTokens = 128; inputTokens < most; inputTokens *= 2) {
    loads.push({ batch, inputTokens, outputTokens });
  }
  return [...loads, { batch, inputTokens: most, outputTokens }];
}
