import { BLOCK_FP8, type KnownModelEntry, sizes } from './entry.ts';

const latent = {
  torch_dtype: 'bfloat16',
  kv_lora_rank: 512,
  qk_nope_head_dim: 128,
  qk_rope_head_dim: 64,
  v_head_dim: 128,
  moe_layer_freq: 1,
  tie_word_embeddings: false,
  max_position_embeddings: 163_840,
};
const v2 = { ...latent, model_type: 'deepseek_v2', architectures: ['DeepseekV2ForCausalLM'] };
const v3 = {
  ...latent,
  model_type: 'deepseek_v3',
  architectures: ['DeepseekV3ForCausalLM'],
  ...sizes(7168, 18_432, 61, 128, 128, 129_280),
  q_lora_rank: 1536,
  moe_intermediate_size: 2048,
  n_routed_experts: 256,
  num_experts_per_tok: 8,
  n_shared_experts: 1,
  first_k_dense_replace: 3,
  num_nextn_predict_layers: 1,
  quantization_config: BLOCK_FP8,
};
const v2Lite = {
  ...v2,
  ...sizes(2048, 10_944, 27, 16, 16, 102_400),
  q_lora_rank: null,
  moe_intermediate_size: 1408,
  n_routed_experts: 64,
  num_experts_per_tok: 6,
  n_shared_experts: 2,
  first_k_dense_replace: 1,
};

export const deepseekModels: readonly KnownModelEntry[] = [
  {
    id: 'deepseek-ai/DeepSeek-V2-Lite',
    aliases: ['deepseek-ai/DeepSeek-V2-Lite-Chat', 'deepseek-ai/DeepSeek-Coder-V2-Lite-Instruct'],
    config: v2Lite,
  },
  {
    id: 'deepseek-ai/DeepSeek-V2',
    aliases: [
      'deepseek-ai/DeepSeek-V2-Chat',
      'deepseek-ai/DeepSeek-V2.5',
      'deepseek-ai/DeepSeek-Coder-V2-Instruct',
    ],
    config: {
      ...v2,
      ...sizes(5120, 12_288, 60, 128, 128, 102_400),
      q_lora_rank: 1536,
      moe_intermediate_size: 1536,
      n_routed_experts: 160,
      num_experts_per_tok: 6,
      n_shared_experts: 2,
      first_k_dense_replace: 1,
    },
  },
  {
    id: 'deepseek-ai/DeepSeek-V3',
    aliases: ['deepseek-ai/DeepSeek-V3-0324', 'deepseek-ai/DeepSeek-V3-Base'],
    config: v3,
  },
  { id: 'deepseek-ai/DeepSeek-R1', aliases: ['deepseek-ai/DeepSeek-R1-0528'], config: v3 },
  { id: 'deepseek-ai/DeepSeek-V3.1', aliases: ['deepseek-ai/DeepSeek-V3.1-Terminus'], config: v3 },
  {
    id: 'deepseek-ai/DeepSeek-V3.2-Exp',
    aliases: ['deepseek-ai/DeepSeek-V3.2'],
    config: {
      ...v3,
      model_type: 'deepseek_v32',
      architectures: ['DeepseekV32ForCausalLM'],
      index_head_dim: 128,
      index_n_heads: 64,
      index_topk: 2048,
    },
  },
  {
    id: 'moonshotai/Kimi-K2-Instruct',
    aliases: ['moonshotai/Kimi-K2-Base', 'kimi-k2'],
    config: {
      ...v3,
      model_type: 'kimi_k2',
      ...sizes(7168, 18_432, 61, 64, 64, 163_840),
      n_routed_experts: 384,
      first_k_dense_replace: 1,
      num_nextn_predict_layers: 0,
      max_position_embeddings: 131_072,
    },
  },
  {
    id: 'moonshotai/Moonlight-16B-A3B',
    aliases: ['moonshotai/Moonlight-16B-A3B-Instruct'],
    config: {
      ...v3,
      ...sizes(2048, 11_264, 27, 16, 16, 163_840),
      q_lora_rank: null,
      moe_intermediate_size: 1408,
      n_routed_experts: 64,
      num_experts_per_tok: 6,
      n_shared_experts: 2,
      first_k_dense_replace: 1,
      num_nextn_predict_layers: 0,
      max_position_embeddings: 8192,
      quantization_config: null,
    },
  },
];
