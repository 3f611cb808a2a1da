import { LIMITS } from '../configFields.ts';
import { projector, type TowerFamily, towerVector } from '../towers.ts';
import { encoderSizes, siglip, visionFields } from './visionEncoders.ts';

const PROJECTOR = 'multi_modal_projector';

/** SigLIP, neighbours merged, then a gated projector. `norm`: one before it. */
function cohereTowers(norm: boolean): TowerFamily['towers'] {
  return (whole, text) => {
    const vision = visionFields(whole, 'siglip_vision_model')?.vision;
    if (vision === undefined) return [];
    const outputs = text.count('hidden_size', LIMITS.width);
    const merged = encoderSizes(vision).hiddenSize * whole.countOr('downsample_factor', 2, LIMITS.heads) ** 2;
    const between = norm
      ? whole.countOr('alignment_intermediate_size', outputs, LIMITS.width)
      : whole.countOr('alignment_intermediate_size', 36_864, LIMITS.width);
    return [
      ...siglip(vision, vision.switch('vision_use_head', true)),
      ...(norm ? [towerVector(PROJECTOR, 2 * merged)] : []),
      ...projector(PROJECTOR, [merged, between, outputs], {
        bias: true,
        sharding: 'split',
        secondInputs: Math.floor(between / 2),
      }),
    ];
  };
}

/** Aya Vision. */
export const ayaVision: TowerFamily = {
  modelType: 'aya_vision',
  architecture: 'AyaVisionForConditionalGeneration',
  textModelType: 'cohere2',
  tiedEmbeddings: true,
  towers: cohereTowers(true),
};

/** Command A Vision. */
export const cohere2Vision: TowerFamily = {
  modelType: 'cohere2_vision',
  architecture: 'Cohere2VisionForConditionalGeneration',
  textModelType: 'cohere2',
  tiedEmbeddings: true,
  towers: cohereTowers(false),
};
