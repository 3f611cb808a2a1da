import type { EstimateRequest, KvEstimate } from '../../estimate/types.ts';
import { gib, grouped } from '../../estimate/words.ts';
import { modelTraits } from '../../memory/layerGroups.ts';
import { paddedVocabulary } from '../../memory/weights.ts';
import type { Obstacle } from '../engine.ts';
import { contextLimitLifted } from './contextLimit.ts';
import { kvDataTypeObstacle } from './kvDataType.ts';
import type { ResolvedVllm } from './resolved.ts';
import type { StageMemory } from './stageMemory.ts';

/** The first check of vLLM's start that fails, in the order in which the engine makes them; undefined where it starts. */
export function findObstacle(
  request: EstimateRequest,
  resolved: ResolvedVllm,
  memories: readonly StageMemory[],
  kv: KvEstimate,
): Obstacle | undefined {
  const bad = resolved.unusable[0];
  if (bad !== undefined) {
    return { kind: 'flag-value', reason: bad.message, causeFlag: String(bad.path?.[1] ?? 'model') };
  }
  return (
    refusedValue(request, resolved) ??
    parallelismObstacle(request, resolved) ??
    memories.map((memory) => memoryObstacle(resolved, memory)).find((found) => found !== undefined) ??
    lengthObstacle(resolved, memories, kv)
  );
}

/** Values that are well formed and that vLLM refuses for this model or GPU before it takes any memory. */
function refusedValue(request: EstimateRequest, resolved: ResolvedVllm): Obstacle | undefined {
  const { device } = request;
  if (
    resolved.maxModelLen !== null &&
    resolved.maxModelLen > resolved.longestContext &&
    !contextLimitLifted(request)
  ) {
    return {
      kind: 'context-length',
      reason: `vLLM refuses max-model-len ${grouped(resolved.maxModelLen)}: the model was made for ${grouped(resolved.longestContext)} tokens (VLLM_ALLOW_LONG_MAX_MODEL_LEN=1 lifts that)`,
      causeFlag: 'max-model-len',
    };
  }
  if (resolved.flags['dtype'] === 'bfloat16' && Number.parseFloat(device.computeCapability) < 8) {
    return {
      kind: 'data-type',
      reason: `vLLM refuses bfloat16 on ${device.label}: compute capability ${device.computeCapability} has none`,
      causeFlag: 'dtype',
    };
  }
  return (
    kvDataTypeObstacle(request, resolved) ??
    refusedBatch(resolved, resolved.maxModelLen ?? resolved.longestContext)
  );
}

/** Source: vLLM config/scheduler.py, verify_max_model_len. */
function refusedBatch(resolved: ResolvedVllm, maxModelLen: number): Obstacle | undefined {
  const { maxNumBatchedTokens, maxNumSeqs, chunkedPrefill } = resolved;
  const refused = (why: string): Obstacle => ({
    kind: 'refused-flag',
    reason: `vLLM refuses max-num-batched-tokens ${grouped(maxNumBatchedTokens)} ${why}`,
    causeFlag: 'max-num-batched-tokens',
  });
  if (maxNumBatchedTokens < maxNumSeqs) {
    return refused(`below max-num-seqs ${grouped(maxNumSeqs)}: each sequence needs a token a step`);
  }
  if (!chunkedPrefill && maxNumBatchedTokens < maxModelLen) {
    return refused(
      `below max-model-len ${grouped(maxModelLen)} without chunked prefill: a whole prompt fits no step`,
    );
  }
  return undefined;
}

function parallelismObstacle(request: EstimateRequest, resolved: ResolvedVllm): Obstacle | undefined {
  const { tensorParallelSize: tensor, pipelineParallelSize: pipeline } = resolved;
  const { queryHeads, keyValueHeads, latent } = modelTraits(request.model);
  const obstacle = (reason: string, causeFlag: string): Obstacle => ({
    kind: 'parallelism',
    reason,
    causeFlag,
  });
  if (queryHeads % tensor !== 0) {
    return obstacle(
      `the ${queryHeads} attention heads cannot be split over tensor-parallel-size ${tensor}`,
      'tensor-parallel-size',
    );
  }
  // Latents are not split: every rank has them whole.
  if (!latent && keyValueHeads % tensor !== 0 && tensor % keyValueHeads !== 0) {
    return obstacle(
      `the ${keyValueHeads} KV heads can be neither split nor repeated over tensor-parallel-size ${tensor}`,
      'tensor-parallel-size',
    );
  }
  const rows = paddedVocabulary(request.model.vocabularySize);
  if (rows % tensor !== 0) {
    return obstacle(
      `the vocabulary, padded to ${grouped(rows)}, cannot be split over tensor-parallel-size ${tensor}`,
      'tensor-parallel-size',
    );
  }
  if (pipeline > request.model.layers.length) {
    return obstacle(
      `pipeline-parallel-size ${pipeline} is more than the model's ${request.model.layers.length} layers`,
      'pipeline-parallel-size',
    );
  }
  const prefill = resolved.prefillContextParallelSize;
  const needed = tensor * prefill * pipeline * resolved.dataParallelSize;
  if (needed > request.gpuCount) {
    const causeFlag =
      tensor > 1 ? 'tensor-parallel-size' : pipeline > 1 ? 'pipeline-parallel-size' : 'data-parallel-size';
    return obstacle(
      `${needed} GPUs are needed (tensor ${tensor}${prefill > 1 ? ` x prefill context ${prefill}` : ''} x pipeline ${pipeline} x data ${resolved.dataParallelSize}), ${request.gpuCount} given`,
      causeFlag,
    );
  }
  return undefined;
}

/** In the engine's order: what is asked for is free, the weights load, the profile run ends, something is left for the cache. */
function memoryObstacle(resolved: ResolvedVllm, memory: StageMemory): Obstacle | undefined {
  const bytesOf = (id: string) => memory.terms.find((term) => term.id === id)?.bytes ?? 0;
  const free = (resolved.freeBytes ?? resolved.totalBytes) - bytesOf('context');
  const shared = resolved.freeBytes === undefined ? '' : ' beside other processes';
  if (resolved.kvCacheMemoryBytes === undefined && memory.requestedBytes > free) {
    return {
      kind: 'free-memory',
      reason: `gpu-memory-utilization ${resolved.gpuMemoryUtilization} asks for ${gib(memory.requestedBytes)} GiB, ${gib(free)} are free once CUDA is up${shared}`,
      causeFlag: 'gpu-memory-utilization',
    };
  }
  const weights = bytesOf('weights') + bytesOf('lora') + bytesOf('draft-weights');
  if (weights > free) {
    return {
      kind: 'weights',
      reason: `weights alone take ${gib(weights)} GiB, the GPU has ${gib(free)} free${shared}`,
      causeFlag: 'model',
    };
  }
  const peak = bytesOf('activation-peak') + bytesOf('encoder-peak');
  if (weights + peak > free) {
    return {
      kind: 'profile-run',
      reason: `the profile run needs ${gib(peak)} GiB beside ${gib(weights)} of weights, the GPU has ${gib(free)} free${shared}`,
      causeFlag: 'max-num-batched-tokens',
    };
  }
  if (resolved.kvCacheMemoryBytes !== undefined) {
    return memory.requestedBytes > free
      ? {
          kind: 'no-kv-memory',
          reason: `weights, activations and a KV cache of ${gib(memory.availableKvBytes)} GiB take ${gib(memory.requestedBytes)} GiB, the GPU has ${gib(free)} free${shared}`,
          causeFlag: 'kv-cache-memory-bytes',
        }
      : undefined;
  }
  if (memory.availableKvBytes <= 0) {
    const charged = memory.terms.filter((term) => term.charged);
    return {
      kind: 'no-kv-memory',
      reason: `nothing is left for the KV cache: ${charged.map((term) => `${term.id} ${gib(term.bytes)}`).join(' + ')} GiB of ${gib(memory.requestedBytes)} asked for`,
      // Where the whole GPU would not do either, the model is too large for it.
      causeFlag: memory.requestedBytes - memory.availableKvBytes < free ? 'gpu-memory-utilization' : 'model',
    };
  }
  return undefined;
}

function lengthObstacle(
  resolved: ResolvedVllm,
  memories: readonly StageMemory[],
  kv: KvEstimate,
): Obstacle | undefined {
  const available = Math.min(...memories.map((memory) => memory.availableKvBytes));
  if (kv.maxModelLen <= kv.largestMaxModelLen) return undefined;
  if (resolved.blocksOverride !== undefined) {
    return {
      kind: 'max-model-len',
      reason: `num-gpu-blocks-override ${grouped(resolved.blocksOverride)} holds one request of ${grouped(kv.largestMaxModelLen)} tokens at most, max-model-len is ${grouped(kv.maxModelLen)}`,
      causeFlag: 'max-model-len',
    };
  }
  return {
    kind: 'max-model-len',
    reason: `one request of ${grouped(kv.maxModelLen)} tokens needs ${gib(kv.oneRequestBytes)} GiB of KV, ${gib(available)} available${kv.largestMaxModelLen > 0 ? `; the longest that fits is ${grouped(kv.largestMaxModelLen)}` : ''}`,
    causeFlag: resolved.maxModelLen === null ? 'gpu-memory-utilization' : 'max-model-len',
  };
}
