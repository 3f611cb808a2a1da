import type { KnownModelEntry } from './entry.ts';

const llama3 = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  torch_dtype: 'bfloat16',
  vocab_size: 128_256,
  num_key_value_heads: 8,
  max_position_embeddings: 131_072,
};

const llama2 = {
  model_type: 'llama',
  architectures: ['LlamaForCausalLM'],
  torch_dtype: 'float16',
  vocab_size: 32_000,
  max_position_embeddings: 4096,
  tie_word_embeddings: false,
};

const size8b = {
  ...llama3,
  hidden_size: 4096,
  intermediate_size: 14_336,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  tie_word_embeddings: false,
};
const size70b = {
  ...llama3,
  hidden_size: 8192,
  intermediate_size: 28_672,
  num_hidden_layers: 80,
  num_attention_heads: 64,
  tie_word_embeddings: false,
};
const size1b = {
  ...llama3,
  hidden_size: 2048,
  intermediate_size: 8192,
  num_hidden_layers: 16,
  num_attention_heads: 32,
  head_dim: 64,
  tie_word_embeddings: true,
};
const size3b = {
  ...llama3,
  hidden_size: 3072,
  intermediate_size: 8192,
  num_hidden_layers: 28,
  num_attention_heads: 24,
  head_dim: 128,
  tie_word_embeddings: true,
};

export const llamaModels: readonly KnownModelEntry[] = [
  { id: 'meta-llama/Llama-3.1-8B', aliases: ['meta-llama/Meta-Llama-3.1-8B'], config: size8b },
  {
    id: 'meta-llama/Llama-3.1-8B-Instruct',
    aliases: ['meta-llama/Meta-Llama-3.1-8B-Instruct'],
    config: size8b,
  },
  { id: 'meta-llama/Llama-3.1-70B', aliases: ['meta-llama/Meta-Llama-3.1-70B'], config: size70b },
  {
    id: 'meta-llama/Llama-3.1-70B-Instruct',
    aliases: ['meta-llama/Meta-Llama-3.1-70B-Instruct'],
    config: size70b,
  },
  { id: 'meta-llama/Llama-3.3-70B-Instruct', aliases: ['Llama-3.3-70B'], config: size70b },
  { id: 'meta-llama/Llama-3.2-1B', config: size1b },
  { id: 'meta-llama/Llama-3.2-1B-Instruct', config: size1b },
  { id: 'meta-llama/Llama-3.2-3B', config: size3b },
  { id: 'meta-llama/Llama-3.2-3B-Instruct', config: size3b },
  {
    id: 'meta-llama/Llama-2-7b-hf',
    aliases: ['meta-llama/Llama-2-7b', 'meta-llama/Llama-2-7b-chat-hf'],
    config: {
      ...llama2,
      hidden_size: 4096,
      intermediate_size: 11_008,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 32,
    },
  },
  {
    id: 'meta-llama/Llama-2-70b-hf',
    aliases: ['meta-llama/Llama-2-70b', 'meta-llama/Llama-2-70b-chat-hf'],
    config: {
      ...llama2,
      hidden_size: 8192,
      intermediate_size: 28_672,
      num_hidden_layers: 80,
      num_attention_heads: 64,
      num_key_value_heads: 8,
    },
  },
];
