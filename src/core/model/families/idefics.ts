import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { WeightGroup } from '../facts.ts';
import { projection, type TowerFamily, towerVector } from '../towers.ts';
import { encoderSizes, LLAMA_SIZES, siglip, visionFields } from './visionEncoders.ts';

/** SigLIP without its head, the base of Idefics and SmolVLM. */
function idefics3Towers(whole: ConfigFields, text: ConfigFields): readonly WeightGroup[] {
  const vision = visionFields(whole, 'siglip_vision_model')?.vision;
  if (vision === undefined) return [];
  const merged = encoderSizes(vision).hiddenSize * whole.countOr('scale_factor', 2, LIMITS.heads) ** 2;
  return [
    ...siglip(vision, false),
    ...projection('connector', merged, text.count('hidden_size', LIMITS.width), false),
  ];
}

/** Idefics 3: neighbours merged, one matrix. */
export const idefics3: TowerFamily = {
  modelType: 'idefics3',
  architecture: 'Idefics3ForConditionalGeneration',
  textModelType: 'llama',
  textDefaults: LLAMA_SIZES,
  towers: idefics3Towers,
};

/** SmolVLM and SmolVLM 2. */
export const smolVlm: TowerFamily = {
  modelType: 'smolvlm',
  architecture: 'SmolVLMForConditionalGeneration',
  textModelType: 'llama',
  textDefaults: LLAMA_SIZES,
  towers: idefics3Towers,
};

/** Idefics 2: a gated projection, then a resampler with latents and grouped queries. */
export const idefics2: TowerFamily = {
  modelType: 'idefics2',
  architecture: 'Idefics2ForConditionalGeneration',
  textModelType: 'mistral',
  towers(whole, text) {
    const vision = visionFields(whole, 'siglip_vision_model')?.vision;
    if (vision === undefined) return [];
    const { hiddenSize } = encoderSizes(vision);
    const outputs = text.count('hidden_size', LIMITS.width);
    const width = text.count('intermediate_size', LIMITS.width);
    const perceiver = whole.section('perceiver_config') ?? whole.withValues({});
    const headSize = perceiver.countOr('resampler_head_dim', 96, LIMITS.headSize);
    const inner = headSize * perceiver.countOr('resampler_n_heads', 16, LIMITS.heads);
    const keys = headSize * perceiver.countOr('num_key_value_heads', 4, LIMITS.heads);
    const resampler = new Array<undefined>(perceiver.countOr('resampler_depth', 3, 64)).fill(undefined);
    const module = 'connector';
    return [
      ...siglip(vision, false),
      ...projection(module, hiddenSize, 2 * width, false),
      ...projection(module, width, outputs, false),
      towerVector(module, outputs * perceiver.countOr('resampler_n_latents', 64, LIMITS.tokens)),
      ...resampler.flatMap(() => [
        ...projection(module, outputs, inner + 2 * keys, false),
        ...projection(module, inner, outputs, false),
        ...projection(module, outputs, 3 * 4 * outputs, false),
        towerVector(module, 3 * outputs),
      ]),
      towerVector(module, outputs),
    ];
  },
};
