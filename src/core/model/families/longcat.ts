import { commonSizes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts } from '../moe.ts';
import { denseMlp, latentAttention, layer, norms, routedExperts } from '../parts.ts';
import { latentSizes } from './latent.ts';

/**
 * LongCat-Flash: each layer has two latent attentions, two dense MLPs and one set of experts across them; some choices of the router
 * compute nothing.
 */
export const longcatFlash: ModelFamily = {
  modelType: 'longcat_flash',
  architecture: 'LongcatFlashForCausalLM',
  defaults: {
    max_position_embeddings: 131_072,
    q_lora_rank: 1536,
    kv_lora_rank: 512,
    qk_nope_head_dim: 128,
    qk_rope_head_dim: 64,
    v_head_dim: 128,
    moe_topk: 12,
    n_routed_experts: 512,
    zero_expert_num: 256,
    expert_ffn_hidden_size: 2048,
  },
  shape(read) {
    const fields = read.withValues({
      head_dim: null,
      num_key_value_heads: null,
      num_hidden_layers: read.value('num_layers') ?? read.value('num_hidden_layers') ?? null,
      intermediate_size: read.value('ffn_hidden_size') ?? read.value('intermediate_size') ?? null,
    });
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount, intermediateSize } = sizes;
    const { attention, ...options } = latentSizes(fields);
    const mixer = latentAttention(hiddenSize, attention, options);
    const dense = denseMlp(hiddenSize, { width: intermediateSize, gated: true, module: 'mlps' });
    const experts = routedExperts(hiddenSize, {
      ...expertCounts(fields),
      width: fields.count(['expert_ffn_hidden_size', 'moe_intermediate_size'], LIMITS.width),
      zeroExperts: fields.wholeOr('zero_expert_num', 0, LIMITS.experts),
      routerBias: fields.switch('router_bias', false),
    });
    const feedForward =
      experts.feedForward.kind === 'experts'
        ? { ...experts.feedForward, sharedWidth: 2 * intermediateSize }
        : experts.feedForward;
    const facts = layer(
      [mixer, mixer],
      { feedForward, weights: [...experts.weights, ...dense.weights, ...dense.weights] },
      norms(hiddenSize, 4),
    );
    const shape = decoder(fields, sizes, { mixers: [], rotarySize: attention.rotarySize });
    return { ...shape, layers: new Array<typeof facts>(layerCount).fill(facts) };
  },
};
