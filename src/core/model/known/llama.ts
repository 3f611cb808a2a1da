import { type KnownModelEntry, sizes } from './entry.ts';

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

const llama30 = { ...llama3, max_position_embeddings: 8192 };
const codeLlama = { ...llama2, torch_dtype: 'bfloat16', max_position_embeddings: 16_384 };
const smolLm2 = {
  ...llama2,
  torch_dtype: 'bfloat16',
  max_position_embeddings: 8192,
  tie_word_embeddings: true,
};
const untied = { tie_word_embeddings: false };

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
    aliases: ['meta-llama/Llama-2-7b', 'meta-llama/Llama-2-7b-chat-hf', 'lmsys/vicuna-7b-v1.5'],
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
  {
    id: 'meta-llama/Llama-2-13b-hf',
    aliases: ['meta-llama/Llama-2-13b', 'meta-llama/Llama-2-13b-chat-hf', 'lmsys/vicuna-13b-v1.5'],
    config: { ...llama2, ...sizes(5120, 13_824, 40, 40, 40, 32_000) },
  },
  {
    id: 'meta-llama/Meta-Llama-3-8B',
    aliases: ['meta-llama/Meta-Llama-3-8B-Instruct', 'llama-3-8b'],
    config: { ...llama30, ...untied, ...sizes(4096, 14_336, 32, 32, 8, 128_256) },
  },
  {
    id: 'meta-llama/Meta-Llama-3-70B',
    aliases: ['meta-llama/Meta-Llama-3-70B-Instruct', 'llama-3-70b'],
    config: { ...llama30, ...untied, ...sizes(8192, 28_672, 80, 64, 8, 128_256) },
  },
  {
    id: 'meta-llama/Llama-3.1-405B',
    aliases: ['meta-llama/Llama-3.1-405B-Instruct', 'meta-llama/Meta-Llama-3.1-405B-Instruct'],
    config: { ...llama3, ...untied, ...sizes(16_384, 53_248, 126, 128, 8, 128_256) },
  },
  {
    id: 'deepseek-ai/DeepSeek-R1-Distill-Llama-8B',
    aliases: ['nvidia/Llama-3.1-Nemotron-Nano-8B-v1'],
    config: size8b,
  },
  {
    id: 'deepseek-ai/DeepSeek-R1-Distill-Llama-70B',
    aliases: ['nvidia/Llama-3.1-Nemotron-70B-Instruct-HF'],
    config: size70b,
  },
  {
    id: 'codellama/CodeLlama-7b-hf',
    aliases: ['codellama/CodeLlama-7b-Instruct-hf', 'codellama-7b'],
    config: { ...codeLlama, ...sizes(4096, 11_008, 32, 32, 32, 32_016) },
  },
  {
    id: 'codellama/CodeLlama-13b-hf',
    aliases: ['codellama/CodeLlama-13b-Instruct-hf', 'codellama-13b'],
    config: { ...codeLlama, ...sizes(5120, 13_824, 40, 40, 40, 32_016) },
  },
  {
    id: 'codellama/CodeLlama-34b-hf',
    aliases: ['codellama/CodeLlama-34b-Instruct-hf', 'codellama-34b'],
    config: { ...codeLlama, ...sizes(8192, 22_016, 48, 64, 8, 32_000) },
  },
  {
    id: 'TinyLlama/TinyLlama-1.1B-Chat-v1.0',
    aliases: ['tinyllama', 'tinyllama-1.1b'],
    config: {
      ...llama2,
      torch_dtype: 'bfloat16',
      max_position_embeddings: 2048,
      ...sizes(2048, 5632, 22, 32, 4, 32_000),
    },
  },
  {
    id: 'HuggingFaceTB/SmolLM2-135M',
    aliases: ['HuggingFaceTB/SmolLM2-135M-Instruct'],
    config: { ...smolLm2, ...sizes(576, 1536, 30, 9, 3, 49_152) },
  },
  {
    id: 'HuggingFaceTB/SmolLM2-360M',
    aliases: ['HuggingFaceTB/SmolLM2-360M-Instruct'],
    config: { ...smolLm2, ...sizes(960, 2560, 32, 15, 5, 49_152) },
  },
  {
    id: 'HuggingFaceTB/SmolLM2-1.7B',
    aliases: ['HuggingFaceTB/SmolLM2-1.7B-Instruct'],
    config: { ...smolLm2, ...sizes(2048, 8192, 24, 32, 32, 49_152) },
  },
  {
    id: '01-ai/Yi-1.5-9B-Chat',
    aliases: ['01-ai/Yi-1.5-9B'],
    config: { ...llama2, torch_dtype: 'bfloat16', ...sizes(4096, 11_008, 48, 32, 4, 64_000) },
  },
  {
    id: '01-ai/Yi-1.5-34B-Chat',
    aliases: ['01-ai/Yi-1.5-34B', '01-ai/Yi-34B'],
    config: { ...llama2, torch_dtype: 'bfloat16', ...sizes(7168, 20_480, 60, 56, 8, 64_000) },
  },
  {
    id: 'upstage/SOLAR-10.7B-Instruct-v1.0',
    config: { ...llama2, ...sizes(4096, 14_336, 48, 32, 8, 32_000) },
  },
  {
    id: 'deepseek-ai/deepseek-coder-6.7b-instruct',
    aliases: ['deepseek-ai/deepseek-coder-6.7b-base'],
    config: {
      ...llama2,
      torch_dtype: 'bfloat16',
      max_position_embeddings: 16_384,
      ...sizes(4096, 11_008, 32, 32, 32, 32_256),
    },
  },
];
