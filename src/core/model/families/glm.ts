import { commonSizes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts, expertLayers, sharedWidth, sparseAfterDense } from '../moe.ts';
import { denseMlp, routedExperts } from '../parts.ts';

const glmDefaults = {
  num_key_value_heads: 2,
  head_dim: 128,
  attention_bias: true,
  partial_rotary_factor: 0.5,
  max_position_embeddings: 131_072,
};

/** GLM-4-9B in today's format. */
export const glm: ModelFamily = {
  modelType: 'glm',
  architecture: 'GlmForCausalLM',
  defaults: glmDefaults,
  shape: (fields) => glmShape(fields, 2),
};

/** GLM-4-0414 and GLM-Z1: two more norms a layer. */
export const glm4: ModelFamily = {
  modelType: 'glm4',
  architecture: 'Glm4ForCausalLM',
  defaults: glmDefaults,
  shape: (fields) => glmShape(fields, 4),
};

function glmShape(fields: ConfigFields, layerNorms: number) {
  return decoder(fields, commonSizes(fields), {
    attention: { queryKeyValueBias: fields.switch('attention_bias', true) },
    layerNorms,
  });
}

/** GLM-4.5, 4.6 and 4.7. */
export const glm4Moe: ModelFamily = {
  modelType: 'glm4_moe',
  architecture: 'Glm4MoeForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    partial_rotary_factor: 0.5,
    max_position_embeddings: 131_072,
    moe_intermediate_size: 1408,
    num_experts_per_tok: 8,
    n_shared_experts: 1,
    n_routed_experts: 128,
    first_k_dense_replace: 1,
  },
  shape: (fields) => headExpertsShape(fields, fields.switch('use_qk_norm', false)),
};

/** dots.llm1: a norm over each head's query and key, no routed experts unless the file has some. */
export const dots1: ModelFamily = {
  modelType: 'dots1',
  architecture: 'Dots1ForCausalLM',
  defaults: { num_key_value_heads: 32, max_position_embeddings: 2048 },
  shape: (fields) => headExpertsShape(fields, true, fields.switch('attention_bias', false)),
};

/** Solar Open: every layer has experts. */
export const solarOpen: ModelFamily = {
  modelType: 'solar_open',
  architecture: 'SolarOpenForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 131_072,
    moe_intermediate_size: 1280,
    num_experts_per_tok: 8,
    n_shared_experts: 1,
    n_routed_experts: 128,
  },
  shape: (fields) => headExpertsShape(fields, false),
};

/** DeepSeek's experts with attention over heads: biases of query, key and value by `attention_bias`. */
function headExpertsShape(fields: ConfigFields, headNorms: boolean, outputBias = false) {
  const sizes = commonSizes(fields, { intermediateSize: false });
  const experts = () => {
    const width = fields.count('moe_intermediate_size', LIMITS.width);
    return routedExperts(sizes.hiddenSize, {
      ...expertCounts(fields),
      width,
      sharedWidth: sharedWidth(fields, width),
    });
  };
  const dense = () =>
    denseMlp(sizes.hiddenSize, { width: fields.count('intermediate_size', LIMITS.width), gated: true });
  return decoder(fields, sizes, {
    attention: {
      queryKeyValueBias: fields.switch('attention_bias', false),
      outputBias,
      ...(headNorms ? { queryKeyNorms: 'head' } : {}),
    },
    feedForwards: expertLayers(sizes.layerCount, sparseAfterDense(fields, sizes.layerCount), experts, dense),
  });
}
