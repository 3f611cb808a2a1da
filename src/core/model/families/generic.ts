import { commonSizes, everyLayer, slidingWindow, windowsByLayer } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { type DecoderParts, decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { FIELD_NAMES } from '../fieldNames.ts';
import { expertCounts, expertLayers, sharedWidth, sparseAfterDense, sparseByStep } from '../moe.ts';
import { denseMlp, type FeedForwardPart, latentAttention, type Mixer, routedExperts } from '../parts.ts';
import { latentSizes } from './latent.ts';

/**
 * A decoder of a family that is not covered: the fields that most of them share, no biases, an MLP that is gated or not as families
 * with its activation usually are, latent attention and experts where the file has their fields.
 * Windows are taken from `layer_types` alone: without them full attention is the safe side for the KV cache.
 */
export const generic: ModelFamily = {
  modelType: 'generic',
  architecture: 'not known',
  shape(fields) {
    const hasLatents = fields.wholeOr('kv_lora_rank', 0, LIMITS.width) > 0;
    const read = commonSizes(hasLatents ? fields.withValues({ num_key_value_heads: null }) : fields, {
      intermediateSize: false,
    });
    const hasExperts = expertsOf(fields) > 0;
    const sizes = {
      ...read,
      intermediateSize: hasExperts ? read.intermediateSize : needed(fields, read.intermediateSize),
    };
    const gated = activationIsGated(fields);
    return decoder(fields, sizes, {
      windows:
        fields.value('layer_types') === undefined
          ? everyLayer(sizes.layerCount, null)
          : windowsByLayer(fields, sizes.layerCount, slidingWindow(fields), () => false),
      mlp: { gated },
      ...(hasLatents ? latents(fields, sizes.hiddenSize, sizes.layerCount) : {}),
      ...(hasExperts ? { feedForwards: expertsOrDense(fields, sizes, gated) } : {}),
    });
  },
};

function expertsOf(fields: ConfigFields): number {
  const experts = fields.wholeOr(FIELD_NAMES.experts, 0, LIMITS.experts);
  return fields.switch('is_moe', true) ? experts : 0;
}

/** A width that is needed is asked for by its usual name, so that its absence is said. */
function needed(fields: ConfigFields, width: number): number {
  return width > 0 ? width : fields.count('intermediate_size', LIMITS.width);
}

function latents(
  fields: ConfigFields,
  hiddenSize: number,
  layerCount: number,
): Pick<DecoderParts, 'mixers' | 'rotarySize'> {
  const { attention, ...options } = latentSizes(fields);
  return {
    mixers: new Array<Mixer>(layerCount).fill(latentAttention(hiddenSize, attention, options)),
    rotarySize: attention.rotarySize,
  };
}

function expertsOrDense(
  fields: ConfigFields,
  sizes: { readonly hiddenSize: number; readonly layerCount: number; readonly intermediateSize: number },
  gated: boolean,
): readonly FeedForwardPart[] {
  const { hiddenSize, layerCount } = sizes;
  const byDepth = sparseAfterDense(fields, layerCount);
  const byStep = sparseByStep(fields, layerCount);
  const experts = () => {
    const width = fields.countOr(
      ['moe_intermediate_size', 'expert_ffn_hidden_size', 'intermediate_size', 'ffn_hidden_size'],
      4 * hiddenSize,
      LIMITS.width,
    );
    const shared =
      sharedWidth(fields, width, FIELD_NAMES.sharedExperts) ||
      fields.wholeOr('shared_expert_intermediate_size', 0, LIMITS.width);
    return routedExperts(hiddenSize, { ...expertCounts(fields), width, sharedWidth: shared, gated });
  };
  const dense = () => denseMlp(hiddenSize, { width: needed(fields, sizes.intermediateSize), gated });
  return expertLayers(layerCount, (layer) => byDepth(layer) && byStep(layer), experts, dense);
}

/** Squared and plain ReLU and plain GELU go with two matrices (Nemotron, GPT-NeoX, Persimmon), SiLU and tanh-GELU with three. */
function activationIsGated(fields: ConfigFields): boolean {
  const activation =
    fields.value('hidden_act') ?? fields.value('hidden_activation') ?? fields.value('activation_function');
  return typeof activation !== 'string' || !/^relu|^gelu(_new|_fast)?$/.test(activation);
}
