import { commonSizes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { FIELD_NAMES } from '../fieldNames.ts';
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
  shape: (fields) => headExpertsShape(fields, true, { outputBias: fields.switch('attention_bias', false) }),
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

/** DeepSeekMoE 16B, the first with many small experts: no biases. */
export const deepseek: ModelFamily = {
  modelType: 'deepseek',
  architecture: 'DeepseekForCausalLM',
  defaults: { max_position_embeddings: 2048 },
  shape: (fields) => headExpertsShape(fields, false),
};

/** Hunyuan 3: a norm over each head's query and key; the first layer dense unless the file lists them. */
export const hunyuan3: ModelFamily = {
  modelType: 'hy_v3',
  architecture: 'HYV3ForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 131_072,
    num_experts: 192,
    num_experts_per_tok: 8,
    num_shared_experts: 1,
    moe_intermediate_size: 1536,
    first_k_dense_replace: 1,
  },
  shape: (fields) =>
    headExpertsShape(fields, true, {
      outputBias: fields.switch('attention_bias', false),
      mlpBias: fields.switch('mlp_bias', false),
    }),
};

/** Ling and Ring: `use_bias` and `use_qkv_bias`; shared experts may have a width of their own. */
export const bailingMoe: ModelFamily = {
  modelType: 'bailing_moe',
  aliases: ['bailing_moe_v2'],
  architecture: 'BailingMoeForCausalLM',
  otherArchitectures: ['BailingMoeV2ForCausalLM'],
  defaults: { max_position_embeddings: 16_384, first_k_dense_replace: 0 },
  shape(fields) {
    const bias = fields.switch('use_bias', false);
    return headExpertsShape(fields, fields.switch('use_qk_norm', false), {
      queryKeyValueBias: bias || fields.switch('use_qkv_bias', false),
      outputBias: bias,
      mlpBias: bias,
    });
  },
};

interface Biases {
  readonly queryKeyValueBias?: boolean;
  readonly outputBias?: boolean;
  /** Of the dense and the shared MLPs. */
  readonly mlpBias?: boolean;
}

/** DeepSeek's experts with attention over heads: biases of query, key and value by `attention_bias`. */
function headExpertsShape(fields: ConfigFields, headNorms: boolean, biases: Biases = {}) {
  const sizes = commonSizes(fields, { intermediateSize: false });
  const bias = biases.mlpBias ?? false;
  const experts = () => {
    const width = fields.count('moe_intermediate_size', LIMITS.width);
    const ofShared = fields.countOr('moe_shared_expert_intermediate_size', width, LIMITS.width);
    return routedExperts(sizes.hiddenSize, {
      ...expertCounts(fields),
      width,
      sharedWidth: sharedWidth(fields, ofShared, FIELD_NAMES.sharedExperts),
      sharedBias: bias,
    });
  };
  const dense = () =>
    denseMlp(sizes.hiddenSize, {
      width: fields.count('intermediate_size', LIMITS.width),
      gated: true,
      bias,
    });
  return decoder(fields, sizes, {
    attention: {
      queryKeyValueBias: biases.queryKeyValueBias ?? fields.switch('attention_bias', false),
      outputBias: biases.outputBias ?? false,
      ...(headNorms ? { queryKeyNorms: 'head' } : {}),
    },
    feedForwards: expertLayers(sizes.layerCount, sparseAfterDense(fields, sizes.layerCount), experts, dense),
  });
}
