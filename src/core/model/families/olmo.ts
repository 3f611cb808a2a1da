import { butEach, commonSizes, slidingWindow, windowsByLayer } from '../commonFields.ts';
import type { ModelFamily } from '../family.ts';
import { llamaShape } from './llama.ts';

/** OLMo 1: norms without weights. */
export const olmo: ModelFamily = {
  modelType: 'olmo',
  architecture: 'OlmoForCausalLM',
  defaults: { max_position_embeddings: 2048 },
  shape: (fields) => llamaShape(fields, { mlp: {}, layerNorms: 0, finalNorm: 0 }),
};

/** OLMo 2: norms after the parts, and over all heads at once. */
export const olmo2: ModelFamily = {
  modelType: 'olmo2',
  architecture: 'Olmo2ForCausalLM',
  defaults: { max_position_embeddings: 2048 },
  shape: (fields) => llamaShape(fields, { attention: { queryKeyNorms: 'all-heads' }, mlp: {} }),
};

/** OLMo 3: OLMo 2 with windows in three of four layers. */
export const olmo3: ModelFamily = {
  modelType: 'olmo3',
  architecture: 'Olmo3ForCausalLM',
  defaults: { max_position_embeddings: 2048, sliding_window: 4096 },
  shape(fields) {
    const { layerCount } = commonSizes(fields);
    return llamaShape(fields, {
      windows: windowsByLayer(fields, layerCount, slidingWindow(fields), butEach(4)),
      attention: { queryKeyNorms: 'all-heads' },
      mlp: {},
    });
  },
};
