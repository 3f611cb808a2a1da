import { type ConfigFields, LIMITS } from '../configFields.ts';
import { alike } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { latentAttention } from '../parts.ts';
import { latentExpertsShape, latentModelSizes, latentSizes } from './latent.ts';

/** DeepSeek-V3.2: an indexer in every layer chooses the tokens that attention sees. */
export const deepseekV32: ModelFamily = {
  modelType: 'deepseek_v32',
  architecture: 'DeepseekV32ForCausalLM',
  defaults: {
    max_position_embeddings: 163_840,
    moe_intermediate_size: 2048,
    n_shared_experts: 1,
    n_routed_experts: 256,
    num_experts_per_tok: 8,
    first_k_dense_replace: 3,
    kv_lora_rank: 512,
    q_lora_rank: 1536,
    qk_rope_head_dim: 64,
    qk_nope_head_dim: 128,
    v_head_dim: 128,
    index_head_dim: 128,
    index_n_heads: 64,
  },
  shape: (fields) => sparseShape(fields, () => true),
};

/** GLM-5: layers may share the indexer of the layer before. */
export const glmMoeDsa: ModelFamily = {
  modelType: 'glm_moe_dsa',
  architecture: 'GlmMoeDsaForCausalLM',
  defaults: {
    max_position_embeddings: 202_752,
    moe_intermediate_size: 2048,
    n_shared_experts: 1,
    n_routed_experts: 256,
    num_experts_per_tok: 8,
    first_k_dense_replace: 3,
    kv_lora_rank: 512,
    q_lora_rank: 2048,
    qk_rope_head_dim: 64,
    qk_nope_head_dim: 192,
    v_head_dim: 256,
    index_head_dim: 128,
    index_n_heads: 32,
  },
  shape(fields) {
    const { layerCount } = latentModelSizes(fields);
    const types = fields.perLayer('indexer_types', layerCount);
    if (types !== undefined) return sparseShape(fields, (layer) => types[layer] !== 'shared');
    const pattern = fields.value('index_topk_pattern');
    if (typeof pattern === 'string') return sparseShape(fields, (layer) => pattern[layer] !== 'S');
    const each = fields.wholeOr('index_topk_freq', 1, LIMITS.layers) || 1;
    const offset = fields.wholeOr('index_skip_topk_offset', 2, LIMITS.layers);
    return sparseShape(fields, (layer) => Math.max(layer - offset + 1, 0) % each === 0);
  },
};

function sparseShape(fields: ConfigFields, hasIndexer: (layer: number) => boolean) {
  const { hiddenSize, layerCount } = latentModelSizes(fields);
  const { attention, ...options } = latentSizes(fields);
  const indexerHeadSize = fields.count('index_head_dim', LIMITS.headSize);
  const indexerHeads = fields.count('index_n_heads', LIMITS.heads);
  const layers = Array.from({ length: layerCount }, (_, layer) => hasIndexer(layer));
  return latentExpertsShape(fields.withValues({ mlp_bias: null }), {
    mixers: alike(layers, (indexed) =>
      indexed
        ? latentAttention(hiddenSize, { ...attention, indexerHeadSize }, { ...options, indexerHeads })
        : latentAttention(hiddenSize, attention, options),
    ),
  });
}
