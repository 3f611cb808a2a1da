import { type CommonSizes, commonSizes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { ModelFamily, ModelShape } from '../family.ts';
import { attendingLayers, hybridModel } from '../hybrid.ts';
import { expertCounts } from '../moe.ts';
import { denseMlp, type FeedForwardPart, headAttention, layer, norms, routedExperts } from '../parts.ts';
import { shortConvolution } from '../stateParts.ts';

/** Gated short convolutions, attention with head norms in some layers. */
function lfm2Shape(
  fields: ConfigFields,
  sizes: CommonSizes,
  routes: (layer: number) => boolean,
  feedForward: (routed: boolean) => FeedForwardPart,
): ModelShape {
  const { hiddenSize, layerCount, queryHeads, keyValueHeads, headSize } = sizes;
  const listed = fields.value('full_attn_idxs') === undefined ? undefined : fields.numbers('full_attn_idxs');
  const attends = attendingLayers(fields, layerCount, (index) => listed?.includes(index) ?? true);
  return hybridModel(fields, {
    ...sizes,
    kinds: attends.map(
      (attention, index) => `${attention ? 'attention' : 'conv'} ${routes(index) ? 'experts' : 'mlp'}`,
    ),
    make: (kind) =>
      layer(
        [
          kind.startsWith('attention')
            ? headAttention(
                hiddenSize,
                { kind: 'full', queryHeads, keyValueHeads, headSize },
                { queryKeyNorms: 'head' },
              )
            : shortConvolution(
                hiddenSize,
                {
                  kind: 'short-convolution',
                  innerSize: hiddenSize,
                  convKernel: fields.countOr('conv_L_cache', 3, LIMITS.headSize),
                },
                { bias: fields.switch('conv_bias', false) },
              ),
        ],
        feedForward(kind.endsWith('experts')),
        norms(hiddenSize, 2),
      ),
    rotarySize: headSize,
  });
}

/** `tie_embedding` is the older name of the switch. */
function withOlderTie(fields: ConfigFields): ConfigFields {
  const tied = fields.value('tie_embedding');
  return typeof tied === 'boolean' ? fields.withValues({ tie_word_embeddings: tied }) : fields;
}

/** LFM2 350M to 2.6B. The width of the MLP is two thirds of what the file says, rounded up, unless it says not to adjust it. */
export const lfm2: ModelFamily = {
  modelType: 'lfm2',
  architecture: 'Lfm2ForCausalLM',
  defaults: { num_key_value_heads: 8, max_position_embeddings: 128_000, tie_word_embeddings: true },
  shape(read) {
    const fields = withOlderTie(read);
    const older = fields.value('block_ff_dim');
    const sizes = commonSizes(older === undefined ? fields : fields.withValues({ intermediate_size: older }));
    const width = adjustedWidth(fields, sizes.intermediateSize);
    const mlp = denseMlp(sizes.hiddenSize, { width, gated: true, module: 'feed_forward' });
    return lfm2Shape(
      fields,
      sizes,
      () => false,
      () => mlp,
    );
  },
};

function adjustedWidth(fields: ConfigFields, intermediateSize: number): number {
  if (!fields.switch('block_auto_adjust_ff_dim', true)) return intermediateSize;
  const narrowed = Math.floor((2 * intermediateSize) / 3);
  const multiplier = fields.mentions('block_ffn_dim_multiplier')
    ? fields.positiveNumber('block_ffn_dim_multiplier')
    : 1;
  if (multiplier === undefined) return Math.max(1, narrowed);
  const multiple = fields.countOr('block_multiple_of', 256, LIMITS.width);
  const width = multiple * Math.ceil(Math.floor(multiplier * narrowed) / multiple);
  if (width >= 1 && width <= LIMITS.width) return width;
  fields.reject('block_ffn_dim_multiplier', `one that makes a width of 1 to ${LIMITS.width}`);
  return 1;
}

/** LFM2 8B-A1B: experts but in the first layers. */
export const lfm2Moe: ModelFamily = {
  modelType: 'lfm2_moe',
  architecture: 'Lfm2MoeForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    max_position_embeddings: 128_000,
    tie_word_embeddings: true,
    moe_intermediate_size: 1792,
    num_dense_layers: 2,
    num_experts: 32,
    num_experts_per_tok: 4,
  },
  shape(read) {
    const fields = withOlderTie(read);
    const sizes = commonSizes(fields);
    const { hiddenSize } = sizes;
    const denseLayers = fields.wholeOr('num_dense_layers', 2, LIMITS.layers);
    const width = fields.count('moe_intermediate_size', LIMITS.width);
    return lfm2Shape(
      fields,
      sizes,
      (index) => index >= denseLayers,
      (routed) =>
        routed
          ? routedExperts(hiddenSize, { ...expertCounts(fields), width, module: 'feed_forward' })
          : denseMlp(hiddenSize, { width: sizes.intermediateSize, gated: true, module: 'feed_forward' }),
    );
  },
};
