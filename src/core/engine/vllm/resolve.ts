import type { EstimateRequest } from '../../estimate/types.ts';
import { FlagReader } from './flagReader.ts';
import { deploymentWarnings } from './flagWarnings.ts';
import { quantizedWeights } from './quantization.ts';
import type { ResolvedVllm } from './resolved.ts';
import type { VllmProfile } from './versions/profile.ts';
import { profileOf } from './versions/profiles.ts';

const dataTypes = {
  auto: 'auto',
  bfloat16: 'bfloat16',
  half: 'float16',
  float16: 'float16',
  float: 'float32',
  float32: 'float32',
} as const;

const kvElementBytes = {
  auto: 'auto',
  bfloat16: 2,
  float16: 2,
  fp8: 1,
  fp8_e4m3: 1,
  fp8_e5m2: 1,
  fp8_inc: 1,
} as const;

/** Fills in every default as vLLM does; flags are canonical names. Never throws. */
export function resolveVllm(request: EstimateRequest): ResolvedVllm {
  const { deployment, model, device } = request;
  const { profile, exact } = profileOf(deployment.engineVersion);
  const flags = new FlagReader(deployment.flags);
  const totalBytes = request.cudaTotalBytes ?? device.cudaTotalBytes;

  const maxModelLen = readMaxModelLen(flags, model.maxPositionEmbeddings);
  const batch = readBatch(flags, profile, request, totalBytes, maxModelLen ?? model.maxPositionEmbeddings);
  const written = flags.choice('dtype', dataTypes) ?? 'auto';
  const dataType = resolveDataType(written, model.dataType, device.computeCapability);
  const elementBytes = dataType === 'float32' ? 4 : 2;
  const kvChoice = flags.choice('kv-cache-dtype', kvElementBytes) ?? 'auto';
  const blockSize = flags.whole('block-size', 1) ?? profile.blockSize;
  if (blockSize % 16 !== 0) flags.refuse('block-size', 'a multiple of 16');
  const quantization = quantizedWeights(deployment, model, elementBytes);

  const numbers = {
    gpuMemoryUtilization: flags.fraction('gpu-memory-utilization', 1) ?? profile.gpuMemoryUtilization,
    tensorParallelSize: flags.whole('tensor-parallel-size', 1) ?? 1,
    pipelineParallelSize: flags.whole('pipeline-parallel-size', 1) ?? 1,
    dataParallelSize: flags.whole('data-parallel-size', 1) ?? 1,
    kvCacheMemoryBytes: flags.whole('kv-cache-memory-bytes', 1),
    blocksOverride: flags.whole('num-gpu-blocks-override', 1),
    eager: flags.isOn('enforce-eager', false),
    asyncScheduling: flags.isOn('async-scheduling', true),
  };
  return {
    profile,
    totalBytes,
    maxModelLen,
    ...batch,
    ...numbers,
    elementBytes,
    computeType: dataType === 'float16' ? 'float16' : 'bfloat16',
    kvElementBytes: kvChoice === 'auto' ? elementBytes : kvChoice,
    blockSize,
    quantization: quantization?.method,
    quantizedWeightBytes: quantization?.bytesPerWeight,
    quantizedWeightBand: quantization?.band ?? { below: 0, above: 0 },
    flags: {
      ...deployment.flags,
      'max-model-len': maxModelLen ?? 'auto',
      'gpu-memory-utilization': numbers.gpuMemoryUtilization,
      'max-num-seqs': batch.maxNumSeqs,
      'max-num-batched-tokens': batch.maxNumBatchedTokens,
      'tensor-parallel-size': numbers.tensorParallelSize,
      'pipeline-parallel-size': numbers.pipelineParallelSize,
      dtype: dataType,
      'kv-cache-dtype': flags.value('kv-cache-dtype') ?? 'auto',
      'block-size': blockSize,
      'enforce-eager': numbers.eager,
    },
    warnings: deploymentWarnings(request, profile, exact, {
      dataParallelSize: numbers.dataParallelSize,
      quantization,
    }),
    unusable: flags.unusable,
  };
}

function readMaxModelLen(flags: FlagReader, modelMaximum: number): number | null {
  const value = flags.value('max-model-len');
  if (value === 'auto' || value === -1 || value === '-1') return null;
  return flags.whole('max-model-len', 1) ?? modelMaximum;
}

/** engine/arg_utils.py, `_set_default_max_num_seqs_and_batched_tokens_args`. */
function readBatch(
  flags: FlagReader,
  profile: VllmProfile,
  request: EstimateRequest,
  totalBytes: number,
  maxModelLen: number,
): { maxNumSeqs: number; maxNumBatchedTokens: number } {
  const defaults = profile.batchDefaults(request.device, totalBytes, request.deployment.entrypoint);
  const factor = flags.value('performance-mode') === 'throughput' ? 2 : 1;
  const writtenSeqs = flags.whole('max-num-seqs', 1);
  const writtenTokens = flags.whole('max-num-batched-tokens', 1);
  let maxNumBatchedTokens = writtenTokens ?? defaults.maxNumBatchedTokens * factor;
  if (writtenTokens === undefined) {
    if (!flags.isOn('enable-chunked-prefill', true)) {
      maxNumBatchedTokens = Math.max(maxNumBatchedTokens, maxModelLen);
    }
    const seqs = writtenSeqs ?? defaults.maxNumSeqs * factor;
    maxNumBatchedTokens = Math.min(maxNumBatchedTokens, seqs * maxModelLen);
  }
  const maxNumSeqs = writtenSeqs ?? Math.min(defaults.maxNumSeqs * factor, maxNumBatchedTokens);
  return { maxNumSeqs, maxNumBatchedTokens };
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
