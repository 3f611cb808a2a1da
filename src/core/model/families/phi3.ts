import { commonSizes, fullAttention, slidingWindow, windowsByLayerTypes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { denseDecoder } from '../denseDecoder.ts';
import type { ModelFamily } from '../family.ts';

/** Phi-3, Phi-3.5-mini and Phi-4: fused projections, which count the same, and no biases. */
export const phi3: ModelFamily = {
  modelType: 'phi3',
  architecture: 'Phi3ForCausalLM',
  shape(fields) {
    const { layerCount, ...sizes } = commonSizes(fields);
    const windowTokens = slidingWindow(fields, null);
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
  maxPositionEmbeddings: (fields) => fields.countOr('max_position_embeddings', 4096, LIMITS.tokens),
};
