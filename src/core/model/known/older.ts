import type { KnownModelEntry } from './entry.ts';

function opt(hidden_size: number, layers: number, heads: number): KnownModelEntry['config'] {
  return {
    model_type: 'opt',
    architectures: ['OPTForCausalLM'],
    torch_dtype: 'float16',
    hidden_size,
    ffn_dim: 4 * hidden_size,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    vocab_size: 50_272,
    word_embed_proj_dim: hidden_size,
    max_position_embeddings: 2048,
  };
}

function bloom(hidden_size: number, n_layer: number, n_head: number): KnownModelEntry['config'] {
  return {
    model_type: 'bloom',
    architectures: ['BloomForCausalLM'],
    torch_dtype: 'float16',
    hidden_size,
    n_layer,
    n_head,
    vocab_size: 250_880,
    seq_length: 2048,
  };
}

function neoX(hidden: number, layers: number, heads: number, vocabulary: number): KnownModelEntry['config'] {
  return {
    model_type: 'gpt_neox',
    architectures: ['GPTNeoXForCausalLM'],
    torch_dtype: 'float16',
    hidden_size: hidden,
    intermediate_size: 4 * hidden,
    num_hidden_layers: layers,
    num_attention_heads: heads,
    vocab_size: vocabulary,
    max_position_embeddings: 2048,
    tie_word_embeddings: false,
  };
}

/** Models of 2021 to 2023 that examples and benchmarks still name. */
export const olderModels: readonly KnownModelEntry[] = [
  { id: 'facebook/opt-125m', config: opt(768, 12, 12) },
  { id: 'facebook/opt-1.3b', config: opt(2048, 24, 32) },
  { id: 'facebook/opt-6.7b', config: opt(4096, 32, 32) },
  { id: 'facebook/opt-13b', config: opt(5120, 40, 40) },
  { id: 'facebook/opt-30b', config: opt(7168, 48, 56) },
  { id: 'facebook/opt-66b', config: opt(9216, 64, 72) },
  { id: 'bigscience/bloom-560m', config: bloom(1024, 24, 16) },
  { id: 'bigscience/bloom-7b1', config: bloom(4096, 30, 32) },
  { id: 'bigscience/bloom', config: bloom(14_336, 70, 112) },
  { id: 'EleutherAI/pythia-410m', config: neoX(1024, 24, 16, 50_304) },
  { id: 'EleutherAI/pythia-6.9b', config: neoX(4096, 32, 32, 50_432) },
  { id: 'EleutherAI/pythia-12b', config: neoX(5120, 36, 40, 50_688) },
  { id: 'EleutherAI/gpt-neox-20b', config: neoX(6144, 44, 64, 50_432) },
  {
    id: 'EleutherAI/gpt-j-6b',
    config: {
      model_type: 'gptj',
      architectures: ['GPTJForCausalLM'],
      torch_dtype: 'float32',
      n_embd: 4096,
      n_layer: 28,
      n_head: 16,
      n_positions: 2048,
      rotary_dim: 64,
      vocab_size: 50_400,
    },
  },
];
