import { describe, expect, it } from 'vitest';
import type { LayerFacts, TokenMixer } from '../../../src/core/model/facts.ts';
import { parseModelConfig } from '../../../src/core/model/parse.ts';

const sizes = {
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 6,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  head_dim: 8,
  vocab_size: 1000,
};

function layersOf(config: Record<string, unknown>): readonly LayerFacts[] {
  const result = parseModelConfig({ ...sizes, ...config }, { id: 'test', source: 'test' });
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join(' '));
  return result.value.layers;
}

/** `1024` where a window slides, `c1024` where it is a chunk, `-` where attention is full. */
function spelled(config: Record<string, unknown>): string {
  const one = (mixer: TokenMixer | undefined) => {
    if (mixer === undefined || !('windowTokens' in mixer)) return '-';
    return `${mixer.kind === 'chunked' ? 'c' : ''}${mixer.windowTokens}`;
  };
  return layersOf(config)
    .map((layer) => one(layer.mixers[0]))
    .join(' ');
}

describe('windows by layer, as the engine takes them', () => {
  it.each([
    ['llama without a window', { model_type: 'llama' }, '- - - - - -'],
    ['mistral by default', { model_type: 'mistral' }, '4096 4096 4096 4096 4096 4096'],
    ['mistral with null', { model_type: 'mistral', sliding_window: null }, '- - - - - -'],
    ['phi3', { model_type: 'phi3', sliding_window: 2047 }, '2047 2047 2047 2047 2047 2047'],
    ['gemma2', { model_type: 'gemma2' }, '4096 - 4096 - 4096 -'],
    ['gemma3', { model_type: 'gemma3_text', sliding_window: 512 }, '512 512 512 512 512 -'],
    [
      'gemma3, pattern 3',
      { model_type: 'gemma3_text', sliding_window_pattern: 3 },
      '4096 4096 - 4096 4096 -',
    ],
    ['cohere2: itself and the window', { model_type: 'cohere2' }, '4097 4097 4097 - 4097 4097'],
    ['olmo3', { model_type: 'olmo3' }, '4096 4096 4096 - 4096 4096'],
    ['exaone4, LLLG', { model_type: 'exaone4', sliding_window_pattern: 'LLLG' }, '4096 4096 4096 - 4096 -'],
    ['exaone4, no window', { model_type: 'exaone4', sliding_window: null }, '- - - - - -'],
    ['gpt-oss', { model_type: 'gpt_oss', num_local_experts: 4 }, '128 - 128 - 128 -'],
    [
      'mimo-v2: full in the first and each sixth',
      { model_type: 'mimo_v2_flash', n_routed_experts: 4 },
      '- 129 129 129 129 -',
    ],
    [
      'llama4: chunks but in each fourth',
      { model_type: 'llama4_text', num_local_experts: 2 },
      'c8192 c8192 c8192 - c8192 c8192',
    ],
    [
      'llama4: chunks where it rotates',
      { model_type: 'llama4_text', num_local_experts: 2, no_rope_layers: [1, 0, 1, 0, 1, 0] },
      'c8192 - c8192 - c8192 -',
    ],
  ])('%s', (_, config, expected) => {
    expect(spelled(config)).toBe(expected);
  });

  it('lets the last layers of Gemma 3n read the keys and values of earlier ones', () => {
    const layers = layersOf({ model_type: 'gemma3n_text', num_kv_shared_layers: 2 });
    const shares = layers.map(
      ({ mixers: [mixer] }) => mixer?.kind !== 'latent' && mixer !== undefined && 'sharesCache' in mixer,
    );
    expect(shares).toEqual([false, false, false, false, true, true]);
  });
});

describe('experts by layer', () => {
  const sparse = (config: Record<string, unknown>) =>
    layersOf(config)
      .map(({ feedForward }) => (feedForward.kind === 'experts' ? 'E' : 'D'))
      .join('');
  const latent = { kv_lora_rank: 16, q_lora_rank: null, qk_rope_head_dim: 4, v_head_dim: 8 };

  it.each([
    ['qwen3_moe', { model_type: 'qwen3_moe' }, 'EEEEEE'],
    ['qwen3_moe, every other', { model_type: 'qwen3_moe', decoder_sparse_step: 2 }, 'DEDEDE'],
    ['qwen3_moe, some dense', { model_type: 'qwen3_moe', mlp_only_layers: [0, 5] }, 'DEEEED'],
    ['deepseek_v2', { model_type: 'deepseek_v2', first_k_dense_replace: 1, ...latent }, 'DEEEEE'],
    ['deepseek_v3', { model_type: 'deepseek_v3', ...latent }, 'DDDEEE'],
    ['glm4_moe', { model_type: 'glm4_moe' }, 'DEEEEE'],
    ['ernie', { model_type: 'ernie4_5_moe', moe_layer_start_index: 2, moe_layer_end_index: 4 }, 'DDEEED'],
    ['llama4, every other', { model_type: 'llama4_text', interleave_moe_layer_step: 2 }, 'DEDEDE'],
  ])('%s', (_, config, expected) => {
    expect(sparse(config)).toBe(expected);
  });
});
