import { commonSizes, fullAttention, slidingWindow, windowsByLayerTypes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { denseDecoder } from '../denseDecoder.ts';
import type { ModelFamily } from '../family.ts';

/**
 * A dense decoder of a family that is not covered: the fields that most of them share, no biases, and an MLP that is gated or not as
 * families with its activation usually are.
 * Windows are taken from `layer_types` alone: without them full attention is the safe side for the KV cache.
 */
export const generic: ModelFamily = {
  modelType: 'generic',
  architecture: 'not known',
  shape(fields) {
    const { layerCount, ...sizes } = commonSizes(fields);
    return denseDecoder({
      ...sizes,
      gatedMlp: activationIsGated(fields),
      windows:
        windowsByLayerTypes(fields, layerCount, slidingWindow(fields, null)) ?? fullAttention(layerCount),
      biases: { queryKeyValue: false, output: false, mlp: false },
      headNorms: false,
      normBias: false,
      positionRows: 0,
      tiedEmbeddings: fields.switch('tie_word_embeddings', false),
    });
  },
  maxPositionEmbeddings: (fields) => fields.count('max_position_embeddings', LIMITS.tokens),
};

/** Squared and plain ReLU and plain GELU go with two matrices (Nemotron, GPT-NeoX, Persimmon), SiLU and tanh-GELU with three. */
function activationIsGated(fields: ConfigFields): boolean {
  const activation = fields.value('hidden_act') ?? fields.value('hidden_activation');
  return typeof activation !== 'string' || !/^relu|^gelu(_new|_fast)?$/.test(activation);
}
