import { commonSizes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { type DecoderParts, decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { type FeedForwardPart, routedExperts } from '../parts.ts';

/** Hunyuan, dense: a norm over each head's query and key, unless `use_qk_norm` says no. */
export const hunyuanDense: ModelFamily = {
  modelType: 'hunyuan_v1_dense',
  architecture: 'HunYuanDenseV1ForCausalLM',
  defaults: { max_position_embeddings: 2048 },
  shape: (fields) => hunyuanShape(fields, {}),
};

/** Hunyuan A13B: a shared MLP as wide as a routed expert, or several; numbers may be listed by layer, and are then all the same. */
export const hunyuanMoe: ModelFamily = {
  modelType: 'hunyuan_v1_moe',
  aliases: ['hunyuan'],
  architecture: 'HunYuanMoEV1ForCausalLM',
  otherArchitectures: ['HunYuanForCausalLM', 'HunYuanMoEForCausalLM'],
  defaults: { max_position_embeddings: 2048 },
  shape(fields) {
    const sizes = commonSizes(fields);
    const shared = firstOf(fields, 'num_shared_expert', 1, LIMITS.experts);
    const width = firstOf(fields, 'moe_intermediate_size', sizes.intermediateSize, LIMITS.width);
    const experts = routedExperts(sizes.hiddenSize, {
      experts: fields.countOr('num_experts', 1, LIMITS.experts),
      activeExperts: firstOf(fields, 'moe_topk', 1, LIMITS.experts),
      width,
      sharedWidth: sizes.intermediateSize * shared,
    });
    return hunyuanShape(fields, {
      feedForwards: new Array<FeedForwardPart>(sizes.layerCount).fill(experts),
    });
  },
};

function hunyuanShape(fields: ConfigFields, parts: DecoderParts) {
  const bias = fields.switch('attention_bias', false);
  return decoder(fields, commonSizes(fields), {
    attention: {
      queryKeyValueBias: bias,
      outputBias: bias,
      ...(fields.switch('use_qk_norm', true) ? { queryKeyNorms: 'head' } : {}),
    },
    ...parts,
  });
}

function firstOf(fields: ConfigFields, name: string, fallback: number, maximum: number): number {
  if (!Array.isArray(fields.value(name))) return fields.countOr(name, fallback, maximum);
  const [first] = fields.numbers(name);
  if (first !== undefined && first >= 1 && first <= maximum) return first;
  fields.reject(name, `numbers from 1 to ${maximum}`);
  return fallback;
}
