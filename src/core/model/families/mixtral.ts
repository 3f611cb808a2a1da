import { commonSizes, everyLayer, slidingWindow, type Windows, windowsByLayer } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { type DecoderParts, decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts, sharedWidth } from '../moe.ts';
import { type FeedForwardPart, routedExperts } from '../parts.ts';

/** Experts in every layer, as wide as `intermediate_size`. */
function expertsEverywhere(
  fields: ConfigFields,
  parts: Omit<DecoderParts, 'feedForwards'> & {
    readonly sharedWidth?: number;
    readonly sharedBias?: boolean;
  },
) {
  const sizes = commonSizes(fields);
  const { sharedWidth: shared = 0, sharedBias = false, ...rest } = parts;
  const experts = routedExperts(sizes.hiddenSize, {
    ...expertCounts(fields),
    width: sizes.intermediateSize,
    sharedWidth: shared,
    sharedBias,
  });
  const bias = fields.switch('attention_bias', false);
  return decoder(fields, sizes, {
    windows: everyLayer(sizes.layerCount, slidingWindow(fields)),
    feedForwards: new Array<FeedForwardPart>(sizes.layerCount).fill(experts),
    ...rest,
    attention: { queryKeyValueBias: bias, outputBias: bias, ...rest.attention },
  });
}

/** Mixtral. */
export const mixtral: ModelFamily = {
  modelType: 'mixtral',
  architecture: 'MixtralForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    max_position_embeddings: 131_072,
    num_local_experts: 8,
    num_experts_per_tok: 2,
  },
  shape: (fields) =>
    expertsEverywhere(fields, { attention: { queryKeyValueBias: false, outputBias: false } }),
};

/** MiniMax-M2: norms over all query heads and all key heads at once. */
export const minimaxM2: ModelFamily = {
  modelType: 'minimax_m2',
  architecture: 'MiniMaxM2ForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 196_608,
    num_local_experts: 256,
    num_experts_per_tok: 8,
  },
  shape: (fields) =>
    expertsEverywhere(fields, {
      attention: {
        queryKeyValueBias: false,
        outputBias: false,
        ...(fields.switch('use_qk_norm', true) ? { queryKeyNorms: 'all-heads' } : {}),
      },
    }),
};

/** Aria's text model: shared experts as wide as routed ones. */
export const ariaText: ModelFamily = {
  modelType: 'aria_text',
  architecture: 'AriaTextForCausalLM',
  defaults: { max_position_embeddings: 2048, moe_num_experts: 8, moe_topk: 2, moe_num_shared_experts: 2 },
  shape(fields) {
    const { intermediateSize } = commonSizes(fields);
    return expertsEverywhere(fields, {
      sharedWidth: sharedWidth(fields, intermediateSize, 'moe_num_shared_experts'),
      sharedBias: fields.switch('mlp_bias', false),
    });
  },
};

/** OLMoE: norms over all heads at once. */
export const olmoe: ModelFamily = {
  modelType: 'olmoe',
  architecture: 'OlmoeForCausalLM',
  defaults: { max_position_embeddings: 4096, num_experts: 64, num_experts_per_tok: 8 },
  shape: (fields) => expertsEverywhere(fields, { attention: { queryKeyNorms: 'all-heads' } }),
};

/** FlexOlmo: OLMo 2 with experts. */
export const flexOlmo: ModelFamily = {
  modelType: 'flex_olmo',
  architecture: 'FlexOlmoForCausalLM',
  defaults: { max_position_embeddings: 4096, num_experts: 7, num_experts_per_tok: 5 },
  shape: (fields) => expertsEverywhere(fields, { attention: { queryKeyNorms: 'all-heads' } }),
};

const graniteDefaults = { max_position_embeddings: 2048, num_local_experts: 8, num_experts_per_tok: 2 };

/** Granite 3 MoE; with `shared_intermediate_size` a dense MLP stands beside the experts. */
export const graniteMoe: ModelFamily = {
  modelType: 'granitemoe',
  aliases: ['granitemoeshared'],
  architecture: 'GraniteMoeForCausalLM',
  otherArchitectures: ['GraniteMoeSharedForCausalLM'],
  defaults: graniteDefaults,
  shape: (fields) =>
    expertsEverywhere(fields, {
      sharedWidth: fields.wholeOr('shared_intermediate_size', 0, LIMITS.width),
    }),
};

/** Granite MoE with windows in three of four layers and attention sinks. */
export const graniteMoeSlidingWindow: ModelFamily = {
  modelType: 'granitemoe_swa',
  architecture: 'GraniteMoeSWAForCausalLM',
  defaults: { ...graniteDefaults, sliding_window: 128 },
  shape(fields) {
    const { layerCount } = commonSizes(fields);
    return expertsEverywhere(fields, {
      sharedWidth: fields.wholeOr('shared_intermediate_size', 0, LIMITS.width),
      windows: windowsByLayer(fields, layerCount, slidingWindow(fields), (layer) => layer % 4 !== 0),
      attention: { sinks: true },
    });
  },
};

/** gpt-oss: biases everywhere, attention sinks, every other layer slides. */
export const gptOss: ModelFamily = {
  modelType: 'gpt_oss',
  architecture: 'GptOssForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    head_dim: 64,
    attention_bias: true,
    sliding_window: 128,
    max_position_embeddings: 131_072,
    num_local_experts: 128,
    num_experts_per_tok: 4,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const bias = fields.switch('attention_bias', true);
    const experts = routedExperts(sizes.hiddenSize, {
      ...expertCounts(fields),
      width: sizes.intermediateSize,
      bias: true,
      routerBias: true,
    });
    return decoder(fields, sizes, {
      windows: everyOther(fields, sizes.layerCount),
      attention: { queryKeyValueBias: bias, outputBias: bias, sinks: true },
      feedForwards: new Array<FeedForwardPart>(sizes.layerCount).fill(experts),
    });
  },
};

function everyOther(fields: ConfigFields, layerCount: number): Windows {
  return windowsByLayer(fields, layerCount, slidingWindow(fields), (layer) => layer % 2 === 0);
}

/** DBRX: names of MosaicML, norms without bias. */
export const dbrx: ModelFamily = {
  modelType: 'dbrx',
  architecture: 'DbrxForCausalLM',
  shape(fields) {
    const ffn = fields.section('ffn_config')?.withDefaults({
      ffn_hidden_size: 3584,
      moe_num_experts: 4,
      moe_top_k: 1,
    });
    const keyValueHeads = fields.section('attn_config')?.value('kv_n_heads') ?? 1;
    const sizes = commonSizes(fields.withValues({ num_key_value_heads: keyValueHeads }), {
      intermediateSize: false,
    });
    const width = ffn?.count('ffn_hidden_size', LIMITS.width) ?? 3584;
    const counts = ffn === undefined ? { experts: 4, activeExperts: 1 } : expertCounts(ffn);
    const experts = routedExperts(sizes.hiddenSize, { ...counts, width });
    return decoder(fields, sizes, {
      feedForwards: new Array<FeedForwardPart>(sizes.layerCount).fill(experts),
    });
  },
  maxPositionEmbeddings: (fields) => fields.countOr('max_seq_len', 2048, LIMITS.tokens),
};
