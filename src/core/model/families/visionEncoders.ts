import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { WeightGroup } from '../facts.ts';
import {
  type EncoderSizes,
  encoderLayers,
  patchCount,
  patchValues,
  projection,
  towerVector,
} from '../towers.ts';

/** Defaults of the encoders' configuration classes: files of models around them leave out what is one. */
const DEFAULTS: Readonly<Record<string, Readonly<Record<string, unknown>>>> = {
  clip_vision_model: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    image_size: 224,
    patch_size: 32,
  },
  siglip_vision_model: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    image_size: 224,
    patch_size: 16,
  },
  siglip2_vision_model: {
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 12,
    num_patches: 256,
    patch_size: 16,
  },
  pixtral: {
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    num_attention_heads: 16,
    patch_size: 16,
  },
};

const MODULE = 'vision_tower';

/** The vision section with its class's defaults, and the class's `model_type`. */
export function visionFields(
  whole: ConfigFields,
  usualType: string,
): { readonly vision: ConfigFields; readonly type: string } | undefined {
  const written = whole.section('vision_config');
  if (written === undefined) return undefined;
  const type = written.value('model_type');
  const known = typeof type === 'string' && Object.hasOwn(DEFAULTS, type) ? type : usualType;
  return { vision: written.withDefaults(DEFAULTS[known] ?? {}), type: known };
}

export function encoderSizes(vision: ConfigFields): EncoderSizes {
  return {
    layers: vision.count(['num_hidden_layers', 'depth'], LIMITS.layers),
    hiddenSize: vision.count('hidden_size', LIMITS.width),
    width: vision.count('intermediate_size', LIMITS.width),
  };
}

/** The encoder that the vision section names: CLIP, SigLIP, SigLIP 2 or Pixtral. */
export function visionEncoder(vision: ConfigFields, type: string): WeightGroup[] {
  if (type === 'clip_vision_model') return clip(vision);
  if (type === 'pixtral') return pixtral(vision);
  return siglip(vision, vision.switch('vision_use_head', true));
}

/** CLIP: a class token, norms before and after. */
function clip(vision: ConfigFields): WeightGroup[] {
  const sizes = encoderSizes(vision);
  const { hiddenSize } = sizes;
  return [
    ...projection(MODULE, patchValues(vision), hiddenSize, false),
    // Class token, positions of it and the patches, two norms.
    towerVector(MODULE, hiddenSize * (1 + patchCount(vision) + 1 + 4)),
    ...encoderLayers(MODULE, sizes),
  ];
}

/** SigLIP and SigLIP 2 (`num_patches` positions). `poolingHead`: attention pooling after the layers. */
export function siglip(vision: ConfigFields, poolingHead: boolean): WeightGroup[] {
  const sizes = encoderSizes(vision);
  const { hiddenSize } = sizes;
  const positions =
    vision.value('num_patches') === undefined
      ? patchCount(vision)
      : vision.count('num_patches', LIMITS.tokens);
  return [
    ...projection(MODULE, patchValues(vision), hiddenSize, true),
    // The head is one more layer, with a probe instead of one of its norms.
    towerVector(MODULE, hiddenSize * (positions + 2 - (poolingHead ? 1 : 0))),
    ...encoderLayers(MODULE, { ...sizes, layers: sizes.layers + (poolingHead ? 1 : 0) }),
  ];
}

/** Pixtral: rotary positions, gated MLPs, no biases. */
function pixtral(vision: ConfigFields): WeightGroup[] {
  const sizes = encoderSizes(vision);
  const { hiddenSize } = sizes;
  const heads = vision.count('num_attention_heads', LIMITS.heads);
  const headSize = vision.countOr('head_dim', Math.max(1, Math.floor(hiddenSize / heads)), LIMITS.headSize);
  return [
    ...projection(MODULE, patchValues(vision), hiddenSize, false),
    towerVector(MODULE, hiddenSize),
    ...encoderLayers(MODULE, sizes, {
      gatedMlp: true,
      mlpBias: false,
      queryKeyValueBias: false,
      outputBias: false,
      attentionWidth: heads * headSize,
      normBias: false,
    }),
  ];
}

/** How many layers of the encoder the projector takes in: `vision_feature_layer`, one or a list. */
export function featureLayers(whole: ConfigFields, name = 'vision_feature_layer'): number {
  const listed = whole.value(name);
  return Array.isArray(listed) ? Math.max(1, listed.length) : 1;
}

/** Sizes of Llama's configuration class, which files of models around it leave out. */
export const LLAMA_SIZES = {
  hidden_size: 4096,
  intermediate_size: 11_008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  vocab_size: 32_000,
};
