import { BLOCK_FP8, type KnownModelEntry, sizes } from './entry.ts';

const bf16 = { torch_dtype: 'bfloat16', tie_word_embeddings: false };
const gptOss = {
  model_type: 'gpt_oss',
  architectures: ['GptOssForCausalLM'],
  ...bf16,
  head_dim: 64,
  num_experts_per_tok: 4,
  attention_bias: true,
  sliding_window: 128,
  max_position_embeddings: 131_072,
  quantization_config: {
    quant_method: 'mxfp4',
    modules_to_not_convert: [
      'model.layers.*.self_attn',
      'model.layers.*.mlp.router',
      'model.embed_tokens',
      'lm_head',
    ],
  },
};
const glm4Moe = {
  model_type: 'glm4_moe',
  architectures: ['Glm4MoeForCausalLM'],
  ...bf16,
  head_dim: 128,
  attention_bias: true,
  partial_rotary_factor: 0.5,
  num_experts_per_tok: 8,
  n_shared_experts: 1,
  num_nextn_predict_layers: 1,
};
const glm45 = {
  ...glm4Moe,
  ...sizes(5120, 12_288, 92, 96, 8, 151_552),
  moe_intermediate_size: 1536,
  n_routed_experts: 160,
  first_k_dense_replace: 3,
  use_qk_norm: true,
};

/** Models of experts whose vendors have few others. */
export const expertModels: readonly KnownModelEntry[] = [
  {
    id: 'openai/gpt-oss-20b',
    config: { ...gptOss, ...sizes(2880, 2880, 24, 64, 8, 201_088), num_local_experts: 32 },
  },
  {
    id: 'openai/gpt-oss-120b',
    config: { ...gptOss, ...sizes(2880, 2880, 36, 64, 8, 201_088), num_local_experts: 128 },
  },
  { id: 'zai-org/GLM-4.5', config: { ...glm45, max_position_embeddings: 131_072 } },
  { id: 'zai-org/GLM-4.6', config: { ...glm45, max_position_embeddings: 202_752 } },
  {
    id: 'zai-org/GLM-4.5-Air',
    config: {
      ...glm4Moe,
      ...sizes(4096, 10_944, 46, 96, 8, 151_552),
      moe_intermediate_size: 1408,
      n_routed_experts: 128,
      first_k_dense_replace: 1,
      use_qk_norm: false,
      max_position_embeddings: 131_072,
    },
  },
  {
    id: 'MiniMaxAI/MiniMax-M2',
    aliases: ['MiniMaxAI/MiniMax-M2.1'],
    config: {
      model_type: 'minimax_m2',
      architectures: ['MiniMaxM2ForCausalLM'],
      ...bf16,
      ...sizes(3072, 1536, 62, 48, 8, 200_064),
      head_dim: 128,
      num_local_experts: 256,
      num_experts_per_tok: 8,
      rotary_dim: 64,
      use_qk_norm: true,
      max_position_embeddings: 196_608,
      quantization_config: BLOCK_FP8,
    },
  },
  {
    id: 'baidu/ERNIE-4.5-300B-A47B-PT',
    config: {
      model_type: 'ernie4_5_moe',
      architectures: ['Ernie4_5_MoeForCausalLM'],
      ...bf16,
      ...sizes(8192, 28_672, 54, 64, 8, 103_424),
      moe_intermediate_size: 3584,
      moe_num_experts: 64,
      moe_k: 8,
      moe_num_shared_experts: 0,
      moe_layer_start_index: 3,
      moe_layer_end_index: 53,
      max_position_embeddings: 131_072,
    },
  },
  {
    id: 'tencent/Hunyuan-A13B-Instruct',
    config: {
      model_type: 'hunyuan_v1_moe',
      architectures: ['HunYuanMoEV1ForCausalLM'],
      torch_dtype: 'bfloat16',
      ...sizes(4096, 3072, 32, 32, 8, 128_167),
      head_dim: 128,
      num_experts: 64,
      moe_topk: 8,
      tie_word_embeddings: true,
      max_position_embeddings: 32_768,
    },
  },
  {
    id: 'databricks/dbrx-instruct',
    aliases: ['databricks/dbrx-base'],
    config: {
      model_type: 'dbrx',
      architectures: ['DbrxForCausalLM'],
      torch_dtype: 'bfloat16',
      d_model: 6144,
      n_heads: 48,
      n_layers: 40,
      max_seq_len: 32_768,
      vocab_size: 100_352,
      attn_config: { kv_n_heads: 8 },
      ffn_config: { ffn_hidden_size: 10_752, moe_num_experts: 16, moe_top_k: 4 },
    },
  },
  {
    id: 'allenai/OLMoE-1B-7B-0924',
    aliases: ['allenai/OLMoE-1B-7B-0924-Instruct'],
    config: {
      model_type: 'olmoe',
      architectures: ['OlmoeForCausalLM'],
      ...bf16,
      ...sizes(2048, 1024, 16, 16, 16, 50_304),
      num_experts: 64,
      num_experts_per_tok: 8,
      max_position_embeddings: 4096,
    },
  },
];
