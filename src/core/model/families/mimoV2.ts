import { commonSizes, slidingWindow, windowsByLayer } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { alike, decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts, expertLayers, sparseAfterDense, sparseByType } from '../moe.ts';
import { denseMlp, headAttention, routedExperts } from '../parts.ts';

/**
 * MiMo-V2-Flash: values smaller than keys; sliding layers with more key and value heads and attention sinks. Released files list the
 * layers in `hybrid_layer_pattern` (1 slides) and `moe_layer_freq`, and give the sliding layers' sizes as `swa_…`.
 */
export const mimoV2Flash: ModelFamily = {
  modelType: 'mimo_v2_flash',
  aliases: ['mimo_v2'],
  architecture: 'MiMoV2FlashForCausalLM',
  otherArchitectures: ['MiMoV2ForCausalLM'],
  defaults: {
    num_key_value_heads: 4,
    head_dim: 192,
    v_head_dim: 128,
    max_position_embeddings: 131_072,
    sliding_window: 129,
    moe_intermediate_size: 2048,
    num_experts_per_tok: 8,
    n_routed_experts: 256,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount, intermediateSize } = sizes;
    const bias = fields.switch('attention_bias', false);
    const sinks = fields.switch('add_swa_attention_sink_bias', true);
    const valueHeadSize = fields.count('v_head_dim', LIMITS.headSize);
    const released = fields.value('hybrid_layer_pattern') !== undefined;
    const sparse = released
      ? sparseAfterDense(fields, layerCount)
      : sparseByType(fields, layerCount, (layer) => layer > 0);
    return decoder(fields, sizes, {
      mixers: alike(slidingLayers(fields, layerCount), (windowTokens) => {
        const full = { kind: 'full', queryHeads: sizes.queryHeads, valueHeadSize } as const;
        const { keyValueHeads, headSize } = sizes;
        if (windowTokens === null) {
          return headAttention(hiddenSize, { ...full, keyValueHeads, headSize }, { queryKeyValueBias: bias });
        }
        const sliding = {
          kind: 'sliding-window',
          windowTokens,
          queryHeads: fields.countOr('swa_num_attention_heads', sizes.queryHeads, LIMITS.heads),
          keyValueHeads: fields.countOr('swa_num_key_value_heads', 2 * keyValueHeads, LIMITS.heads),
          headSize: fields.countOr('swa_head_dim', headSize, LIMITS.headSize),
          valueHeadSize: fields.countOr('swa_v_head_dim', valueHeadSize, LIMITS.headSize),
        } as const;
        return headAttention(hiddenSize, sliding, { queryKeyValueBias: bias, sinks });
      }),
      feedForwards: expertLayers(
        layerCount,
        sparse,
        () =>
          routedExperts(hiddenSize, {
            ...expertCounts(fields),
            width: fields.count('moe_intermediate_size', LIMITS.width),
          }),
        () => denseMlp(hiddenSize, { width: intermediateSize, gated: true }),
      ),
    });
  },
};

function slidingLayers(fields: ConfigFields, layerCount: number): readonly (number | null)[] {
  const windowTokens =
    fields.value('sliding_window_size') === undefined
      ? slidingWindow(fields)
      : slidingWindow(fields, 'sliding_window_size');
  const pattern = fields.perLayer('hybrid_layer_pattern', layerCount);
  return windowsByLayer(fields, layerCount, windowTokens, (layer) =>
    pattern === undefined ? layer > 0 && (layer + 1) % 6 !== 0 : pattern[layer] === 1,
  );
}
