import { commonSizes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts } from '../moe.ts';
import { type FeedForwardPart, linear, type Mixer, routedExperts, vector } from '../parts.ts';

/** JetMoE: experts of attention as well, which share keys and values; query heads are those times the experts at work. */
export const jetmoe: ModelFamily = {
  modelType: 'jetmoe',
  architecture: 'JetMoeForCausalLM',
  defaults: {
    num_key_value_heads: 16,
    kv_channels: 128,
    max_position_embeddings: 4096,
    num_local_experts: 8,
    num_experts_per_tok: 2,
    tie_word_embeddings: true,
  },
  shape(fields) {
    const counts = expertCounts(fields);
    const keyValueHeads = fields.count('num_key_value_heads', LIMITS.heads);
    const queryHeads = keyValueHeads * counts.activeExperts;
    const sizes = commonSizes(fields.withValues({ num_attention_heads: queryHeads, head_dim: null }));
    const { hiddenSize, headSize, layerCount } = sizes;
    const width = keyValueHeads * headSize;
    const module = 'self_attention';
    const experts = { copies: counts.experts, sharding: 'experts' } as const;
    const mixer: Mixer = {
      mixer: { kind: 'full', queryHeads, keyValueHeads, headSize },
      weights: [
        ...linear('routedExperts', module, { inputs: hiddenSize, outputs: width, ...experts }),
        ...linear('routedExperts', module, { inputs: width, outputs: hiddenSize, ...experts }),
        ...linear('attention', module, { inputs: hiddenSize, outputs: 2 * width, sharding: 'kv-heads' }),
        vector('attention', module, hiddenSize * (1 + counts.experts)),
      ],
    };
    const moe = routedExperts(hiddenSize, { ...counts, width: sizes.intermediateSize });
    const feedForward: FeedForwardPart = {
      ...moe,
      weights: [...moe.weights, vector('mlp', 'mlp', hiddenSize)],
    };
    return decoder(fields, sizes, {
      mixers: new Array<Mixer>(layerCount).fill(mixer),
      feedForwards: new Array<FeedForwardPart>(layerCount).fill(feedForward),
    });
  },
};
