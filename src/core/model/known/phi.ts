import type { KnownModelEntry } from './entry.ts';

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

export const phiModels: readonly KnownModelEntry[] = [
  {
    id: 'microsoft/Phi-3-mini-4k-instruct',
    aliases: ['phi-3-mini'],
    config: { ...phi3Mini, max_position_embeddings: 4096, sliding_window: 2047 },
  },
  {
    id: 'microsoft/Phi-3-mini-128k-instruct',
    config: { ...phi3Mini, max_position_embeddings: 131_072, sliding_window: 262_144 },
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
];
