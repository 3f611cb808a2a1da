import type { ModelFamily } from '../family.ts';
import { llamaShape } from './llama.ts';

/** InternLM 1: biases of all attention projections. */
export const internlm: ModelFamily = {
  modelType: 'internlm',
  architecture: 'InternLMForCausalLM',
  defaults: { bias: true, max_position_embeddings: 2048 },
  shape(fields) {
    const bias = fields.switch('bias', true);
    return llamaShape(fields, { attention: { queryKeyValueBias: bias, outputBias: bias }, mlp: {} });
  },
};

/** InternLM 2 and 2.5: `bias` is of the attention projections, and false in what is released. */
export const internlm2: ModelFamily = {
  modelType: 'internlm2',
  architecture: 'InternLM2ForCausalLM',
  defaults: { max_position_embeddings: 2048 },
  shape(fields) {
    const bias = fields.switch('bias', false);
    return llamaShape(fields, { attention: { queryKeyValueBias: bias, outputBias: bias }, mlp: {} });
  },
};

/** InternLM 3: `qkv_bias`, and `bias` for everything else; newer files use Llama's names. */
export const internlm3: ModelFamily = {
  modelType: 'internlm3',
  architecture: 'InternLM3ForCausalLM',
  defaults: { num_key_value_heads: 2, head_dim: 128, max_position_embeddings: 32_768 },
  shape(fields) {
    const attentionBias = fields.switch('qkv_bias', fields.switch('attention_bias', false));
    const bias = fields.switch('bias', fields.switch('mlp_bias', false));
    return llamaShape(fields, {
      attention: { queryKeyValueBias: attentionBias, outputBias: bias },
      mlp: { bias },
    });
  },
};
