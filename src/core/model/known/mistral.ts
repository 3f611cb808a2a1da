import type { KnownModelEntry } from './entry.ts';

const mistral7bV03 = {
  model_type: 'mistral',
  architectures: ['MistralForCausalLM'],
  torch_dtype: 'bfloat16',
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  vocab_size: 32_768,
  max_position_embeddings: 32_768,
  sliding_window: null,
  tie_word_embeddings: false,
};

export const mistralModels: readonly KnownModelEntry[] = [
  { id: 'mistralai/Mistral-7B-v0.3', config: mistral7bV03 },
  { id: 'mistralai/Mistral-7B-Instruct-v0.3', config: mistral7bV03 },
];
