import type { EstimateRequest, KvEstimate, SpeedBound, SpeedEstimate } from '../../estimate/types.ts';
import type { RankWeights } from '../../memory/weights.ts';
import { attentionOf } from '../../model/facts.ts';
import type { SpeedInput } from '../../speed/speedInput.ts';
import { staticBatchSpeed as constants } from './observed.ts';
import type { ResolvedStaticBatch } from './resolve.ts';

/**
 * Speeds of one batch from start to end: all prompts in one prefill, then a step a token for all of them. A step is bound by its
 * launches, unless the GPU takes longer for weights, cache and the copies of it. Stages work one after the other.
 */
export function staticBatchSpeedEstimate(
  { model, device }: EstimateRequest,
  resolved: ResolvedStaticBatch,
  weights: readonly RankWeights[],
  kv: KvEstimate,
): SpeedEstimate {
  const { batchSize, promptTokens, newTokens, tensorParallelSize } = resolved;
  const layers = model.layers.length;
  const peak =
    device.flopsPerSecond[resolved.computeType] ??
    device.flopsPerSecond.float16 ??
    device.flopsPerSecond.bfloat16 ??
    Number.POSITIVE_INFINITY;
  const msPerFlop = 1000 / (tensorParallelSize * peak * constants.compute);
  const msPerByte = 1000 / (device.memoryBytesPerSecond * constants.bandwidth);
  const active = activeParameters({ model });
  const attention = attentionOf(model.layers[0]);
  const width = attention === undefined ? 0 : attention.queryHeads * attention.headSize;
  const weightMs = weights.reduce((sum, { layersBytes }) => sum + layersBytes, 0) * msPerByte;
  const context = promptTokens + newTokens / 2;
  // Attention reads the cache; the copy reads and writes it.
  const cacheMs = 3 * batchSize * context * kv.bytesPerTokenPerRank * weights.length * msPerByte;
  const computeMs = 2 * batchSize * active * msPerFlop;
  const launchMs = constants.stepMs + constants.layerMs * layers;
  const onGpuMs = Math.max(weightMs, computeMs) + cacheMs;
  const tpotMs = Math.max(launchMs, onGpuMs);
  const promptFlops = 2 * active + 2 * layers * promptTokens * width;
  const prefillMs =
    constants.prefillMs + Math.max(batchSize * promptTokens * promptFlops * msPerFlop, weightMs);
  const figures = {
    prefillTokensPerSecond: (1000 * batchSize * promptTokens) / prefillMs,
    ttftMs: prefillMs,
    tpotMs,
    decodeTokensPerSecond: (1000 * batchSize) / tpotMs,
  };
  const band = (value: number): readonly [number, number] => [
    value * (1 - constants.relativeBand),
    value * (1 + constants.relativeBand),
  ];
  return {
    batch: batchSize,
    inputTokens: promptTokens,
    outputTokens: newTokens,
    ...figures,
    bound: boundOf(launchMs, onGpuMs, Math.max(weightMs, cacheMs), computeMs),
    bands: {
      prefillTokensPerSecond: band(figures.prefillTokensPerSecond),
      ttftMs: band(figures.ttftMs),
      tpotMs: band(figures.tpotMs),
      decodeTokensPerSecond: band(figures.decodeTokensPerSecond),
    },
    formula: `step of ${batchSize}: max(launches ${launchMs.toFixed(2)}, weights ${weightMs.toFixed(2)} or compute ${computeMs.toFixed(2)}, and cache ${cacheMs.toFixed(2)}) ms; prefill of the whole batch ${prefillMs.toFixed(2)} ms`,
    source: constants.source,
  };
}

function boundOf(launchMs: number, onGpuMs: number, memoryMs: number, computeMs: number): SpeedBound {
  if (launchMs >= onGpuMs) return 'launch';
  return computeMs > memoryMs ? 'compute' : 'bandwidth';
}

/** Parameters that one token passes, embeddings and head left out. */
function activeParameters({ model }: Pick<EstimateRequest, 'model'>): number {
  let parameters = 0;
  for (const { weights, feedForward } of model.layers) {
    const part = feedForward.kind === 'experts' ? feedForward.activeExperts / feedForward.experts : 1;
    for (const { count, sharding } of weights) parameters += count * (sharding === 'experts' ? part : 1);
  }
  return parameters;
}

/** The same in the terms of the roofline that other engines use: for what compares engines by it. */
export function staticBatchSpeedInput(
  { model, device }: EstimateRequest,
  resolved: ResolvedStaticBatch,
  weights: readonly RankWeights[],
  kv: KvEstimate,
): SpeedInput {
  return {
    model,
    device,
    load: {
      batch: resolved.batchSize,
      inputTokens: resolved.promptTokens,
      outputTokens: resolved.newTokens,
    },
    weightBytesPerStep: weights.reduce((sum, { layersBytes, headBytes }) => sum + layersBytes + headBytes, 0),
    kvBytesPerToken: kv.bytesPerTokenPerRank * weights.length,
    kvTokens: kv.tokens,
    linearParameters: model.parameters.attention + model.parameters.mlp,
    tensorParallelSize: resolved.tensorParallelSize,
    pipelineParallelSize: weights.length,
    maxNumSeqs: resolved.batchSize,
    eager: true,
    computeType: resolved.computeType,
  };
}
