import { LIMITS } from '../configFields.ts';
import {
  encoderLayers,
  patchCount,
  patchValues,
  projection,
  type TowerFamily,
  towerVector,
} from '../towers.ts';
import { encoderSizes } from './visionEncoders.ts';

const MODULE = 'vision_model';

/** Llama 4 Scout and Maverick: a class token, positions, norms before and after, an adapter of two matrices, one matrix. */
export const llama4: TowerFamily = {
  modelType: 'llama4',
  architecture: 'Llama4ForConditionalGeneration',
  textModelType: 'llama4_text',
  towers(whole, text) {
    const vision = whole.section('vision_config')?.withDefaults({
      hidden_size: 768,
      intermediate_size: 5632,
      num_hidden_layers: 34,
      image_size: 448,
      patch_size: 14,
      vision_output_dim: 7680,
      projector_input_dim: 4096,
      projector_output_dim: 4096,
    });
    if (vision === undefined) return [];
    const sizes = encoderSizes(vision);
    const between = vision.count('projector_output_dim', LIMITS.width);
    return [
      ...projection(MODULE, patchValues(vision), sizes.hiddenSize, false),
      towerVector(MODULE, sizes.hiddenSize * (1 + patchCount(vision) + 1 + 4)),
      ...encoderLayers(MODULE, sizes),
      ...projection(MODULE, sizes.width, vision.count('projector_input_dim', LIMITS.width), false),
      ...projection(MODULE, between, between, false),
      ...projection(
        'multi_modal_projector',
        vision.count('vision_output_dim', LIMITS.width),
        text.count('hidden_size', LIMITS.width),
        false,
      ),
    ];
  },
};
