import { type KnownModelEntry, sizes } from './entry.ts';

const bf16 = { torch_dtype: 'bfloat16' };

/** Granite 4 puts attention in four of its forty layers. */
const GRANITE_ATTENTION = new Set([5, 15, 25, 35]);

const granite4 = {
  model_type: 'granitemoehybrid',
  architectures: ['GraniteMoeHybridForCausalLM'],
  ...bf16,
  layer_types: Array.from({ length: 40 }, (_, layer) =>
    GRANITE_ATTENTION.has(layer) ? 'attention' : 'mamba',
  ),
  mamba_d_head: 64,
  mamba_d_state: 128,
  mamba_n_groups: 1,
  mamba_expand: 2,
  mamba_d_conv: 4,
  mamba_conv_bias: true,
  mamba_proj_bias: false,
  position_embedding_type: 'nope',
  max_position_embeddings: 131_072,
  tie_word_embeddings: true,
};
const qwen3Next = {
  model_type: 'qwen3_next',
  architectures: ['Qwen3NextForCausalLM'],
  ...bf16,
  ...sizes(2048, 5120, 48, 16, 2, 151_936),
  head_dim: 256,
  full_attention_interval: 4,
  linear_conv_kernel_dim: 4,
  linear_key_head_dim: 128,
  linear_value_head_dim: 128,
  linear_num_key_heads: 16,
  linear_num_value_heads: 32,
  moe_intermediate_size: 512,
  shared_expert_intermediate_size: 512,
  num_experts: 512,
  num_experts_per_tok: 10,
  decoder_sparse_step: 1,
  partial_rotary_factor: 0.25,
  max_position_embeddings: 262_144,
  tie_word_embeddings: false,
};

/** Models where state spaces or linear attention stand beside attention. */
export const hybridModels: readonly KnownModelEntry[] = [
  {
    id: 'Qwen/Qwen3-Next-80B-A3B-Instruct',
    aliases: ['Qwen/Qwen3-Next-80B-A3B-Thinking', 'qwen3-next-80b'],
    config: qwen3Next,
  },
  {
    id: 'ibm-granite/granite-4.0-h-small',
    config: {
      ...granite4,
      ...sizes(4096, 768, 40, 32, 8, 100_352),
      num_local_experts: 72,
      num_experts_per_tok: 10,
      shared_intermediate_size: 1536,
      mamba_n_heads: 128,
    },
  },
  {
    id: 'ibm-granite/granite-4.0-h-tiny',
    config: {
      ...granite4,
      ...sizes(1536, 512, 40, 12, 4, 100_352),
      num_local_experts: 64,
      num_experts_per_tok: 6,
      shared_intermediate_size: 1024,
      mamba_n_heads: 48,
    },
  },
  {
    id: 'nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16',
    aliases: ['nemotron-3-nano', 'nvidia/Nemotron-3-Nano-30B-A3B'],
    config: {
      model_type: 'nemotron_h',
      architectures: ['NemotronHForCausalLM'],
      ...bf16,
      ...sizes(2688, 1856, 52, 32, 2, 131_072),
      head_dim: 128,
      hybrid_override_pattern: 'MEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEM*EMEMEMEM*EMEMEMEME',
      mamba_num_heads: 64,
      mamba_head_dim: 64,
      n_groups: 8,
      ssm_state_size: 128,
      conv_kernel: 4,
      n_routed_experts: 128,
      num_experts_per_tok: 6,
      n_shared_experts: 1,
      moe_intermediate_size: 1856,
      moe_shared_expert_intermediate_size: 3712,
      max_position_embeddings: 262_144,
      tie_word_embeddings: false,
    },
  },
  {
    id: 'tiiuae/falcon-mamba-7b',
    aliases: ['tiiuae/falcon-mamba-7b-instruct'],
    config: {
      model_type: 'falcon_mamba',
      architectures: ['FalconMambaForCausalLM'],
      ...bf16,
      hidden_size: 4096,
      num_hidden_layers: 64,
      vocab_size: 65_024,
      state_size: 16,
      intermediate_size: 8192,
      conv_kernel: 4,
      tie_word_embeddings: false,
    },
  },
];
