import type { EstimateRequest, KvEstimate, RankEstimate } from '../../estimate/types.ts';
import { gib, grouped } from '../../estimate/words.ts';
import { layerGroups, modelTraits } from '../../memory/layerGroups.ts';
import type { PipelineStage } from '../../memory/pipeline.ts';
import type { RankWeights } from '../../memory/weights.ts';
import type { EngineEvaluation, Obstacle } from '../engine.ts';
import {
  type BatchMemory,
  batchMemory,
  cacheBytesPerToken,
  type SequenceMemory,
  sequenceMemory,
  stageWeightBytes,
} from './memory.ts';
import { CONTEXT_BYTES, KERNEL_BYTES } from './observed.ts';
import { type ResolvedStaticBatch, resolveStaticBatch } from './resolve.ts';
import { staticBatchSpeedEstimate, staticBatchSpeedInput } from './speed.ts';
import { batchTerms } from './terms.ts';

const MOST_REQUESTS = 2 ** 20;

interface StagePlan {
  readonly stage: PipelineStage;
  readonly weightBytes: number;
  readonly blockBytes: number;
  readonly weights: RankWeights;
  readonly sequence: SequenceMemory;
  readonly memory: BatchMemory;
}

/** Memory, speed and verdict of a program that generates one batch at a time, without a pool of pages. Pure; never throws. */
export function evaluateStaticBatch(request: EstimateRequest): EngineEvaluation {
  const resolved = resolveStaticBatch(request);
  const { newTokens, batchSize, promptTokens } = resolved;
  const plans = resolved.stages.map((stage): StagePlan => {
    const { bytes, blockBytes, weights } = stageWeightBytes(request, resolved, stage);
    const sequence = sequenceMemory(request, resolved, stage);
    const memory = batchMemory(bytes, sequence, batchSize, newTokens > 1);
    return { stage, weightBytes: bytes, blockBytes, weights, sequence, memory };
  });
  const totalBytes = request.cudaTotalBytes ?? request.device.cudaTotalBytes;
  const budget = request.freeBytes ?? totalBytes;
  const maxBatch = largest(MOST_REQUESTS, (batch) =>
    plans.every(
      ({ weightBytes, sequence }) =>
        usedBytes(batchMemory(weightBytes, sequence, batch, newTokens > 1)) <= budget,
    ),
  );
  const perRank = rankEstimates(request, resolved, plans, totalBytes, budget);
  const kv: KvEstimate = {
    bytesPerTokenPerRank: Math.max(
      ...plans.map(({ stage }) => cacheBytesPerToken(layerGroups(request.model, stage), resolved)),
    ),
    // No pages: a token is a token.
    blockSize: 1,
    numBlocks: maxBatch * (promptTokens + newTokens),
    tokens: maxBatch * (promptTokens + newTokens),
    maxConcurrency: maxBatch,
    maxModelLen: promptTokens + newTokens,
    oneRequestBytes: Math.max(...plans.map(({ sequence }) => sequence.cacheBytes)),
    largestMaxModelLen: longestRequest(request, resolved, plans, budget),
    maxBatch,
  };
  const obstacle = findObstacle(request, resolved, plans, kv, budget);
  const weights = plans.map((plan) => plan.weights);
  const speed = staticBatchSpeedInput(request, resolved, weights, kv);
  return {
    engineVersion: resolved.version,
    resolved: resolved.flags,
    perRank,
    kv,
    obstacle,
    speed,
    staticBatch: {
      verdict: fittingVerdict(resolved, perRank, maxBatch),
      speed: staticBatchSpeedEstimate(request, resolved, weights, kv),
    },
    warnings: [...resolved.unusable, ...resolved.warnings, ...closeCall(resolved, obstacle, perRank)],
  };
}

function usedBytes(memory: BatchMemory): number {
  return memory.reservedBytes + CONTEXT_BYTES + KERNEL_BYTES.bytes;
}

/** The largest whole number up to `most` for which it holds, which it does for all smaller ones too; 0 where for none. */
function largest(most: number, holds: (value: number) => boolean): number {
  let [low, high] = [0, most + 1];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (holds(middle)) low = middle;
    else high = middle;
  }
  return low;
}

/** The most tokens of prompt and answer together at this batch, the answer as long as it is. */
function longestRequest(
  request: EstimateRequest,
  resolved: ResolvedStaticBatch,
  plans: readonly StagePlan[],
  budget: number,
): number {
  const { newTokens, batchSize } = resolved;
  const most = request.model.maxPositionEmbeddings - newTokens;
  const prompt = largest(Math.max(0, most), (promptTokens) =>
    plans.every(({ stage, weightBytes }) => {
      const sequence = sequenceMemory(request, { ...resolved, promptTokens }, stage);
      return usedBytes(batchMemory(weightBytes, sequence, batchSize, newTokens > 1)) <= budget;
    }),
  );
  return prompt === 0 ? 0 : prompt + newTokens;
}

function rankEstimates(
  request: EstimateRequest,
  resolved: ResolvedStaticBatch,
  plans: readonly StagePlan[],
  totalBytes: number,
  budget: number,
): readonly RankEstimate[] {
  const ranks: RankEstimate[] = [];
  // More ranks than a node ever had would only repeat themselves.
  const width = Math.min(resolved.tensorParallelSize, 64);
  for (const { weightBytes, blockBytes, sequence, memory } of plans) {
    const terms = batchTerms(request, resolved, { bytes: weightBytes, blockBytes }, sequence, memory);
    for (let rank = 0; rank < width; rank++) {
      ranks.push({
        rank: ranks.length,
        terms,
        requestedBytes: budget,
        totalBytes,
        ...(request.freeBytes === undefined ? undefined : { freeBytes: request.freeBytes }),
        // What is left beside the batch: its cache is a term.
        availableKvBytes: budget - usedBytes(memory),
      });
    }
  }
  return ranks;
}

function findObstacle(
  request: EstimateRequest,
  resolved: ResolvedStaticBatch,
  plans: readonly StagePlan[],
  kv: KvEstimate,
  budget: number,
): Obstacle | undefined {
  const bad = resolved.unusable[0];
  if (bad !== undefined) {
    return { kind: 'flag-value', reason: bad.message, causeFlag: String(bad.path?.[1] ?? 'batch-size') };
  }
  const parallel = parallelismObstacle(request, resolved);
  if (parallel !== undefined) return parallel;
  for (const { weightBytes } of plans) {
    if (weightBytes + CONTEXT_BYTES > budget) {
      return {
        kind: 'weights',
        reason: `the weights alone take ${gib(weightBytes)} GiB of ${gib(budget)}`,
        causeFlag: resolved.tensorParallelSize > 1 ? 'tensor-parallel-size' : 'model',
      };
    }
  }
  const over = plans.find(({ memory }) => usedBytes(memory) > budget);
  if (over === undefined) return undefined;
  const tokens = grouped(resolved.promptTokens + resolved.newTokens);
  const best =
    kv.maxBatch === 0
      ? 'not even one request fits'
      : `the largest batch that fits is ${grouped(kv.maxConcurrency)}`;
  return {
    kind: 'batch-size',
    reason: `a batch of ${grouped(resolved.batchSize)} at ${tokens} tokens takes ${gib(usedBytes(over.memory))} GiB of ${gib(budget)}; ${best}`,
    causeFlag: 'batch-size',
  };
}

function parallelismObstacle(
  request: EstimateRequest,
  { tensorParallelSize: tensor, pipelineParallelSize: pipeline }: ResolvedStaticBatch,
): Obstacle | undefined {
  const { queryHeads } = modelTraits(request.model);
  const layers = request.model.layers.length;
  const obstacle = (reason: string, causeFlag: string): Obstacle => ({
    kind: 'parallelism',
    reason,
    causeFlag,
  });
  if (queryHeads % tensor !== 0) {
    return obstacle(
      `${queryHeads} attention heads cannot be split over ${grouped(tensor)} GPUs`,
      'tensor-parallel-size',
    );
  }
  if (pipeline > layers) {
    return obstacle(
      `${layers} layers make no ${grouped(pipeline)} pipeline stages`,
      'pipeline-parallel-size',
    );
  }
  if (tensor * pipeline > request.gpuCount) {
    return obstacle(
      `tensor-parallel ${grouped(tensor)} x pipeline-parallel ${grouped(pipeline)} needs ${grouped(tensor * pipeline)} GPUs, there ${request.gpuCount === 1 ? 'is' : 'are'} ${request.gpuCount}`,
      tensor > 1 ? 'tensor-parallel-size' : 'pipeline-parallel-size',
    );
  }
  return undefined;
}

/** Where it fits: tight where the upper ends of the bands do not. */
function fittingVerdict(
  resolved: ResolvedStaticBatch,
  perRank: readonly RankEstimate[],
  maxBatch: number,
): { readonly outcome: 'fits' | 'tight'; readonly reason: string; readonly causeFlag?: string } {
  const { batchSize, promptTokens, newTokens } = resolved;
  let [fullest, used, high] = [perRank[0], 0, 0];
  for (const rank of perRank) {
    const bytes = rank.requestedBytes - rank.availableKvBytes;
    if (bytes < used) continue;
    fullest = rank;
    used = bytes;
    high = rank.terms.reduce((sum, { highBytes }) => sum + highBytes, 0);
  }
  const budget = fullest?.requestedBytes ?? 0;
  const runsOut =
    maxBatch < MOST_REQUESTS ? `the largest that fits is ${grouped(maxBatch)}` : 'no batch is too large';
  const reason = `a batch of ${grouped(batchSize)} at ${grouped(promptTokens + newTokens)} tokens takes ${gib(used)} GiB of ${gib(budget)}; ${runsOut}`;
  return high > budget
    ? {
        outcome: 'tight',
        reason: `${reason}; it may take up to ${gib(high)} GiB`,
        causeFlag: 'batch-size',
      }
    : { outcome: 'fits', reason };
}

/** A batch that is too large by what the allocator holds alone. */
function closeCall(
  { batchSize }: ResolvedStaticBatch,
  obstacle: Obstacle | undefined,
  perRank: readonly RankEstimate[],
) {
  if (obstacle?.kind !== 'batch-size') return [];
  const lowest = Math.max(
    ...perRank.map(
      ({ terms, requestedBytes }) => terms.reduce((sum, { lowBytes }) => sum + lowBytes, 0) - requestedBytes,
    ),
  );
  if (lowest > 0) return [];
  return [
    {
      code: 'verdict.within-band',
      message: `A batch of ${grouped(batchSize)} runs out by what torch's allocator holds unused; PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True may let it fit.`,
    },
  ];
}
