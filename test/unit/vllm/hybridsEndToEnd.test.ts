import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { KvEstimate } from '../../../src/core/estimate/types.ts';
import type { ModelFacts } from '../../../src/core/model/facts.ts';
import { parseModelConfig } from '../../../src/core/model/parse.ts';
import { GiB } from '../../../src/core/units.ts';
import { device, fixtureLines, model } from '../core/fixtures.ts';

function parsed(config: object): ModelFacts {
  const result = parseModelConfig(config, { id: 'made', source: 'test' });
  if (!result.ok) throw new Error(result.problems[0]?.message);
  return result.value;
}

/** From a config.json to the cache, as the engine would have it on H200s. */
function cache(facts: ModelFacts, engineVersion: string, flags: Record<string, FlagValue>): KvEstimate {
  const deployment = { engine: 'vllm', engineVersion, entrypoint: 'serve', flags } as const;
  return estimate(
    { source: 'test', deployment, model: facts, device: device('h200'), gpuCount: 8 },
    { fixes: false },
  ).kv;
}

describe('from config.json to the figures that engines have logged', () => {
  it('DeepSeek-V4-Flash, vLLM 0.22: 30,000 tokens need 6.66 GiB (vllm issue 44376)', () => {
    const ratios = Array.from({ length: 44 }, (_, layer) => (layer < 2 ? 0 : layer % 2 === 0 ? 4 : 128));
    const facts = parsed({
      model_type: 'deepseek_v4',
      hidden_size: 4096,
      num_hidden_layers: 43,
      num_attention_heads: 64,
      head_dim: 512,
      vocab_size: 129_280,
      compress_ratios: ratios,
    });
    const kv = cache(facts, '0.22.1', {
      'tensor-parallel-size': 2,
      'max-model-len': 30_000,
      'max-num-batched-tokens': 16_384,
    });
    expect((kv.oneRequestBytes / GiB).toFixed(2)).toBe('6.66');
  });

  it('DeepSeek-V3.2: 656 bytes of latent and 132 of indexer a token and layer in fp8, 1,152 and 132 in 16 bits', () => {
    const at = (dtype: string) =>
      cache(model('deepseek-ai/DeepSeek-V3.2-Exp'), '0.26.0', {
        'tensor-parallel-size': 8,
        'kv-cache-dtype': dtype,
      });
    expect(at('fp8').bytesPerTokenPerRank).toBe(61 * (656 + 132));
    expect(at('auto').bytesPerTokenPerRank).toBe(61 * (1152 + 132));
    expect(at('fp8').blockSize).toBe(64);
  });

  it('GLM-5: the same indexer over 78 layers', () => {
    const rows = fixtureLines('parameters/more.jsonl') as { readonly id: string; readonly config: object }[];
    const facts = parsed(rows.find(({ id }) => id === 'glm_moe_dsa-default')?.config ?? {});
    const kv = cache(facts, '0.26.0', { 'tensor-parallel-size': 8, 'kv-cache-dtype': 'fp8' });
    expect(kv.bytesPerTokenPerRank).toBe(78 * (656 + 132));
  });

  it('Kimi Linear: blocks of 1,920, 1,888 and 1,920 tokens by release', () => {
    const attending = [4, 8, 12, 16, 20, 24, 27];
    const facts = parsed({
      model_type: 'kimi_linear',
      hidden_size: 2304,
      num_hidden_layers: 27,
      num_attention_heads: 32,
      num_key_value_heads: 32,
      vocab_size: 163_840,
      intermediate_size: 9216,
      kv_lora_rank: 512,
      q_lora_rank: null,
      qk_nope_head_dim: 128,
      qk_rope_head_dim: 64,
      v_head_dim: 128,
      num_experts: 256,
      num_experts_per_token: 8,
      num_shared_experts: 1,
      moe_intermediate_size: 1024,
      first_k_dense_replace: 1,
      model_max_length: 1_048_576,
      dtype: 'bfloat16',
      linear_attn_config: {
        full_attn_layers: attending,
        kda_layers: Array.from({ length: 27 }, (_, layer) => layer + 1).filter(
          (layer) => !attending.includes(layer),
        ),
        head_dim: 128,
        num_heads: 32,
        short_conv_kernel_size: 4,
      },
    });
    const sizes = ['0.19.1', '0.26.0', '0.28.0'].map(
      (version) => cache(facts, version, { 'max-model-len': 65_536 }).blockSize,
    );
    expect(sizes).toEqual([1920, 1888, 1920]);
  });

  it('Nemotron-3-Nano: blocks of 2,096 tokens, 1,056 on four GPUs', () => {
    const facts = model('nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16');
    const sizes = [1, 2, 4].map((size) => cache(facts, '0.26.0', { 'tensor-parallel-size': size }).blockSize);
    expect(sizes).toEqual([2096, 2096, 1056]);
  });

  it('Qwen3.5-27B: blocks of 784, 2,052 of them are 1,400,832 tokens, 42.75x at 32,768', () => {
    const facts = parsed({
      model_type: 'qwen3_5',
      architectures: ['Qwen3_5ForConditionalGeneration'],
      text_config: {
        model_type: 'qwen3_5_text',
        hidden_size: 5120,
        intermediate_size: 17_408,
        num_hidden_layers: 64,
        num_attention_heads: 24,
        num_key_value_heads: 4,
        head_dim: 256,
        linear_num_key_heads: 16,
        linear_num_value_heads: 48,
        linear_key_head_dim: 128,
        linear_value_head_dim: 128,
        linear_conv_kernel_dim: 4,
        full_attention_interval: 4,
        mamba_ssm_dtype: 'float32',
        vocab_size: 248_320,
        max_position_embeddings: 262_144,
        dtype: 'bfloat16',
      },
    });
    const kv = cache(facts, '0.26.0', {
      'enable-prefix-caching': true,
      'max-model-len': 32_768,
      'max-num-batched-tokens': 16_384,
      'num-gpu-blocks-override': 2052,
    });
    expect(kv.blockSize).toBe(784);
    expect(kv.tokens).toBe(1_400_832);
    expect(kv.maxConcurrency).toBe(42.75);
  });
});
