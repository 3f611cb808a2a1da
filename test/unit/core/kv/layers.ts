/** Layers of real models, put together by hand from their published config.json: what the KV cache sees of them. */
import type { KvFlags } from '../../../../src/core/engine/vllm/kvFlags.ts';
import { type KvPlanInput, kvPlan } from '../../../../src/core/engine/vllm/kvPlan.ts';
import type { KvLayout } from '../../../../src/core/memory/kv/layout.ts';
import { pipelineStages } from '../../../../src/core/memory/pipeline.ts';
import type { HeadAttention, ModelFacts, TokenMixer } from '../../../../src/core/model/facts.ts';
import { model } from '../fixtures.ts';

/** A model that has nothing but mixers. */
export function mixers(modelType: string, layers: readonly (readonly TokenMixer[])[]): ModelFacts {
  return {
    ...model('llama-3.1-8b'),
    modelType,
    layers: layers.map((mixers) => ({ mixers, feedForward: { kind: 'none' }, weights: [] })),
  };
}

export function heads(
  keyValueHeads: number,
  headSize: number,
  more: Partial<HeadAttention> = {},
): HeadAttention {
  return { kind: 'full', queryHeads: 64, keyValueHeads, headSize, ...more };
}

export function window(keyValueHeads: number, headSize: number, windowTokens: number): HeadAttention {
  return heads(keyValueHeads, headSize, { kind: 'sliding-window', windowTokens });
}

function repeat<T>(count: number, of: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => of(index));
}

/** gpt-oss: every second layer has a window of 128. */
export function gptOss(layerCount: number): ModelFacts {
  return mixers(
    'gpt_oss',
    repeat(layerCount, (layer) => [layer % 2 === 0 ? window(8, 64, 128) : heads(8, 64)]),
  );
}

/** Every fourth layer attends, the others keep a gated-delta state (Qwen3-Next, Qwen3.5). */
export function gatedDeltaHybrid(
  layerCount: number,
  attention: HeadAttention,
  valueHeads: number,
  stateDataType?: 'float32',
): ModelFacts {
  const state: TokenMixer = {
    kind: 'gated-delta',
    keyHeads: 16,
    valueHeads,
    keyHeadSize: 128,
    valueHeadSize: 128,
    convKernel: 4,
    ...(stateDataType === undefined ? {} : { stateDataType }),
  };
  return mixers(
    stateDataType === undefined ? 'qwen3_next' : 'qwen3_5_text',
    repeat(layerCount, (layer) => [layer % 4 === 3 ? attention : state]),
  );
}

export function latent(layerCount: number, indexerHeadSize?: number): ModelFacts {
  return mixers(
    'deepseek_v3',
    repeat(layerCount, () => [
      {
        kind: 'latent',
        queryHeads: 128,
        latentSize: 512,
        rotarySize: 64,
        headSize: 128,
        valueHeadSize: 128,
        ...(indexerHeadSize === undefined ? {} : { indexerHeadSize }),
      },
    ]),
  );
}

/** DeepSeek-V4-Flash: 43 layers with a window of 128; two keep no more, the rest are compressed 4 or 128 to 1 in turn. */
export function compressedLatent(): ModelFacts {
  return mixers(
    'deepseek_v4',
    repeat(43, (layer) => [
      {
        kind: 'latent',
        queryHeads: 64,
        latentSize: 448,
        rotarySize: 64,
        headSize: 448,
        valueHeadSize: 512,
        windowTokens: 128,
        indexerHeadSize: 128,
        compressRatio: layer < 2 ? 0 : layer % 2 === 0 ? 4 : 128,
      },
    ]),
  );
}

const noFlags: KvFlags = {
  format: undefined,
  blockSize: undefined,
  stateBlockSize: undefined,
  convDataType: undefined,
  stateDataType: undefined,
  stateCacheMode: undefined,
  prefixCaching: undefined,
  hybridManager: true,
  attentionBackend: '',
};

/** The layout as an H200 under vLLM 0.26 would have it, where nothing else is said. */
export function planned(
  facts: ModelFacts,
  input: Partial<Omit<KvPlanInput, 'flags'>> & {
    flags?: Partial<KvFlags>;
    pipelineParallelSize?: number;
  } = {},
): KvLayout {
  const { flags, pipelineParallelSize = 1, ...rest } = input;
  return kvPlan(facts, pipelineStages(facts.layers.length, pipelineParallelSize), {
    version: '0.26.0',
    computeCapability: '9.0',
    tensorParallelSize: 1,
    elementBytes: 2,
    contextParallelSize: 1,
    speculation: undefined,
    ...rest,
    flags: { ...noFlags, ...flags },
  });
}
