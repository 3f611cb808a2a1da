import { commonSizes, slidingWindow, windowsByLayer } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { linear, norms, vector } from '../parts.ts';
import { llamaShape } from './llama.ts';

/** StableLM 2: layer norms, a quarter of a head rotates; the 12B has a norm for each head and no norm before the MLP. */
export const stablelm: ModelFamily = {
  modelType: 'stablelm',
  aliases: ['stablelm_epoch'],
  architecture: 'StableLmForCausalLM',
  otherArchitectures: ['StableLMEpochForCausalLM'],
  defaults: { num_key_value_heads: 32, max_position_embeddings: 4096, partial_rotary_factor: 0.25 },
  shape(fields) {
    const sizes = commonSizes(fields);
    const headNorms = fields.switch('qk_layernorm', false);
    const normedHeads = sizes.queryHeads + sizes.keyValueHeads;
    return decoder(fields, sizes, {
      attention: { queryKeyValueBias: fields.switch('use_qkv_bias', false) },
      layerNorms: fields.switch('use_parallel_residual', false) ? 1 : 2,
      normBias: true,
      layerWeights: headNorms ? [norms(normedHeads * sizes.headSize)] : [],
    });
  },
};

/** DiffLlama: four vectors a layer that weigh its two attentions against each other. */
export const diffllama: ModelFamily = {
  modelType: 'diffllama',
  architecture: 'DiffLlamaForCausalLM',
  defaults: { max_position_embeddings: 2048 },
  shape: (fields) =>
    llamaShape(fields, {
      mlp: {},
      layerWeights: [vector('attention', 'self_attn', 4 * commonSizes(fields).headSize)],
    }),
};

/** BitNet: norms inside attention and MLP. */
export const bitnet: ModelFamily = {
  modelType: 'bitnet',
  architecture: 'BitNetForCausalLM',
  defaults: { num_key_value_heads: 5, max_position_embeddings: 2048 },
  shape(fields) {
    const { hiddenSize, intermediateSize } = commonSizes(fields);
    return llamaShape(fields, { mlp: {}, layerWeights: [norms(hiddenSize + intermediateSize)] });
  },
};

/** HyperCLOVA X: Llama, with two norms after the parts where `use_post_norm` says so. */
export const hyperclovax: ModelFamily = {
  modelType: 'hyperclovax',
  architecture: 'HyperCLOVAXForCausalLM',
  defaults: { max_position_embeddings: 2048, use_post_norm: true },
  shape: (fields) => llamaShape(fields, { layerNorms: fields.switch('use_post_norm', true) ? 4 : 2 }),
};

/** Orion: layer norms with biases. */
export const orion: ModelFamily = {
  modelType: 'orion',
  architecture: 'OrionForCausalLM',
  defaults: { max_position_embeddings: 4096 },
  shape: (fields) => llamaShape(fields, { normBias: true }),
};

/** Baichuan: one fused projection for all heads; the 13B has ALiBi. */
export const baichuan: ModelFamily = {
  modelType: 'baichuan',
  architecture: 'BaichuanForCausalLM',
  otherArchitectures: ['BaiChuanForCausalLM'],
  shape: (fields) => llamaShape(fields),
  maxPositionEmbeddings: (fields) =>
    fields.countOr(['max_position_embeddings', 'model_max_length'], 4096, LIMITS.tokens),
};

/** Qwen 1: biases of query, key and value, and an MLP half as wide as `intermediate_size` says. */
export const qwen1: ModelFamily = {
  modelType: 'qwen',
  architecture: 'QWenLMHeadModel',
  shape(fields) {
    const sizes = commonSizes(fields);
    return decoder(
      fields,
      { ...sizes, intermediateSize: Math.floor(sizes.intermediateSize / 2) },
      { attention: { queryKeyValueBias: true } },
    );
  },
  maxPositionEmbeddings: (fields) =>
    fields.countOr(['seq_length', 'max_position_embeddings'], 8192, LIMITS.tokens),
};

/** ChatGLM 2 and 3, and GLM-4 in its first format: names of their own, biases of query, key and value. */
export const chatglm: ModelFamily = {
  modelType: 'chatglm',
  architecture: 'ChatGLMModel',
  otherArchitectures: ['ChatGLMForConditionalGeneration', 'ChatGLMForCausalLM'],
  shape(fields) {
    const grouped = fields.switch('multi_query_attention', false);
    const groups = grouped ? fields.count('multi_query_group_num', LIMITS.heads) : null;
    const sizes = commonSizes(fields.withValues({ num_key_value_heads: groups }));
    const bias = fields.switch('add_bias_linear', false);
    return decoder(fields, sizes, {
      attention: {
        queryKeyValueBias: bias || fields.switch('add_qkv_bias', false),
        outputBias: bias,
      },
      mlp: { bias },
      rotarySize: Math.max(1, Math.floor(sizes.headSize / 2)),
      ...(fields.switch('post_layer_norm', true) ? {} : { finalNorm: 0 }),
    });
  },
  maxPositionEmbeddings: (fields) =>
    fields.countOr(['seq_length', 'max_position_embeddings'], 8192, LIMITS.tokens),
};

/** BioGPT: GPT-2's kind with two rows more in its position table. */
export const biogpt: ModelFamily = {
  modelType: 'biogpt',
  architecture: 'BioGptForCausalLM',
  defaults: { tie_word_embeddings: true, max_position_embeddings: 1024 },
  shape: (fields) =>
    decoder(fields, commonSizes(fields.withValues({ num_key_value_heads: null })), {
      attention: { queryKeyValueBias: true, outputBias: true },
      mlp: { gated: false, bias: true },
      normBias: true,
      positionRows: fields.count('max_position_embeddings', LIMITS.tokens) + 2,
    }),
};

/** ModernBERT as a decoder: no norm before the first attention, a norm after the embedding, a dense part before the head. */
export const modernBertDecoder: ModelFamily = {
  modelType: 'modernbert-decoder',
  architecture: 'ModernBertDecoderForCausalLM',
  defaults: {
    max_position_embeddings: 8192,
    tie_word_embeddings: true,
    local_attention: 128,
    decoder_bias: true,
    global_attn_every_n_layers: 3,
  },
  shape(fields) {
    const sizes = commonSizes(fields.withValues({ num_key_value_heads: null }));
    const { hiddenSize, layerCount } = sizes;
    const bias = fields.switch('attention_bias', false);
    const normBias = fields.switch('norm_bias', false);
    const each = fields.countOr('global_attn_every_n_layers', 3, LIMITS.layers);
    const local = slidingWindow(fields, 'local_attention');
    const windowTokens = local === null ? null : Math.max(1, Math.floor(local / 2));
    const shape = decoder(fields, sizes, {
      windows: windowsByLayer(fields, layerCount, windowTokens, (layer) => layer % each !== 0),
      attention: { queryKeyValueBias: bias, outputBias: bias },
      mlp: { bias: fields.switch('mlp_bias', false) },
      normBias,
      headBias: fields.switch('decoder_bias', true),
      outer: [
        { ...norms(hiddenSize, 1, normBias), stage: 'first' },
        { ...norms(hiddenSize, 1, normBias), stage: 'last' },
        ...linear('other', 'head', {
          inputs: hiddenSize,
          outputs: hiddenSize,
          bias: fields.switch('classifier_bias', false),
          sharding: 'replicated',
        }).map((group) => ({ ...group, stage: 'last' as const })),
      ],
    });
    const [first, ...rest] = shape.layers;
    if (first === undefined) return shape;
    const normed = hiddenSize * (normBias ? 2 : 1);
    const withoutNorm = {
      ...first,
      weights: first.weights.map((group) =>
        group.kind === 'norms' ? { ...group, count: group.count - normed } : group,
      ),
    };
    return { ...shape, layers: [withoutNorm, ...rest] };
  },
};
