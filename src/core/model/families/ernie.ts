import { commonSizes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts, expertLayers, sharedWidth } from '../moe.ts';
import { denseMlp, routedExperts } from '../parts.ts';

/** ERNIE 4.5 with experts: sparse layers from one layer to another, one switch for all biases; the router's correction is a parameter. */
export const ernie45Moe: ModelFamily = {
  modelType: 'ernie4_5_moe',
  architecture: 'Ernie4_5_MoeForCausalLM',
  defaults: {
    num_key_value_heads: 4,
    max_position_embeddings: 131_072,
    tie_word_embeddings: true,
    moe_intermediate_size: 1536,
    moe_k: 6,
    moe_num_experts: 64,
    moe_num_shared_experts: 2,
    moe_layer_start_index: 1,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount, intermediateSize } = sizes;
    const bias = fields.switch('use_bias', false);
    const start = fields.wholeOr('moe_layer_start_index', 1, LIMITS.layers);
    const end =
      fields.value('moe_layer_end_index') === -1
        ? layerCount - 1
        : fields.wholeOr('moe_layer_end_index', layerCount - 1, LIMITS.layers);
    const interval = fields.countOr('moe_layer_interval', 1, LIMITS.layers);
    const experts = () => {
      const width = fields.count('moe_intermediate_size', LIMITS.width);
      return routedExperts(hiddenSize, {
        ...expertCounts(fields),
        width,
        routerBias: true,
        sharedWidth: sharedWidth(fields, width, 'moe_num_shared_experts'),
        sharedBias: bias,
      });
    };
    return decoder(fields, sizes, {
      attention: { queryKeyValueBias: bias, outputBias: bias },
      feedForwards: expertLayers(
        layerCount,
        (layer) => (layer + 1) % interval === 0 && layer >= start && layer <= end,
        experts,
        () => denseMlp(hiddenSize, { width: intermediateSize, gated: true, bias }),
      ),
      headBias: bias,
    });
  },
};
