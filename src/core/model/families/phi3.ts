import { commonSizes, everyLayer, slidingWindow } from '../commonFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts, expertLayers } from '../moe.ts';
import { routedExperts } from '../parts.ts';
import { llamaShape } from './llama.ts';

/** Phi-3, Phi-3.5-mini and Phi-4: fused projections, which count the same, and no biases. */
export const phi3: ModelFamily = {
  modelType: 'phi3',
  architecture: 'Phi3ForCausalLM',
  defaults: { max_position_embeddings: 4096 },
  shape: (fields) =>
    llamaShape(fields, { attention: { queryKeyValueBias: false, outputBias: false }, mlp: {} }),
};

/** Phi-3.5-MoE: layer norms, and biases of attention and head by switches. */
export const phimoe: ModelFamily = {
  modelType: 'phimoe',
  architecture: 'PhimoeForCausalLM',
  otherArchitectures: ['PhiMoEForCausalLM'],
  defaults: {
    num_key_value_heads: 8,
    max_position_embeddings: 131_072,
    num_experts_per_tok: 2,
    num_local_experts: 16,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const bias = fields.switch('attention_bias', false);
    const experts = routedExperts(sizes.hiddenSize, {
      ...expertCounts(fields),
      width: sizes.intermediateSize,
    });
    return decoder(fields, sizes, {
      windows: everyLayer(sizes.layerCount, slidingWindow(fields)),
      attention: { queryKeyValueBias: bias, outputBias: bias },
      feedForwards: expertLayers(
        sizes.layerCount,
        () => true,
        () => experts,
        () => experts,
      ),
      normBias: true,
      headBias: fields.switch('lm_head_bias', false),
    });
  },
};
