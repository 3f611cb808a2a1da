import type { EstimateRequest } from '../../estimate/types.ts';
import { type PipelineStage, pipelineStages } from '../../memory/pipeline.ts';
import type { Problem } from '../../result.ts';
import type { FlagValue } from '../deployment.ts';
import { FlagReader } from '../flagReader.ts';
import { staticBatchFlags } from './flags.ts';

/** A deployment with every default filled in. */
export interface ResolvedStaticBatch {
  readonly version: string;
  readonly batchSize: number;
  readonly promptTokens: number;
  readonly newTokens: number;
  /** Bytes of an element of weights that are not quantised, of activations and of the cache. */
  readonly elementBytes: 2 | 4;
  readonly computeType: 'bfloat16' | 'float16';
  /** Bytes of a weight of a linear layer. */
  readonly linearBytes: number;
  readonly tensorParallelSize: number;
  readonly pipelineParallelSize: number;
  readonly stages: readonly PipelineStage[];
  /** True where all attention scores of a prompt are kept at once. */
  readonly eagerAttention: boolean;
  /** True where every position of a prompt gets logits, in float32 as well. */
  readonly allLogits: boolean;
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly unusable: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** transformers: `generate` computes the logits of a prompt's last position alone from here on. */
export const defaultStaticBatchVersion = '4.45';
export const staticBatchVersions: readonly string[] = ['4.36', defaultStaticBatchVersion, '5.0'];

const dataTypes = {
  auto: 'auto',
  bfloat16: 'bfloat16',
  bf16: 'bfloat16',
  float16: 'float16',
  fp16: 'float16',
  half: 'float16',
  float32: 'float32',
  fp32: 'float32',
  float: 'float32',
} as const;

const attentions = { sdpa: false, flash_attention_2: false, flash_attention_3: false, eager: true } as const;
const keptLogits = { last: false, all: true } as const;

/** 4-bit weights and a float32 scale for each 64 of them (bitsandbytes nf4, without double quantisation). */
const FOUR_BIT_BYTES = 0.5 + 4 / 64;

/** Fills in every default; flags are canonical names. Never throws. */
export function resolveStaticBatch(request: EstimateRequest): ResolvedStaticBatch {
  const { deployment, model, load } = request;
  const version = deployment.engineVersion ?? defaultStaticBatchVersion;
  const flags = new FlagReader(deployment.flags);
  const batchSize = flags.whole('batch-size', 1) ?? load?.batch ?? 1;
  const promptTokens = flags.whole('prompt-length', 1) ?? load?.inputTokens ?? 512;
  const newTokens = flags.whole('max-new-tokens', 1) ?? load?.outputTokens ?? 128;
  const written = flags.choice('dtype', dataTypes) ?? 'auto';
  const dataType = written === 'auto' ? model.dataType : written;
  const elementBytes = dataType === 'float32' ? 4 : 2;
  const eightBit = flags.isOn('load-in-8bit', false);
  const fourBit = flags.isOn('load-in-4bit', false);
  const tensorParallelSize = flags.whole('tensor-parallel-size', 1) ?? 1;
  const pipelineParallelSize = flags.whole('pipeline-parallel-size', 1) ?? 1;
  const attention = flags.choice('attn-implementation', attentions) ?? false;
  const allLogits = flags.choice('logits', keptLogits) ?? isBefore445(version);
  if (eightBit && fourBit) flags.refuse('load-in-4bit', 'left out, or load-in-8bit, not both');
  const linearBytes = fourBit
    ? FOUR_BIT_BYTES
    : eightBit
      ? 1
      : (model.quantization?.bytesPerWeight ?? elementBytes);
  return {
    version,
    batchSize,
    promptTokens,
    newTokens,
    elementBytes,
    computeType: dataType === 'float16' ? 'float16' : 'bfloat16',
    linearBytes,
    tensorParallelSize,
    pipelineParallelSize,
    // More stages than layers are refused; what is shown then is of as many as there are.
    stages: pipelineStages(model.layers.length, Math.min(pipelineParallelSize, model.layers.length)),
    eagerAttention: attention,
    allLogits,
    flags: {
      ...deployment.flags,
      'batch-size': batchSize,
      'prompt-length': promptTokens,
      'max-new-tokens': newTokens,
      dtype: dataType,
      'tensor-parallel-size': tensorParallelSize,
      'pipeline-parallel-size': pipelineParallelSize,
      logits: allLogits ? 'all' : 'last',
    },
    unusable: flags.unusable,
    warnings: warningsOf(request, promptTokens + newTokens),
  };
}

function isBefore445(version: string): boolean {
  const [major, minor] = version.split('.').map(Number);
  return major === 4 && minor !== undefined && minor < 45;
}

const known: ReadonlySet<string> = new Set(staticBatchFlags.map(({ name }) => name));

function warningsOf({ deployment, model }: EstimateRequest, tokens: number): readonly Problem[] {
  const warnings: Problem[] = [];
  if (tokens > model.maxPositionEmbeddings) {
    warnings.push({
      code: 'batch.context-exceeded',
      message: `Prompt and new tokens are ${tokens} together; the model was made for ${model.maxPositionEmbeddings}.`,
      path: ['flags', 'prompt-length'],
    });
  }
  for (const name of Object.keys(deployment.flags)) {
    if (known.has(name)) continue;
    warnings.push({
      code: 'flag.unknown',
      message: `${name} is no option of the static-batch engine; it is left out. There is ${[...known].join(', ')}.`,
      path: ['flags', name],
    });
  }
  return warnings;
}
