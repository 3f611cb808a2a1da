import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../../src/core/model/parse.ts';

const identity = { id: 'test', source: 'test' };

function facts(config: unknown) {
  const result = parseModelConfig(config, identity);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join(' '));
  return result.value;
}

const text = {
  hidden_size: 96,
  intermediate_size: 176,
  num_hidden_layers: 6,
  num_attention_heads: 6,
  num_key_value_heads: 2,
  vocab_size: 1003,
};
const words = (second: string, fifth: string, other: string) => [other, second, other, other, fifth, other];
const full = words('full_attention', 'full_attention', 'linear_attention');
const older = words('attention', 'attention', 'mamba');

describe('a layer list in any of its spellings', () => {
  it.each<[string, Record<string, unknown>, Record<string, unknown>]>([
    [
      'nemotron_h',
      { hybrid_override_pattern: 'ME*-EM', n_routed_experts: 4 },
      {
        layers_block_type: ['linear_attention', 'moe', 'full_attention', 'mlp', 'moe', 'linear_attention'],
        n_routed_experts: 4,
      },
    ],
    ['granitemoehybrid', { layer_types: older }, { layer_types: full }],
    ['bamba', { attn_layer_indices: [1, 4] }, { layer_types: full }],
    ['jamba', { attn_layer_period: 3, attn_layer_offset: 1 }, { layers_block_type: older }],
    [
      'kimi_linear',
      {
        linear_attn_config: {
          kda_layers: [1, 3, 4, 6],
          full_attn_layers: [2, 5],
          num_heads: 6,
          head_dim: 16,
          short_conv_kernel_size: 3,
        },
      },
      { layer_types: full, linear_num_heads: 6, linear_head_dim: 16, linear_conv_kernel_dim: 3 },
    ],
    ['minimax', { attn_type_list: [0, 1, 0, 0, 1, 0] }, { layer_types: full }],
    [
      'qwen3_next',
      { full_attention_interval: 3 },
      { layer_types: ['', '', 'full_attention', '', '', 'full_attention'] },
    ],
    [
      'lfm2',
      { full_attn_idxs: [1, 4], block_ff_dim: 176, tie_embedding: true },
      { layer_types: words('full_attention', 'full_attention', 'conv'), tie_word_embeddings: true },
    ],
    [
      'zamba2',
      { hybrid_layer_ids: [1, 4], num_mem_blocks: 2 },
      { layers_block_type: words('hybrid', 'hybrid', 'mamba'), num_mem_blocks: 2 },
    ],
  ])('%s', (model_type, one, other) => {
    const first = facts({ model_type, ...text, ...one });
    const second = facts({ model_type, ...text, ...other });
    expect(first.generic).toBe(false);
    expect(first.layers).toEqual(second.layers);
    expect(first.parameters).toEqual(second.parameters);
  });

  it('says where a list is of the wrong length, or names a block that is not known', () => {
    expect(
      parseModelConfig({ model_type: 'bamba', ...text, layer_types: ['full_attention'] }, identity),
    ).toMatchObject({ ok: false, problems: [{ path: ['layer_types'] }] });
    expect(
      parseModelConfig({ model_type: 'nemotron_h', ...text, hybrid_override_pattern: 'MX' }, identity),
    ).toMatchObject({ ok: false, problems: [{ path: ['hybrid_override_pattern'] }] });
  });
});

describe('hybrids as they are released', () => {
  // Totals of the released checkpoints, without the corrections of routers, which are no parameters.
  it.each<[string, number, Record<string, unknown>]>([
    [
      'Nemotron Nano 9B v2',
      8_888_227_328,
      {
        model_type: 'nemotron_h',
        hidden_size: 4480,
        intermediate_size: 15_680,
        hybrid_override_pattern: 'M-M-M-MM-M-M-M*-M-M-M*-M-M-M-M*-M-M-M-M*-M-MM-M-M-M-M-M-',
        num_hidden_layers: 56,
        mamba_num_heads: 128,
        mamba_head_dim: 80,
        num_attention_heads: 40,
        num_key_value_heads: 8,
        head_dim: 128,
        vocab_size: 131_072,
      },
    ],
    [
      'Kimi Linear 48B-A3B',
      49_122_681_728 - 26 * 256,
      {
        model_type: 'kimi_linear',
        hidden_size: 2304,
        intermediate_size: 9216,
        num_hidden_layers: 27,
        num_attention_heads: 32,
        num_key_value_heads: 32,
        head_dim: 72,
        vocab_size: 163_840,
        kv_lora_rank: 512,
        q_lora_rank: null,
        qk_nope_head_dim: 128,
        qk_rope_head_dim: 64,
        v_head_dim: 128,
        mla_use_nope: true,
        num_experts: 256,
        num_experts_per_token: 8,
        num_shared_experts: 1,
        moe_intermediate_size: 1024,
        first_k_dense_replace: 1,
        moe_layer_freq: 1,
        linear_attn_config: {
          full_attn_layers: [4, 8, 12, 16, 20, 24, 27],
          kda_layers: [1, 2, 3, 5, 6, 7, 9, 10, 11, 13, 14, 15, 17, 18, 19, 21, 22, 23, 25, 26],
          head_dim: 128,
          num_heads: 32,
          short_conv_kernel_size: 4,
        },
      },
    ],
    [
      'MiniMax-Text-01',
      456_089_655_296,
      {
        model_type: 'minimax_text_01',
        hidden_size: 6144,
        intermediate_size: 9216,
        num_hidden_layers: 80,
        num_attention_heads: 64,
        num_key_value_heads: 8,
        head_dim: 128,
        vocab_size: 200_064,
        num_local_experts: 32,
        num_experts_per_tok: 2,
        shared_intermediate_size: 0,
        attn_type_list: Array.from({ length: 80 }, (_, layer) => ((layer + 1) % 8 === 0 ? 1 : 0)),
      },
    ],
  ])('%s', (_, total, config) => {
    const model = facts(config);
    expect(model.generic).toBe(false);
    expect(model.parameters.total).toBe(total);
  });
});

describe('what a layer caches', () => {
  const kinds = (config: unknown) =>
    facts(config).layers.map(({ mixers }) => mixers.map(({ kind }) => kind).join(' and '));

  it('is a state, keys and values, both or nothing', () => {
    expect(kinds({ model_type: 'nemotron_h', ...text, hybrid_override_pattern: 'M-*E' })).toEqual([
      'mamba2',
      '',
      'full',
      '',
    ]);
    expect(kinds({ model_type: 'falcon_h1', ...text, num_hidden_layers: 1 })).toEqual(['full and mamba2']);
    expect(kinds({ model_type: 'kimi_linear', ...text, layer_types: full })).toEqual(
      words('latent', 'latent', 'kimi-delta'),
    );
  });

  it('has the data type that the file states for its state', () => {
    const config = { model_type: 'nemotron_h', ...text, hybrid_override_pattern: 'M' };
    expect(facts(config).layers[0]?.mixers[0]).not.toHaveProperty('stateDataType');
    expect(facts({ ...config, mamba_ssm_cache_dtype: 'float32' }).layers[0]?.mixers[0]).toMatchObject({
      stateDataType: 'float32',
    });
  });
});

describe('files of models with towers, as they are released', () => {
  const qwen25 = {
    hidden_size: 3584,
    intermediate_size: 18_944,
    num_hidden_layers: 28,
    num_attention_heads: 28,
    num_key_value_heads: 4,
    tie_word_embeddings: false,
  };
  const qwenVision = {
    depth: 32,
    hidden_size: 1280,
    intermediate_size: 3420,
    num_heads: 16,
    in_chans: 3,
    out_hidden_size: 3584,
    patch_size: 14,
    spatial_merge_size: 2,
    temporal_patch_size: 2,
  };
  const siglip = {
    hidden_size: 1152,
    intermediate_size: 4304,
    num_attention_heads: 16,
    num_hidden_layers: 27,
    patch_size: 14,
  };

  // Totals of the released checkpoints.
  it.each<[string, number, Record<string, unknown>]>([
    [
      'Qwen2.5-VL 7B, text fields at the top',
      8_292_166_656,
      { model_type: 'qwen2_5_vl', ...qwen25, vocab_size: 152_064, vision_config: qwenVision },
    ],
    [
      'Qwen2.5-VL 7B, text fields nested',
      8_292_166_656,
      {
        model_type: 'qwen2_5_vl',
        text_config: { model_type: 'qwen2_5_vl_text', ...qwen25, vocab_size: 152_064 },
        vision_config: qwenVision,
      },
    ],
    [
      'MiniCPM-V 2.6',
      8_099_175_152,
      {
        model_type: 'minicpmv',
        ...qwen25,
        vocab_size: 151_666,
        query_num: 64,
        vision_config: { ...siglip, image_size: 980 },
      },
    ],
    [
      'InternVL3 8B, as its authors write it',
      7_944_373_760,
      {
        model_type: 'internvl_chat',
        llm_config: { model_type: 'qwen2', ...qwen25, vocab_size: 151_674 },
        vision_config: {
          hidden_size: 1024,
          image_size: 448,
          intermediate_size: 4096,
          norm_type: 'layer_norm',
          num_hidden_layers: 24,
          patch_size: 14,
          qk_normalization: false,
          qkv_bias: true,
        },
      },
    ],
    [
      'Gemma 3 4B, which leaves the usual sizes out',
      4_300_079_472,
      {
        model_type: 'gemma3',
        text_config: {
          model_type: 'gemma3_text',
          hidden_size: 2560,
          intermediate_size: 10_240,
          num_hidden_layers: 34,
          sliding_window: 1024,
        },
        vision_config: { ...siglip, image_size: 896, vision_use_head: false },
      },
    ],
    [
      'LLaVA 1.5 7B, which leaves the text model to its class',
      7_063_427_072,
      {
        model_type: 'llava',
        text_config: { model_type: 'llama', vocab_size: 32_064 },
        vision_config: {
          model_type: 'clip_vision_model',
          hidden_size: 1024,
          image_size: 336,
          intermediate_size: 4096,
          num_hidden_layers: 24,
          patch_size: 14,
        },
      },
    ],
  ])('%s', (_, total, config) => {
    const model = facts(config);
    expect(model.generic).toBe(false);
    expect(model.parameters.total).toBe(total);
    expect(model.parameters.vision).toBeGreaterThan(0);
  });

  it('has no tower where the section is null', () => {
    const model = {
      model_type: 'gemma4',
      text_config: { model_type: 'llama', ...text },
      vision_config: null,
    };
    expect(facts(model).parameters.vision).toBe(0);
  });

  it.each(['image_size', 'patch_size', 'num_hidden_layers'])('names a hostile %s of the tower', (field) => {
    for (const value of [-1, 1e308, 'x', []]) {
      const result = parseModelConfig(
        { model_type: 'llava', text_config: text, vision_config: { [field]: value } },
        identity,
      );
      expect(result).toMatchObject({ ok: false, problems: [{ path: ['vision_config', field] }] });
    }
  });
});
