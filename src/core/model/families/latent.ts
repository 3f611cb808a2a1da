import { commonSizes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { alike, type DecoderParts, decoder } from '../decoder.ts';
import type { HeadAttention, LatentAttention } from '../facts.ts';
import type { ModelFamily } from '../family.ts';
import { FIELD_NAMES } from '../fieldNames.ts';
import { expertCounts, expertLayers, sharedWidth, sparseAfterDense } from '../moe.ts';
import { denseMlp, latentAttention, type Mixer, norms, routedExperts } from '../parts.ts';

/** The sizes of DeepSeek's latent attention, by the names that all its descendants use. */
export function latentSizes(fields: ConfigFields) {
  const size = (name: string) => fields.count(name, LIMITS.headSize);
  const queryRank = fields.wholeOr('q_lora_rank', 0, LIMITS.width);
  return {
    attention: {
      kind: 'latent',
      queryHeads: fields.count('num_attention_heads', LIMITS.heads),
      latentSize: fields.count('kv_lora_rank', LIMITS.width),
      rotarySize: size('qk_rope_head_dim'),
      headSize: size('qk_nope_head_dim'),
      valueHeadSize: size('v_head_dim'),
    } satisfies LatentAttention,
    ...(queryRank === 0 ? {} : { queryRank }),
    bias: fields.switch('attention_bias', false),
  };
}

/** `hidden_size` and the like where heads have no size of their own. */
export function latentModelSizes(fields: ConfigFields) {
  return commonSizes(fields.withValues({ head_dim: null, num_key_value_heads: null }));
}

/** Latent attention in every layer, experts where `sparseAfterDense` says; `mlp_bias` is of the dense and shared MLPs. */
export function latentExpertsShape(
  fields: ConfigFields,
  parts: DecoderParts & { readonly expertNorm?: boolean } = {},
) {
  const sizes = latentModelSizes(fields);
  const { hiddenSize, layerCount, intermediateSize } = sizes;
  const { attention, ...options } = latentSizes(fields);
  const bias = fields.switch('mlp_bias', false);
  const mixer = latentAttention(hiddenSize, attention, options);
  const experts = () => {
    const width = fields.count('moe_intermediate_size', LIMITS.width);
    const part = routedExperts(hiddenSize, {
      ...expertCounts(fields),
      width,
      sharedWidth: sharedWidth(fields, width),
      sharedBias: bias,
    });
    return parts.expertNorm ? { ...part, weights: [...part.weights, norms(hiddenSize)] } : part;
  };
  const dense = () => denseMlp(hiddenSize, { width: intermediateSize, gated: true, bias });
  const hasExperts = fields.wholeOr(FIELD_NAMES.experts, 0, LIMITS.experts) > 0;
  return decoder(fields, sizes, {
    mixers: new Array<Mixer>(layerCount).fill(mixer),
    feedForwards: hasExperts
      ? expertLayers(layerCount, sparseAfterDense(fields, layerCount), experts, dense)
      : alike(new Array<boolean>(layerCount).fill(true), dense),
    rotarySize: attention.rotarySize,
    ...parts,
  });
}

/** DeepSeek-V2, V2-Lite (no compressed queries) and Coder-V2. */
export const deepseekV2: ModelFamily = {
  modelType: 'deepseek_v2',
  architecture: 'DeepseekV2ForCausalLM',
  defaults: {
    max_position_embeddings: 2048,
    kv_lora_rank: 512,
    q_lora_rank: 1536,
    n_routed_experts: 64,
    n_shared_experts: 2,
    qk_nope_head_dim: 128,
    qk_rope_head_dim: 64,
    v_head_dim: 128,
    moe_intermediate_size: 1407,
  },
  shape: (fields) => latentExpertsShape(fields),
};

/** DeepSeek-V3, R1, V3.1 and Kimi K2. */
export const deepseekV3: ModelFamily = {
  modelType: 'deepseek_v3',
  aliases: ['kimi_k2', 'pangu_ultra_moe'],
  architecture: 'DeepseekV3ForCausalLM',
  otherArchitectures: ['PanguUltraMoEForCausalLM'],
  defaults: {
    max_position_embeddings: 4096,
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
  },
  shape: (fields) => latentExpertsShape(fields.withValues({ mlp_bias: null })),
};

/** GLM-4.7-Flash: the first layer dense unless the file lists them. */
export const glm4MoeLite: ModelFamily = {
  modelType: 'glm4_moe_lite',
  architecture: 'Glm4MoeLiteForCausalLM',
  defaults: {
    max_position_embeddings: 202_752,
    moe_intermediate_size: 1536,
    n_shared_experts: 1,
    n_routed_experts: 64,
    num_experts_per_tok: 4,
    first_k_dense_replace: 1,
    kv_lora_rank: 512,
    q_lora_rank: 768,
    qk_rope_head_dim: 64,
    qk_nope_head_dim: 192,
    v_head_dim: 256,
  },
  shape: (fields) => latentExpertsShape(fields.withValues({ mlp_bias: null })),
};

/** Mistral Small 4 and Large 3: DeepSeek's layout, no dense layers unless the file says so. */
export const mistral4: ModelFamily = {
  modelType: 'mistral4',
  architecture: 'Mistral4ForCausalLM',
  otherArchitectures: ['MistralLarge3ForCausalLM'],
  defaults: {
    max_position_embeddings: 1_048_576,
    moe_intermediate_size: 2048,
    n_shared_experts: 1,
    n_routed_experts: 128,
    num_experts_per_tok: 4,
    kv_lora_rank: 256,
    q_lora_rank: 1024,
    qk_rope_head_dim: 64,
    qk_nope_head_dim: 64,
    v_head_dim: 128,
  },
  shape: (fields) => latentExpertsShape(fields.withValues({ mlp_bias: null })),
};

/** A.X K1: a norm after the experts. */
export const axk1: ModelFamily = {
  modelType: 'axk1',
  aliases: ['AXK1'],
  architecture: 'AXK1ForCausalLM',
  shape: (fields) => latentExpertsShape(fields.withValues({ mlp_bias: null }), { expertNorm: true }),
};

/** Youtu-LLM: latent attention with dense MLPs. */
export const youtu: ModelFamily = {
  modelType: 'youtu',
  architecture: 'YoutuForCausalLM',
  defaults: {
    max_position_embeddings: 131_072,
    tie_word_embeddings: true,
    kv_lora_rank: 512,
    q_lora_rank: 1536,
    qk_rope_head_dim: 64,
    qk_nope_head_dim: 128,
    v_head_dim: 128,
  },
  shape: (fields) => latentExpertsShape(fields.withValues({ mlp_bias: null, n_routed_experts: null })),
};

/**
 * MiniCPM3: weights of latent attention, but the engine caches whole heads, values padded to the size of keys
 * (vLLM 0.33, models/minicpm3.py).
 */
export const minicpm3: ModelFamily = {
  modelType: 'minicpm3',
  architecture: 'MiniCPM3ForCausalLM',
  defaults: {
    max_position_embeddings: 32_768,
    tie_word_embeddings: true,
    kv_lora_rank: 256,
    q_lora_rank: 768,
    qk_nope_head_dim: 64,
    qk_rope_head_dim: 32,
  },
  shape(read) {
    const hidden = read.count('hidden_size', LIMITS.width);
    const heads = read.count('num_attention_heads', LIMITS.heads);
    const fields = read.withValues({
      v_head_dim: read.value('v_head_dim') ?? Math.max(1, Math.floor(hidden / heads)),
    });
    const { attention, ...options } = latentSizes(fields);
    const sizes = latentModelSizes(fields);
    const cached: HeadAttention = {
      kind: 'full',
      queryHeads: attention.queryHeads,
      keyValueHeads: attention.queryHeads,
      headSize: attention.headSize + attention.rotarySize,
    };
    const mixer: Mixer = { ...latentAttention(sizes.hiddenSize, attention, options), mixer: cached };
    return decoder(fields, sizes, {
      mixers: new Array<Mixer>(sizes.layerCount).fill(mixer),
      mlp: { bias: fields.switch('mlp_bias', false) },
      rotarySize: attention.rotarySize,
    });
  },
};
