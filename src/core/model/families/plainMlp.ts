import { commonSizes } from '../commonFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { vector } from '../parts.ts';
import { llamaShape } from './llama.ts';

/** Nemotron 3 and 4, Minitron: squared ReLU between two matrices, layer norms, half of a head rotates. */
export const nemotron: ModelFamily = {
  modelType: 'nemotron',
  architecture: 'NemotronForCausalLM',
  defaults: { max_position_embeddings: 4096, partial_rotary_factor: 0.5 },
  shape: (fields) =>
    llamaShape(fields, { mlp: { gated: false, bias: fields.switch('mlp_bias', false) }, normBias: true }),
};

/** Arcee: Llama with squared ReLU between two matrices. */
export const arcee: ModelFamily = {
  modelType: 'arcee',
  architecture: 'ArceeForCausalLM',
  defaults: { max_position_embeddings: 4096 },
  shape: (fields) => llamaShape(fields, { mlp: { gated: false, bias: fields.switch('mlp_bias', false) } }),
};

/** Jais 2: biases everywhere, layer norms, two matrices. */
export const jais2: ModelFamily = {
  modelType: 'jais2',
  architecture: 'Jais2ForCausalLM',
  defaults: { attention_bias: true, mlp_bias: true, max_position_embeddings: 8192 },
  shape: (fields) =>
    llamaShape(fields, { mlp: { gated: false, bias: fields.switch('mlp_bias', true) }, normBias: true }),
};

/** Apertus: a norm over each head's query and key; its activation has two learned numbers. */
export const apertus: ModelFamily = {
  modelType: 'apertus',
  architecture: 'ApertusForCausalLM',
  defaults: { max_position_embeddings: 65_536 },
  shape(fields) {
    const activation = fields.value('hidden_act') ?? 'xielu';
    return llamaShape(fields, {
      attention: { queryKeyNorms: 'head' },
      mlp: { gated: false },
      layerWeights: activation === 'xielu' ? [vector('mlp', 'mlp', 2)] : [],
    });
  },
};

/** NanoChat: norms without weights. */
export const nanochat: ModelFamily = {
  modelType: 'nanochat',
  architecture: 'NanoChatForCausalLM',
  defaults: { max_position_embeddings: 2048 },
  shape: (fields) => llamaShape(fields, { mlp: { gated: false }, layerNorms: 0, finalNorm: 0 }),
};

/** StarCoder 2: biases by `use_bias`, layer norms, a tied head. */
export const starcoder2: ModelFamily = {
  modelType: 'starcoder2',
  architecture: 'Starcoder2ForCausalLM',
  defaults: {
    num_key_value_heads: 2,
    max_position_embeddings: 4096,
    use_bias: true,
    tie_word_embeddings: true,
  },
  shape(fields) {
    const bias = fields.switch('use_bias', true);
    return llamaShape(fields, {
      attention: { queryKeyValueBias: bias, outputBias: bias },
      mlp: { gated: false, bias },
      normBias: true,
    });
  },
};

/** Phi-1, 1.5 and 2: one norm a layer, biases everywhere, the head's too. */
export const phi: ModelFamily = {
  modelType: 'phi',
  architecture: 'PhiForCausalLM',
  defaults: { max_position_embeddings: 2048, partial_rotary_factor: 0.5 },
  shape(fields) {
    const sizes = commonSizes(fields);
    const headNorms = fields.switch('qk_layernorm', false);
    return decoder(fields, sizes, {
      attention: { queryKeyValueBias: true, outputBias: true },
      mlp: { gated: false, bias: true },
      layerNorms: 1,
      normBias: true,
      layerWeights: headNorms ? [vector('norms', 'norm', 4 * sizes.headSize)] : [],
      headBias: true,
    });
  },
};

/** Persimmon: biases everywhere but in the head, layer norms over each head's query and key. */
export const persimmon: ModelFamily = {
  modelType: 'persimmon',
  architecture: 'PersimmonForCausalLM',
  defaults: { max_position_embeddings: 16_384, partial_rotary_factor: 0.5 },
  shape(fields) {
    const sizes = commonSizes(fields.withValues({ num_key_value_heads: null }));
    const headNorms = fields.switch('qk_layernorm', true);
    return decoder(fields, sizes, {
      attention: { queryKeyValueBias: true, outputBias: true },
      mlp: { gated: false, bias: true },
      normBias: true,
      layerWeights: headNorms ? [vector('norms', 'norm', 4 * sizes.headSize)] : [],
    });
  },
};
