import { butEach, commonSizes, slidingWindow, type Windows, windowsByLayer } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts, expertLayers, sharedWidth, sparseAfterDense } from '../moe.ts';
import { denseMlp, routedExperts } from '../parts.ts';

/** EXAONE 3 and 3.5: Llama's layout under GPT-2's names. */
export const exaone: ModelFamily = {
  modelType: 'exaone',
  architecture: 'ExaoneForCausalLM',
  defaults: { max_position_embeddings: 2048 },
  shape: (fields) => decoder(fields, commonSizes(fields)),
};

/** EXAONE 4: a norm over each head's query and key; `LLLG` or a number says which layers do not slide. */
export const exaone4: ModelFamily = {
  modelType: 'exaone4',
  architecture: 'Exaone4ForCausalLM',
  defaults: { num_key_value_heads: 32, max_position_embeddings: 2048, sliding_window: 4096 },
  shape(fields) {
    const sizes = commonSizes(fields);
    return decoder(fields, sizes, {
      windows: exaoneWindows(fields, sizes.layerCount),
      attention: { queryKeyNorms: 'head' },
    });
  },
};

/** K-EXAONE: EXAONE 4 with experts after the first layer. */
export const exaoneMoe: ModelFamily = {
  modelType: 'exaone_moe',
  architecture: 'ExaoneMoeForCausalLM',
  otherArchitectures: ['ExaoneMoEForCausalLM'],
  defaults: {
    num_key_value_heads: 32,
    max_position_embeddings: 2048,
    sliding_window: 4096,
    first_k_dense_replace: 1,
    moe_intermediate_size: 1024,
    num_experts: 64,
    num_experts_per_tok: 8,
    num_shared_experts: 1,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount, intermediateSize } = sizes;
    const experts = () => {
      const width = fields.count('moe_intermediate_size', LIMITS.width);
      return routedExperts(hiddenSize, {
        ...expertCounts(fields),
        width,
        sharedWidth: sharedWidth(fields, width, 'num_shared_experts'),
      });
    };
    return decoder(fields, sizes, {
      windows: exaoneWindows(fields, layerCount),
      attention: { queryKeyNorms: 'head' },
      feedForwards: expertLayers(layerCount, sparseAfterDense(fields, layerCount), experts, () =>
        denseMlp(hiddenSize, { width: intermediateSize, gated: true }),
      ),
    });
  },
};

function exaoneWindows(fields: ConfigFields, layerCount: number): Windows {
  const written = fields.value('sliding_window_pattern') ?? 4;
  const windowTokens = slidingWindow(fields);
  if (typeof written === 'string') {
    const pattern = written === '' ? 'G' : written;
    return windowsByLayer(
      fields,
      layerCount,
      windowTokens,
      (layer) => layer < layerCount - 1 && pattern[layer % pattern.length] === 'L',
    );
  }
  return windowsByLayer(
    fields,
    layerCount,
    windowTokens,
    butEach(fields.wholeOr('sliding_window_pattern', 4, LIMITS.layers)),
  );
}
