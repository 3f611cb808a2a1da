import { commonSizes, rotaryWidth } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import type { ModelFamily } from '../family.ts';
import { attendingLayers, hybridModel } from '../hybrid.ts';
import { expertCounts } from '../moe.ts';
import { layer, norms, routedExperts } from '../parts.ts';
import { lightning } from '../stateParts.ts';
import { hybridAttention } from './mambaHybrids.ts';

/** MiniMax-Text-01 and M1: lightning attention, and softmax attention in every eighth layer (`attn_type_list`: 1). */
export const minimaxText: ModelFamily = {
  modelType: 'minimax',
  aliases: ['minimax_text_01', 'MiniMaxText01', 'minimax_m1'],
  architecture: 'MiniMaxForCausalLM',
  otherArchitectures: ['MiniMaxText01ForCausalLM', 'MiniMaxM1ForCausalLM'],
  defaults: { num_key_value_heads: 8, num_local_experts: 8, num_experts_per_tok: 2 },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, intermediateSize: width, layerCount, queryHeads: heads, headSize } = sizes;
    const listed = fields.perLayer('attn_type_list', layerCount);
    const attends = attendingLayers(fields, layerCount, (index) =>
      // The class alternates where nothing is listed.
      listed === undefined ? index % 2 === 0 : listed[index] === 1,
    );
    return hybridModel(fields, {
      ...sizes,
      kinds: attends.map((softmax) => (softmax ? 'softmax' : 'lightning')),
      make: (kind) =>
        layer(
          [
            kind === 'softmax'
              ? hybridAttention(fields.withValues({ attention_bias: false }), sizes)
              : // Its state has no convolution before it.
                lightning(hiddenSize, { kind: 'lightning', heads, headSize, convKernel: 0 }),
          ],
          routedExperts(hiddenSize, {
            ...expertCounts(fields),
            width,
            sharedWidth: fields.wholeOr('shared_intermediate_size', 0, LIMITS.width),
            module: 'block_sparse_moe',
          }),
          norms(hiddenSize, 2),
        ),
      rotarySize: rotaryWidth(fields, headSize),
    });
  },
};
