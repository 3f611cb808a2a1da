import { commonSizes, fullAttention, slidingWindow, windowsByLayerTypes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import type { ModelFamily } from '../family.ts';

/**
 * A dense decoder of a family that is not covered: the fields that most of them share, a gated MLP, no biases.
 * Windows are taken from `layer_types` alone: without them full attention is the safe side for the KV cache.
 */
export const generic: ModelFamily = {
  modelType: 'generic',
  architecture: 'not known',
  shape(fields) {
    const { layerCount, ...sizes } = commonSizes(fields);
    return {
      ...sizes,
      gatedMlp: true,
      windows:
        windowsByLayerTypes(fields, layerCount, slidingWindow(fields, null)) ?? fullAttention(layerCount),
      biases: { queryKeyValue: false, output: false, mlp: false },
      headNorms: false,
      normBias: false,
      positionRows: 0,
      tiedEmbeddings: fields.switch('tie_word_embeddings', false),
    };
  },
  maxPositionEmbeddings: (fields) => fields.count('max_position_embeddings', LIMITS.tokens),
};
