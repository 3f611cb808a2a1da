import { type KnownModelEntry, sizes } from './entry.ts';

const phi3Mini = {
  model_type: 'phi3',
  architectures: ['Phi3ForCausalLM'],
  torch_dtype: 'bfloat16',
  hidden_size: 3072,
  intermediate_size: 8192,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 32,
  vocab_size: 32_064,
  tie_word_embeddings: false,
};

/** Stretched from 4,096 tokens; the factors of each dimension change no size. */
const longRope = { rope_scaling: { type: 'longrope' }, original_max_position_embeddings: 4096 };

export const phiModels: readonly KnownModelEntry[] = [
  {
    id: 'microsoft/Phi-3-mini-4k-instruct',
    aliases: ['phi-3-mini'],
    config: { ...phi3Mini, max_position_embeddings: 4096, sliding_window: 2047 },
  },
  {
    id: 'microsoft/Phi-3-mini-128k-instruct',
    config: { ...phi3Mini, ...longRope, max_position_embeddings: 131_072, sliding_window: 262_144 },
  },
  {
    id: 'microsoft/phi-4',
    config: {
      model_type: 'phi3',
      architectures: ['Phi3ForCausalLM'],
      torch_dtype: 'bfloat16',
      hidden_size: 5120,
      intermediate_size: 17_920,
      num_hidden_layers: 40,
      num_attention_heads: 40,
      num_key_value_heads: 10,
      vocab_size: 100_352,
      max_position_embeddings: 16_384,
      sliding_window: null,
      tie_word_embeddings: false,
    },
  },
  {
    id: 'microsoft/Phi-3.5-mini-instruct',
    aliases: ['phi-3.5-mini'],
    config: { ...phi3Mini, ...longRope, max_position_embeddings: 131_072, sliding_window: 262_144 },
  },
  {
    id: 'microsoft/Phi-3-medium-4k-instruct',
    aliases: ['phi-3-medium'],
    config: {
      ...phi3Mini,
      ...sizes(5120, 17_920, 40, 40, 10, 32_064),
      max_position_embeddings: 4096,
      sliding_window: 2047,
    },
  },
  {
    id: 'microsoft/Phi-4-mini-instruct',
    aliases: ['phi-4-mini'],
    config: {
      ...phi3Mini,
      ...longRope,
      ...sizes(3072, 8192, 32, 24, 8, 200_064),
      max_position_embeddings: 131_072,
      sliding_window: 262_144,
      partial_rotary_factor: 0.75,
      tie_word_embeddings: true,
    },
  },
  {
    id: 'microsoft/Phi-3.5-MoE-instruct',
    config: {
      model_type: 'phimoe',
      architectures: ['PhiMoEForCausalLM'],
      torch_dtype: 'bfloat16',
      ...longRope,
      ...sizes(4096, 6400, 32, 32, 8, 32_064),
      num_local_experts: 16,
      num_experts_per_tok: 2,
      attention_bias: true,
      lm_head_bias: true,
      max_position_embeddings: 131_072,
      sliding_window: 131_072,
      tie_word_embeddings: false,
    },
  },
  {
    id: 'microsoft/phi-2',
    config: {
      model_type: 'phi',
      architectures: ['PhiForCausalLM'],
      torch_dtype: 'float16',
      ...sizes(2560, 10_240, 32, 32, 32, 51_200),
      partial_rotary_factor: 0.4,
      max_position_embeddings: 2048,
      tie_word_embeddings: false,
    },
  },
];
