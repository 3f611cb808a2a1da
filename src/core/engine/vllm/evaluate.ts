import type { EstimateLoad, EstimateRequest, KvEstimate, RankEstimate } from '../../estimate/types.ts';
import { longestThatFits } from '../../longestThatFits.ts';
import { blocksThatFit, kvCapacity, largestLength, requestBytes } from '../../memory/kv/capacity.ts';
import type { KvLayout } from '../../memory/kv/layout.ts';
import { modelTraits } from '../../memory/layerGroups.ts';
import type { EngineEvaluation } from '../engine.ts';
import { contextLimitLifted } from './contextLimit.ts';
import { kvObstacle } from './kvObstacle.ts';
import { type KvPlanInput, kvPlan, kvReads } from './kvPlan.ts';
import { findObstacle } from './obstacle.ts';
import { resolveVllm } from './resolve.ts';
import type { ResolvedVllm } from './resolved.ts';
import { vllmSpeedInput } from './speedInput.ts';
import { rankEstimate, type StageMemory, stageMemory } from './stageMemory.ts';

/** vLLM's memory, KV cache and start-up checks for one deployment. Pure; never throws. */
export function evaluateVllm(request: EstimateRequest): EngineEvaluation {
  const resolved = resolveVllm(request);
  const { model } = request;
  const { stages } = resolved;
  const memories = stages.map((stage) => stageMemory(request, resolved, stage));
  const planned: KvPlanInput = {
    version: resolved.profile.version,
    computeCapability: request.device.computeCapability,
    tensorParallelSize: resolved.tensorParallelSize,
    elementBytes: resolved.elementBytes,
    contextParallelSize: resolved.contextParallelSize,
    speculation: resolved.speculation,
    flags: resolved.kv,
  };
  const layout = kvPlan(model, stages, planned);
  const kv = kvEstimate(request, resolved, layout, memories, (length) =>
    stages.map((stage) => stageMemory(request, { ...resolved, maxModelLen: length }, stage).availableKvBytes),
  );
  return {
    engineVersion: request.deployment.engineVersion ?? resolved.profile.version,
    resolved:
      resolved.maxModelLen === null ? { ...resolved.flags, 'max-model-len': kv.maxModelLen } : resolved.flags,
    perRank: perRank(resolved, memories),
    kv,
    obstacle: findObstacle(request, resolved, memories, kv) ?? kvObstacle(resolved, layout, memories, kv),
    speed: vllmSpeedInput(request, resolved, memories, {
      kv,
      cache: kvReads(model, planned, layout),
      load: request.load ?? defaultLoad(resolved, kv),
    }),
    warnings: [...resolved.unusable, ...resolved.warnings],
  };
}

function kvEstimate(
  request: EstimateRequest,
  resolved: ResolvedVllm,
  layout: KvLayout,
  memories: readonly StageMemory[],
  availableAt: (maxModelLen: number) => readonly number[],
): KvEstimate {
  const override = resolved.blocksOverride;
  // Blocks that are asked for outright take the place of the memory that was found.
  const available =
    override === undefined
      ? memories.map((memory) => memory.availableKvBytes)
      : layout.blockBytesByStage.map((bytes) => bytes * override);
  const fitting = override ?? blocksThatFit(layout, available);
  const inFlightTokens = resolved.maxNumBatchedTokens * resolved.concurrentSteps;
  const longest = longestContext(request, resolved);
  const longestWith = (bytes: readonly number[]) => largestLength(layout, bytes, longest, inFlightTokens);
  const asked = longestWith(available);
  const largestMaxModelLen =
    override === undefined && modelTraits(request.model).latent
      ? longestOfLatent(asked, longest, resolved.maxModelLen, (length) => longestWith(availableAt(length)))
      : asked;
  const maxModelLen = resolved.maxModelLen ?? Math.max(1, largestMaxModelLen);
  const capacity = kvCapacity(layout, fitting, maxModelLen, inFlightTokens);
  return {
    bytesPerTokenPerRank: layout.bytesPerToken,
    blockSize: Math.min(layout.blockSize, maxModelLen),
    numBlocks: capacity.numBlocks,
    tokens: capacity.tokens,
    maxConcurrency: capacity.maxConcurrency,
    maxModelLen,
    oneRequestBytes: Math.max(
      ...layout.reckonedBytesByStage.map((_, stage) =>
        requestBytes(layout, stage, maxModelLen, inFlightTokens),
      ),
    ),
    largestMaxModelLen,
  };
}

/** From here on the chunked prefill's workspace of latent attention is as large as it gets, whatever the context. */
const LATENT_WORKSPACE_ENDS = 8192;

/**
 * The workspace of latent attention grows with max-model-len and takes memory from the cache: what fits is looked for with the memory
 * that is left at that length. `asked`: what fits in the memory at the length that is asked for, which is what vLLM prints.
 */
function longestOfLatent(
  asked: number,
  limit: number,
  maxModelLen: number | null,
  longestAt: (maxModelLen: number) => number,
): number {
  if (Math.min(asked, maxModelLen ?? limit) >= LATENT_WORKSPACE_ENDS) return asked;
  return longestThatFits(limit, (length) => longestAt(length) >= length);
}

/** What the model was made for; more only where overrides, which are not read, may have stretched it. */
function longestContext(request: EstimateRequest, resolved: ResolvedVllm): number {
  return contextLimitLifted(request)
    ? Math.max(resolved.longestContext, resolved.maxModelLen ?? 0)
    : resolved.longestContext;
}

function perRank(resolved: ResolvedVllm, memories: readonly StageMemory[]): RankEstimate[] {
  const ranks: RankEstimate[] = [];
  // More ranks than a node ever had would only repeat themselves.
  const width = Math.min(resolved.tensorParallelSize, 64);
  for (const memory of memories) {
    for (let rank = 0; rank < width; rank++) {
      ranks.push(rankEstimate(ranks.length, memory, resolved));
    }
  }
  return ranks;
}

/** What speeds are given for where nobody says: 32 chat turns at once, or what the deployment allows. */
function defaultLoad(resolved: ResolvedVllm, kv: KvEstimate): EstimateLoad {
  const outputTokens = Math.max(1, Math.min(128, Math.floor(kv.maxModelLen / 2)));
  return {
    batch: Math.min(32, resolved.maxNumSeqs),
    inputTokens: Math.max(1, Math.min(512, kv.maxModelLen - outputTokens)),
    outputTokens,
  };
}
