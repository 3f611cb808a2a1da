import type { EstimateRequest } from '../../estimate/types.ts';
import { plainFormat } from '../../memory/kv/cacheFormat.ts';
import { modelTraits } from '../../memory/layerGroups.ts';
import { type PipelineStage, pipelineStages, writtenStages } from '../../memory/pipeline.ts';
import type { ModelFacts } from '../../model/facts.ts';
import { GiB } from '../../units.ts';
import type { FlagValue } from '../deployment.ts';
import { FlagReader } from '../flagReader.ts';
import { wholeNumber } from '../flagValues.ts';
import { derivedContext } from './contextLimit.ts';
import { deploymentWarnings } from './flagWarnings.ts';
import { capturedGraphs } from './graphs.ts';
import { jsonFlag, refuseTornJson } from './jsonFlag.ts';
import { type KvFlags, readKvFlags } from './kvFlags.ts';
import type { LoraSlots } from './lora.ts';
import { expertPadding, quantizedWeights } from './quantization.ts';
import type { ResolvedVllm } from './resolved.ts';
import { readSpeculation } from './speculation.ts';
import { batchDefaults, oldChunkedPrefill } from './versions/batchDefaults.ts';
import type { ModelRunner, VllmProfile } from './versions/profile.ts';
import { profileOf } from './versions/profiles.ts';
import { releaseIndex } from './versions/releases.ts';
import { modelRunner } from './versions/runner.ts';

const dataTypes = {
  auto: 'auto',
  bfloat16: 'bfloat16',
  half: 'float16',
  float16: 'float16',
  float: 'float32',
  float32: 'float32',
} as const;

/** Fills in every default as vLLM does; flags are canonical names. Never throws. */
export function resolveVllm(request: EstimateRequest): ResolvedVllm {
  const { deployment, model, device } = request;
  const { profile, match } = profileOf(deployment.engineVersion);
  const runner = modelRunner(request, profile);
  const flags = new FlagReader(deployment.flags);
  refuseTornJson(flags, deployment.flags);
  const totalBytes = request.cudaTotalBytes ?? device.cudaTotalBytes;

  // Since 0.11.1 a model that LongRoPE stretches keeps its short context unless more is asked for (vLLM PR 27431).
  const shortContext = profile.release >= releaseIndex('0.11.2') ? model.originalContext : undefined;
  const slidingWindow = !flags.isOn('disable-sliding-window', false);
  const longestContext = derivedContext(model, profile.release, slidingWindow);
  const maxModelLen = readMaxModelLen(flags, Math.min(shortContext ?? longestContext, longestContext));
  const batch = readBatch(flags, profile, runner, request, totalBytes, maxModelLen ?? longestContext);
  const written = flags.choice('dtype', dataTypes) ?? 'auto';
  const dataType = resolveDataType(written, model.dataType, device.computeCapability);
  const elementBytes = dataType === 'float32' ? 4 : 2;
  const kv = asCheckpointSays(readKvFlags(flags, profile.release), model, profile);
  const quantization = quantizedWeights(deployment, model, elementBytes);
  const eager = flags.isOn('enforce-eager', false);
  const traits = modelTraits(model);

  const numbers = {
    gpuMemoryUtilization: flags.fraction('gpu-memory-utilization', 1) ?? profile.gpuMemoryUtilization,
    tensorParallelSize: flags.whole('tensor-parallel-size', 1) ?? 1,
    pipelineParallelSize: flags.whole('pipeline-parallel-size', 1) ?? 1,
    dataParallelSize: flags.whole('data-parallel-size', 1) ?? 1,
    decodeContextParallelSize: flags.whole('decode-context-parallel-size', 1) ?? 1,
    prefillContextParallelSize: flags.whole('prefill-context-parallel-size', 1) ?? 1,
    kvCacheMemoryBytes: flags.whole('kv-cache-memory-bytes', 1),
    blocksOverride: flags.whole('num-gpu-blocks-override', 1),
    asyncScheduling: flags.isOn('async-scheduling', true),
  };
  return {
    profile,
    runner,
    totalBytes,
    freeBytes: request.freeBytes,
    maxModelLen,
    longestContext,
    maxNumSeqs: batch.maxNumSeqs,
    maxNumBatchedTokens: batch.maxNumBatchedTokens,
    chunkedPrefill: batch.chunkedPrefill,
    gpuMemoryUtilization: numbers.gpuMemoryUtilization,
    tensorParallelSize: numbers.tensorParallelSize,
    pipelineParallelSize: numbers.pipelineParallelSize,
    dataParallelSize: numbers.dataParallelSize,
    contextParallelSize: contextParallelSize(profile, numbers),
    prefillContextParallelSize: numbers.prefillContextParallelSize,
    kvCacheMemoryBytes: numbers.kvCacheMemoryBytes,
    blocksOverride: numbers.blocksOverride,
    asyncScheduling: numbers.asyncScheduling,
    stages: readStages(request, profile, numbers.pipelineParallelSize),
    expertParallel: traits.experts && flags.isOn('enable-expert-parallel', false),
    elementBytes,
    computeType: dataType === 'float16' ? 'float16' : 'bfloat16',
    kv,
    blockSize: kv.blockSize ?? profile.blockSize,
    eager,
    graphs: capturedGraphs(request, profile, flags, batch, eager),
    // Models with a state kept no prefixes by default before they could be aligned.
    prefixCaching: flags.isOn('enable-prefix-caching', runner !== 'V0'),
    concurrentSteps: concurrentSteps(profile, runner, numbers),
    encoder: traits.encoder && readsMedia(flags),
    encoderReplicated: flags.value('mm-encoder-tp-mode') === 'data',
    lora: readLora(flags, profile),
    speculation: readSpeculation(flags.value('speculative-config'), model, request.draft),
    offloadBytes: (flags.atLeast('cpu-offload-gb', 0) ?? 0) * GiB,
    quantization: quantization?.method,
    quantizedWeightBytes: quantization?.bytesPerWeight,
    expertPadding: expertPadding(quantization?.method, device.computeCapability),
    quantizedWeightBand: quantization?.band ?? noBand,
    flags: withOthers(deployment.flags, {
      'max-model-len': maxModelLen ?? 'auto',
      'gpu-memory-utilization': numbers.gpuMemoryUtilization,
      'max-num-seqs': batch.maxNumSeqs,
      'max-num-batched-tokens': batch.maxNumBatchedTokens,
      'tensor-parallel-size': numbers.tensorParallelSize,
      'pipeline-parallel-size': numbers.pipelineParallelSize,
      dtype: dataType,
      'kv-cache-dtype': cacheDataType(flags, kv),
      'block-size': kv.blockSize ?? profile.blockSize,
      'enforce-eager': eager,
    }),
    warnings: deploymentWarnings(request, profile, match, quantization).filter(
      ({ code, path }) => code !== 'flag.not-estimated' || !flags.isUnusable(path?.[1]),
    ),
    unusable: flags.unusable,
  };
}

/** The resolved flags, and as written those that are not resolved. A spread of flags would cost a tenth of the estimate. */
function withOthers(
  written: Readonly<Record<string, FlagValue>>,
  resolved: Record<string, FlagValue>,
): Readonly<Record<string, FlagValue>> {
  for (const [name, value] of Object.entries(written)) {
    if (!Object.hasOwn(resolved, name)) resolved[name] = value;
  }
  return resolved;
}

const noBand = { below: 0, above: 0 };

function readMaxModelLen(flags: FlagReader, modelMaximum: number): number | null {
  const value = flags.value('max-model-len');
  if (value === 'auto' || value === -1 || value === '-1') return null;
  return flags.whole('max-model-len', 1) ?? modelMaximum;
}

/**
 * `auto` is fp8 where the checkpoint says so: `kv_cache_quant_algo` of ModelOpt, `kv_cache_scheme` of compressed-tensors.
 * Source: vLLM 0.15, utils/torch_utils.py, `resolve_kv_cache_dtype_string`; attention/layer.py. 0.13 had none of it.
 */
function asCheckpointSays(kv: KvFlags, { quantization }: ModelFacts, { release }: VllmProfile): KvFlags {
  const isStated = quantization?.fp8KvCache === true && release >= releaseIndex('0.15.1');
  return kv.format === undefined && isStated ? { ...kv, format: plainFormat(1) } : kv;
}

function cacheDataType(flags: FlagReader, { format }: KvFlags): FlagValue {
  const written = flags.value('kv-cache-dtype') ?? 'auto';
  return written === 'auto' && format !== undefined ? 'fp8' : written;
}

/** engine/arg_utils.py, `_set_default_max_num_seqs_and_batched_tokens_args`. */
function readBatch(
  flags: FlagReader,
  profile: VllmProfile,
  runner: ModelRunner,
  request: EstimateRequest,
  totalBytes: number,
  maxModelLen: number,
): { maxNumSeqs: number; maxNumBatchedTokens: number; chunkedPrefill: boolean } {
  const defaults = batchDefaults(request, profile, runner, totalBytes);
  const factor = flags.value('performance-mode') === 'throughput' ? 2 : 1;
  const writtenSeqs = flags.whole('max-num-seqs', 1);
  const writtenTokens = flags.whole('max-num-batched-tokens', 1);
  const chunked = flags.isOn(
    'enable-chunked-prefill',
    runner === 'V0' ? oldChunkedPrefill(request, maxModelLen) : true,
  );
  let maxNumBatchedTokens = writtenTokens ?? defaults.maxNumBatchedTokens * factor;
  if (writtenTokens === undefined) {
    if (!chunked) maxNumBatchedTokens = Math.max(maxNumBatchedTokens, maxModelLen);
    if (runner !== 'V0') {
      const seqs = writtenSeqs ?? defaults.maxNumSeqs * factor;
      maxNumBatchedTokens = Math.min(maxNumBatchedTokens, seqs * maxModelLen);
    }
  }
  const maxNumSeqs = writtenSeqs ?? Math.min(defaults.maxNumSeqs * factor, maxNumBatchedTokens);
  return { maxNumSeqs, maxNumBatchedTokens, chunkedPrefill: chunked };
}

/** `auto`: a float32 model is served in 16 bits, and bfloat16 needs compute capability 8.0. */
function resolveDataType(
  written: (typeof dataTypes)[keyof typeof dataTypes],
  modelType: string,
  computeCapability: string,
): 'bfloat16' | 'float16' | 'float32' {
  if (written !== 'auto') return written;
  if (modelType === 'float16') return 'float16';
  return Number.parseFloat(computeCapability) >= 8 ? 'bfloat16' : 'float16';
}

function readStages(
  { model, deployment }: EstimateRequest,
  profile: VllmProfile,
  size: number,
): readonly PipelineStage[] {
  const layers = model.layers.length;
  const count = Math.min(size, layers);
  const partition = deployment.environment?.['VLLM_PP_LAYER_PARTITION'];
  const written = partition === undefined ? undefined : writtenStages(partition, layers, count);
  const remainder = profile.release < releaseIndex('0.8.5.post1') ? 'last' : 'before-last';
  return written ?? pipelineStages(layers, count, remainder);
}

/**
 * Ranks that a request's keys and values are spread over. Up to 0.25 those of prefill and decode context parallelism multiplied; since
 * 0.26 decode context parallelism spans the prefill ranks, and without it each of them has the whole cache.
 * Source: v1/kv_cache_interface.py, max_memory_usage_bytes; config/parallel.py.
 */
function contextParallelSize(
  profile: VllmProfile,
  sizes: { readonly decodeContextParallelSize: number; readonly prefillContextParallelSize: number },
): number {
  const { decodeContextParallelSize: decode, prefillContextParallelSize: prefill } = sizes;
  return profile.release < releaseIndex('0.26.0') ? decode * prefill : decode;
}

/** config/vllm.py, `max_concurrent_batches`; before 0.26 one step was reckoned with. */
function concurrentSteps(
  profile: VllmProfile,
  runner: ModelRunner,
  {
    pipelineParallelSize,
    asyncScheduling,
  }: { readonly pipelineParallelSize: number; readonly asyncScheduling: boolean },
): number {
  if (profile.inFlight === 'one-step') return 1;
  if (!asyncScheduling) return pipelineParallelSize;
  if (runner === 'V2') return pipelineParallelSize + 1;
  return pipelineParallelSize === 1 ? 2 : pipelineParallelSize;
}

/** False where every kind of medium is limited to none, or the model is to take text alone. */
function readsMedia(flags: FlagReader): boolean {
  if (flags.isOn('language-model-only', false)) return false;
  const limits = flags.value('limit-mm-per-prompt');
  if (limits === undefined) return true;
  const parsed = jsonFlag(limits);
  const counts =
    parsed === undefined
      ? // `image=0,video=0`, as older releases took it.
        [...String(limits).matchAll(/=\s*(\d+)/g)].map(([, count]) => Number(count))
      : Object.values(parsed).map((limit) =>
          typeof limit === 'object' && limit !== null && 'count' in limit ? limit.count : limit,
        );
  return counts.length === 0 || counts.some((count) => count !== 0);
}

function readLora(flags: FlagReader, profile: VllmProfile): LoraSlots | undefined {
  if (!flags.isOn('enable-lora', false)) return undefined;
  const extra = profile.release < releaseIndex('0.13.0') ? 256 : 0;
  return {
    maxLoras: flags.whole('max-loras', 1) ?? 1,
    rank: flags.whole('max-lora-rank', 1) ?? 16,
    fullySharded: flags.isOn('fully-sharded-loras', false),
    extraVocabulary: extra === 0 ? 0 : (wholeNumber(flags.value('lora-extra-vocab-size') ?? extra) ?? extra),
  };
}
