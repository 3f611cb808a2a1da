import { type KnownModelEntry, sizes } from './entry.ts';

const bf16 = { torch_dtype: 'bfloat16', tie_word_embeddings: false };
const tiedBf16 = { torch_dtype: 'bfloat16', tie_word_embeddings: true };
const granite = {
  model_type: 'granite',
  architectures: ['GraniteForCausalLM'],
  ...tiedBf16,
  max_position_embeddings: 131_072,
};
const olmo2 = {
  model_type: 'olmo2',
  architectures: ['Olmo2ForCausalLM'],
  ...bf16,
  max_position_embeddings: 4096,
};
const olmo3 = {
  model_type: 'olmo3',
  architectures: ['Olmo3ForCausalLM'],
  ...bf16,
  sliding_window: 4096,
  max_position_embeddings: 65_536,
};
const starcoder2 = {
  model_type: 'starcoder2',
  architectures: ['Starcoder2ForCausalLM'],
  ...tiedBf16,
  use_bias: true,
  sliding_window: 4096,
  max_position_embeddings: 16_384,
};
const glm4 = {
  model_type: 'glm4',
  architectures: ['Glm4ForCausalLM'],
  ...bf16,
  head_dim: 128,
  partial_rotary_factor: 0.5,
  max_position_embeddings: 32_768,
};
const commandR = {
  model_type: 'cohere',
  architectures: ['CohereForCausalLM'],
  torch_dtype: 'float16',
  tie_word_embeddings: true,
};
const command2 = {
  model_type: 'cohere2',
  architectures: ['Cohere2ForCausalLM'],
  ...tiedBf16,
  sliding_window: 4096,
};

/** Dense models whose vendors have few others. */
export const denseModels: readonly KnownModelEntry[] = [
  {
    id: 'ibm-granite/granite-3.3-2b-instruct',
    config: { ...granite, ...sizes(2048, 8192, 40, 32, 8, 49_159) },
  },
  {
    id: 'ibm-granite/granite-3.3-8b-instruct',
    config: { ...granite, ...sizes(4096, 12_800, 40, 32, 8, 49_159) },
  },
  {
    id: 'HuggingFaceTB/SmolLM3-3B',
    config: {
      model_type: 'smollm3',
      architectures: ['SmolLM3ForCausalLM'],
      ...tiedBf16,
      ...sizes(2048, 11_008, 36, 16, 4, 128_256),
      max_position_embeddings: 65_536,
    },
  },
  {
    id: 'allenai/OLMo-2-0425-1B',
    aliases: ['allenai/OLMo-2-0425-1B-Instruct'],
    config: { ...olmo2, ...sizes(2048, 8192, 16, 16, 16, 100_352) },
  },
  {
    id: 'allenai/OLMo-2-1124-7B',
    aliases: ['allenai/OLMo-2-1124-7B-Instruct'],
    config: { ...olmo2, ...sizes(4096, 11_008, 32, 32, 32, 100_352) },
  },
  {
    id: 'allenai/OLMo-2-1124-13B',
    aliases: ['allenai/OLMo-2-1124-13B-Instruct'],
    config: { ...olmo2, ...sizes(5120, 13_824, 40, 40, 40, 100_352) },
  },
  {
    id: 'allenai/OLMo-2-0325-32B',
    aliases: ['allenai/OLMo-2-0325-32B-Instruct'],
    config: { ...olmo2, ...sizes(5120, 27_648, 64, 40, 8, 100_352) },
  },
  {
    id: 'allenai/Olmo-3-7B-Instruct',
    aliases: ['allenai/Olmo-3-1025-7B'],
    config: { ...olmo3, ...sizes(4096, 11_008, 32, 32, 32, 100_278) },
  },
  {
    id: 'allenai/Olmo-3-32B-Think',
    aliases: ['allenai/Olmo-3-1125-32B'],
    config: { ...olmo3, ...sizes(5120, 27_648, 64, 40, 8, 100_278) },
  },
  { id: 'bigcode/starcoder2-3b', config: { ...starcoder2, ...sizes(3072, 12_288, 30, 24, 2, 49_152) } },
  { id: 'bigcode/starcoder2-7b', config: { ...starcoder2, ...sizes(4608, 18_432, 32, 36, 4, 49_152) } },
  {
    id: 'bigcode/starcoder2-15b',
    config: { ...starcoder2, ...sizes(6144, 24_576, 40, 48, 4, 49_152), tie_word_embeddings: false },
  },
  {
    id: 'zai-org/GLM-4-9B-0414',
    config: { ...glm4, ...sizes(4096, 13_696, 40, 32, 2, 151_552), attention_bias: true },
  },
  {
    id: 'zai-org/GLM-4-32B-0414',
    config: { ...glm4, ...sizes(6144, 23_040, 61, 48, 8, 151_552), attention_bias: false },
  },
  {
    id: 'CohereLabs/c4ai-command-r-v01',
    aliases: ['command-r'],
    config: { ...commandR, ...sizes(8192, 22_528, 40, 64, 64, 256_000), model_max_length: 131_072 },
  },
  {
    id: 'CohereLabs/c4ai-command-r-plus',
    aliases: ['command-r-plus'],
    config: {
      ...commandR,
      ...sizes(12_288, 33_792, 64, 96, 8, 256_000),
      use_qk_norm: true,
      model_max_length: 131_072,
    },
  },
  {
    id: 'CohereLabs/c4ai-command-r7b-12-2024',
    config: { ...command2, ...sizes(4096, 14_336, 32, 32, 8, 256_000), max_position_embeddings: 132_096 },
  },
  {
    id: 'CohereLabs/c4ai-command-a-03-2025',
    aliases: ['command-a'],
    config: { ...command2, ...sizes(12_288, 36_864, 64, 96, 8, 256_000), max_position_embeddings: 131_072 },
  },
  {
    id: 'ByteDance-Seed/Seed-OSS-36B-Instruct',
    config: {
      model_type: 'seed_oss',
      architectures: ['SeedOssForCausalLM'],
      ...bf16,
      ...sizes(5120, 27_648, 64, 80, 8, 155_136),
      head_dim: 128,
      attention_bias: true,
      attention_out_bias: false,
      max_position_embeddings: 524_288,
    },
  },
  {
    id: 'LGAI-EXAONE/EXAONE-4.0-32B',
    config: {
      model_type: 'exaone4',
      architectures: ['Exaone4ForCausalLM'],
      ...bf16,
      ...sizes(5120, 27_392, 64, 40, 8, 102_400),
      sliding_window: 4096,
      sliding_window_pattern: 'LLLG',
      max_position_embeddings: 131_072,
    },
  },
  {
    id: 'internlm/internlm2_5-7b-chat',
    config: {
      model_type: 'internlm2',
      architectures: ['InternLM2ForCausalLM'],
      ...bf16,
      ...sizes(4096, 14_336, 32, 32, 8, 92_544),
      bias: false,
      max_position_embeddings: 32_768,
    },
  },
  {
    id: 'stabilityai/stablelm-2-1_6b',
    config: {
      model_type: 'stablelm',
      architectures: ['StableLmForCausalLM'],
      torch_dtype: 'float16',
      tie_word_embeddings: false,
      ...sizes(2048, 5632, 24, 32, 32, 100_352),
      use_qkv_bias: true,
      max_position_embeddings: 4096,
    },
  },
  {
    id: 'tiiuae/falcon-7b',
    aliases: ['tiiuae/falcon-7b-instruct'],
    config: {
      model_type: 'falcon',
      architectures: ['FalconForCausalLM'],
      torch_dtype: 'bfloat16',
      hidden_size: 4544,
      num_hidden_layers: 32,
      num_attention_heads: 71,
      multi_query: true,
      parallel_attn: true,
      vocab_size: 65_024,
    },
  },
  {
    id: 'tiiuae/falcon-40b',
    aliases: ['tiiuae/falcon-40b-instruct'],
    config: {
      model_type: 'falcon',
      architectures: ['FalconForCausalLM'],
      torch_dtype: 'bfloat16',
      hidden_size: 8192,
      num_hidden_layers: 60,
      num_attention_heads: 128,
      num_kv_heads: 8,
      new_decoder_architecture: true,
      vocab_size: 65_024,
    },
  },
];
