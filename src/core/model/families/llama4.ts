import { commonSizes, rotaryWidth } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { alike, decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts, expertLayers } from '../moe.ts';
import { denseMlp, headAttention, routedExperts } from '../parts.ts';

/**
 * Llama 4's text model: chunks of attention in the layers that rotate, full attention in every fourth, which does not; experts in
 * each `interleave_moe_layer_step`th layer, with a shared one as wide.
 */
export const llama4Text: ModelFamily = {
  modelType: 'llama4_text',
  architecture: 'Llama4ForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 131_072,
    attention_chunk_size: 8192,
    num_experts_per_tok: 1,
    num_local_experts: 16,
    interleave_moe_layer_step: 1,
    intermediate_size_mlp: 16_384,
  },
  shape: (fields) => llama4TextShape(fields),
};

export function llama4TextShape(fields: ConfigFields) {
  const sizes = commonSizes(fields);
  const { hiddenSize, layerCount, intermediateSize } = sizes;
  const bias = fields.switch('attention_bias', false);
  const heads = {
    queryHeads: sizes.queryHeads,
    keyValueHeads: sizes.keyValueHeads,
    headSize: sizes.headSize,
  };
  const listed = fields.value('moe_layers') === undefined ? undefined : new Set(fields.numbers('moe_layers'));
  const step = fields.wholeOr('interleave_moe_layer_step', 1, LIMITS.layers);
  const isSparse = (layer: number) => listed?.has(layer) ?? (step > 0 && (layer + 1) % step === 0);
  const experts = () =>
    routedExperts(hiddenSize, {
      ...expertCounts(fields),
      width: intermediateSize,
      sharedWidth: intermediateSize,
      module: 'feed_forward',
    });
  const dense = () =>
    denseMlp(hiddenSize, {
      width: fields.count('intermediate_size_mlp', LIMITS.width),
      gated: true,
      module: 'feed_forward',
    });
  return decoder(fields, sizes, {
    mixers: alike(chunks(fields, layerCount), (windowTokens) =>
      headAttention(
        hiddenSize,
        windowTokens === null ? { kind: 'full', ...heads } : { kind: 'chunked', windowTokens, ...heads },
        { queryKeyValueBias: bias, outputBias: bias },
      ),
    ),
    feedForwards: expertLayers(layerCount, isSparse, experts, dense),
    rotarySize: rotaryWidth(fields, sizes.headSize),
  });
}

function chunks(fields: ConfigFields, layerCount: number): readonly (number | null)[] {
  const chunkTokens = fields.wholeOr('attention_chunk_size', 0, LIMITS.tokens) || null;
  const types = fields.perLayer('layer_types', layerCount);
  // An empty list means none, as the class reads it.
  const noneListed =
    Array.isArray(fields.value('no_rope_layers')) && fields.numbers('no_rope_layers').length === 0;
  const rotates = noneListed ? undefined : fields.perLayer('no_rope_layers', layerCount);
  const interval = fields.countOr('no_rope_layer_interval', 4, LIMITS.layers);
  return Array.from({ length: layerCount }, (_, layer) => {
    const isChunked =
      rotates !== undefined
        ? rotates[layer] !== 0
        : types !== undefined
          ? types[layer] === 'chunked_attention'
          : (layer + 1) % interval !== 0;
    return isChunked ? chunkTokens : null;
  });
}
