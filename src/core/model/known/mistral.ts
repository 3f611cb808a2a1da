import { type KnownModelEntry, sizes } from './entry.ts';

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

const mistral = {
  model_type: 'mistral',
  architectures: ['MistralForCausalLM'],
  torch_dtype: 'bfloat16',
  sliding_window: null,
  tie_word_embeddings: false,
};
const small24b = { ...mistral, head_dim: 128, ...sizes(5120, 32_768, 40, 32, 8, 131_072) };
const small22b = { ...mistral, ...sizes(6144, 16_384, 56, 48, 8, 32_768) };
const mixtral = {
  model_type: 'mixtral',
  architectures: ['MixtralForCausalLM'],
  torch_dtype: 'bfloat16',
  num_local_experts: 8,
  num_experts_per_tok: 2,
  sliding_window: null,
  tie_word_embeddings: false,
};

export const mistralModels: readonly KnownModelEntry[] = [
  { id: 'mistralai/Mistral-7B-v0.3', config: mistral7bV03 },
  { id: 'mistralai/Mistral-7B-Instruct-v0.3', config: mistral7bV03 },
  {
    id: 'mistralai/Mistral-7B-v0.1',
    aliases: ['mistralai/Mistral-7B-Instruct-v0.1', 'HuggingFaceH4/zephyr-7b-beta'],
    config: {
      ...mistral,
      ...sizes(4096, 14_336, 32, 32, 8, 32_000),
      max_position_embeddings: 32_768,
      sliding_window: 4096,
    },
  },
  {
    id: 'mistralai/Mistral-7B-Instruct-v0.2',
    config: { ...mistral, ...sizes(4096, 14_336, 32, 32, 8, 32_000), max_position_embeddings: 32_768 },
  },
  {
    id: 'mistralai/Mistral-Nemo-Instruct-2407',
    aliases: ['mistralai/Mistral-Nemo-Base-2407', 'mistral-nemo'],
    config: {
      ...mistral,
      head_dim: 128,
      ...sizes(5120, 14_336, 40, 32, 8, 131_072),
      max_position_embeddings: 131_072,
    },
  },
  {
    id: 'mistralai/Ministral-8B-Instruct-2410',
    aliases: ['ministral-8b'],
    config: {
      ...mistral,
      head_dim: 128,
      ...sizes(4096, 12_288, 36, 32, 8, 131_072),
      max_position_embeddings: 32_768,
      sliding_window: 32_768,
    },
  },
  {
    id: 'mistralai/Mistral-Small-24B-Instruct-2501',
    aliases: ['mistralai/Mistral-Small-24B-Base-2501', 'mistral-small-3', 'mistral-small-24b'],
    config: { ...small24b, max_position_embeddings: 32_768 },
  },
  {
    id: 'mistralai/Devstral-Small-2505',
    aliases: ['mistralai/Devstral-Small-2507'],
    config: { ...small24b, max_position_embeddings: 131_072 },
  },
  {
    id: 'mistralai/Mistral-Small-Instruct-2409',
    config: { ...small22b, max_position_embeddings: 32_768 },
  },
  { id: 'mistralai/Codestral-22B-v0.1', config: { ...small22b, max_position_embeddings: 32_768 } },
  {
    id: 'mistralai/Mistral-Large-Instruct-2407',
    aliases: ['mistralai/Mistral-Large-Instruct-2411', 'mistral-large'],
    config: { ...mistral, ...sizes(12_288, 28_672, 88, 96, 8, 32_768), max_position_embeddings: 131_072 },
  },
  {
    id: 'mistralai/Mixtral-8x7B-Instruct-v0.1',
    aliases: ['mistralai/Mixtral-8x7B-v0.1', 'mixtral-8x7b'],
    config: { ...mixtral, ...sizes(4096, 14_336, 32, 32, 8, 32_000), max_position_embeddings: 32_768 },
  },
  {
    id: 'mistralai/Mixtral-8x22B-Instruct-v0.1',
    aliases: ['mixtral-8x22b'],
    config: { ...mixtral, ...sizes(6144, 16_384, 56, 48, 8, 32_768), max_position_embeddings: 65_536 },
  },
];
