import { commonSizes, fullAttention, slidingWindow, windowsByLayerTypes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { denseDecoder } from '../denseDecoder.ts';
import type { ModelFamily } from '../family.ts';

/** Mistral 7B to Small, dense and text only. The class takes a 4,096-token window where the key is absent. */
export const mistral: ModelFamily = {
  modelType: 'mistral',
  architecture: 'MistralForCausalLM',
  shape(fields) {
    const { layerCount, ...sizes } = commonSizes(fields, { keyValueHeads: 8 });
    const windowTokens = slidingWindow(fields, 4096);
    return denseDecoder({
      ...sizes,
      gatedMlp: true,
      windows:
        windowsByLayerTypes(fields, layerCount, windowTokens) ?? fullAttention(layerCount).fill(windowTokens),
      biases: { queryKeyValue: false, output: false, mlp: false },
      headNorms: false,
      normBias: false,
      positionRows: 0,
      tiedEmbeddings: fields.switch('tie_word_embeddings', false),
    });
  },
  maxPositionEmbeddings: (fields) => fields.countOr('max_position_embeddings', 131_072, LIMITS.tokens),
};
