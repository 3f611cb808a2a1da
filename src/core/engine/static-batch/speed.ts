import type { EstimateRequest, KvEstimate, SpeedBound, SpeedEstimate } from '../../estimate/types.ts';
import type { RankWeights } from '../../memory/weights.ts';
import { attentionOf } from '../../model/facts.ts';
import { dollarsPerMillion } from '../../speed/cost.ts';
import { gpuGeneration } from '../../speed/generation.ts';
import type { SpeedInput } from '../../speed/speedInput.ts';
import { staticBatchSpeed as constants } from './observed.ts';
import type { ResolvedStaticBatch } from './resolve.ts';

/**
 * Speeds of one batch from start to end: all prompts in one prefill, then a step a token for all of them. A step is bound by its
 * launches, unless the GPU takes longer for weights, cache and the copies of it. Stages work one after the other.
 */
export function staticBatchSpeedEstimate(
  { model, device, gpuCount }: EstimateRequest,
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
  const systemTokensPerSecond =
    (1000 * batchSize * newTokens) / (prefillMs + Math.max(0, newTokens - 1) * tpotMs);
  // Recorded on one generation of GPUs alone.
  const recorded = gpuGeneration(device) === 'hopper';
  const relativeBand = recorded ? constants.relativeBand : 2 * constants.relativeBand;
  const band = (value: number): readonly [number, number] => [
    value * (1 - relativeBand),
    value * (1 + relativeBand),
  ];
  const paid = { device, gpuCount };
  return {
    batch: batchSize,
    inputTokens: promptTokens,
    outputTokens: newTokens,
    ...figures,
    // A batch comes at once.
    ttftAllAtOnceMs: figures.ttftMs,
    systemTokensPerSecond,
    activeWeightBytes: weights.reduce((sum, { layersBytes }) => sum + layersBytes, 0),
    dollarsPerMillionTokens: dollarsPerMillion(
      paid,
      (systemTokensPerSecond * (promptTokens + newTokens)) / newTokens,
    ),
    dollarsPerMillionOutputTokens: dollarsPerMillion(paid, systemTokensPerSecond),
    evidence: recorded ? 'recorded' : 'assumed',
    bound: boundOf(launchMs, onGpuMs, Math.max(weightMs, cacheMs), computeMs),
    bands: {
      prefillTokensPerSecond: band(figures.prefillTokensPerSecond),
      ttftMs: band(figures.ttftMs),
      tpotMs: band(figures.tpotMs),
      decodeTokensPerSecond: band(figures.decodeTokensPerSecond),
      systemTokensPerSecond: band(systemTokensPerSecond),
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
  { model, device, gpuCount }: EstimateRequest,
  resolved: ResolvedStaticBatch,
  weights: readonly RankWeights[],
  kv: KvEstimate,
): SpeedInput {
  const { parameters } = model;
  const { computeType, tensorParallelSize } = resolved;
  const sum = (bytesOf: (one: RankWeights) => number) =>
    weights.reduce((bytes, one) => bytes + bytesOf(one), 0);
  return {
    engine: 'static-batch',
    model,
    device,
    gpuCount,
    load: {
      batch: resolved.batchSize,
      inputTokens: resolved.promptTokens,
      outputTokens: resolved.newTokens,
    },
    // Every expert is read: the batch is worked through expert by expert.
    dense: {
      bytes: sum(({ layersBytes }) => layersBytes),
      parameters: activeParameters({ model }),
      computeType,
    },
    experts: undefined,
    head: {
      bytes: sum(({ headBytes }) => headBytes),
      parameters: parameters.head > 0 ? parameters.head : parameters.embedding,
      computeType,
    },
    cache: {
      attentions: [
        {
          windowTokens: Number.POSITIVE_INFINITY,
          chunked: false,
          tokensPerEntry: 1,
          bytesPerEntry: kv.bytesPerTokenPerRank * weights.length,
          decodeFlopsPerEntry: 0,
          prefillFlopsPerEntry: 0,
        },
      ],
      stateBytes: 0,
    },
    hostBytes: 0,
    kvTokens: kv.tokens,
    tensorParallelSize,
    pipelineParallelSize: weights.length,
    dataParallelSize: 1,
    maxNumSeqs: resolved.batchSize,
    maxNumBatchedTokens: Math.max(1, resolved.batchSize * resolved.promptTokens),
    eager: true,
    asyncScheduling: false,
    speculative: false,
  };
}
