import { LIMITS } from '../configFields.ts';
import { projector, type TowerFamily, towerVector } from '../towers.ts';
import { encoderSizes, siglip, visionFields } from './visionEncoders.ts';

const PROJECTOR = 'multi_modal_projector';

/** LFM2-VL: SigLIP 2, neighbours merged, a norm and two matrices. */
export const lfm2Vl: TowerFamily = {
  modelType: 'lfm2_vl',
  architecture: 'Lfm2VlForConditionalGeneration',
  textModelType: 'lfm2',
  tiedEmbeddings: true,
  towers(whole, text) {
    const vision = visionFields(whole, 'siglip2_vision_model')?.vision;
    if (vision === undefined) return [];
    const merged = encoderSizes(vision).hiddenSize * whole.countOr('downsample_factor', 2, LIMITS.heads) ** 2;
    const bias = whole.switch('projector_bias', true);
    return [
      ...siglip(vision, vision.switch('vision_use_head', true)),
      ...(whole.switch('projector_use_layernorm', true) ? [towerVector(PROJECTOR, 2 * merged)] : []),
      ...projector(
        PROJECTOR,
        [
          merged,
          whole.countOr('projector_hidden_size', 2560, LIMITS.width),
          text.count('hidden_size', LIMITS.width),
        ],
        { bias, sharding: 'replicated' },
      ),
    ];
  },
};
