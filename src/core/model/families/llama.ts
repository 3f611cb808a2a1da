import { commonSizes, fullAttention, slidingWindow, windowsByLayerTypes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { denseDecoder } from '../denseDecoder.ts';
import type { ModelFamily } from '../family.ts';

/** Llama 1 to 3.3 and the many that copy its layout (Yi, SmolLM2, TinyLlama, CodeLlama). */
export const llama: ModelFamily = {
  modelType: 'llama',
  architecture: 'LlamaForCausalLM',
  shape(fields) {
    const { layerCount, ...sizes } = commonSizes(fields);
    const attentionBias = fields.switch('attention_bias', false);
    return denseDecoder({
      ...sizes,
      gatedMlp: true,
      windows:
        windowsByLayerTypes(fields, layerCount, slidingWindow(fields, null)) ?? fullAttention(layerCount),
      biases: {
        queryKeyValue: attentionBias,
        output: attentionBias,
        mlp: fields.switch('mlp_bias', false),
      },
      headNorms: false,
      normBias: false,
      positionRows: 0,
      tiedEmbeddings: fields.switch('tie_word_embeddings', false),
    });
  },
  maxPositionEmbeddings: (fields) => fields.countOr('max_position_embeddings', 2048, LIMITS.tokens),
};
