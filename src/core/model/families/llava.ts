import { LIMITS } from '../configFields.ts';
import { projector, type TowerFamily, towerVector } from '../towers.ts';
import { encoderSizes, featureLayers, LLAMA_SIZES, visionEncoder, visionFields } from './visionEncoders.ts';

const PROJECTOR = 'multi_modal_projector';

/**
 * An encoder and two matrices. The engine does not load the encoder's layers after the one that `vision_feature_layer` names, the last
 * or none. `newline`: a learned end of an image's row, as wide as the text model.
 */
function llavaTowers(usualType: string, newline: boolean): TowerFamily['towers'] {
  return (whole, text) => {
    const found = visionFields(whole, usualType);
    if (found === undefined) return [];
    const { vision, type } = found;
    const outputs = text.count('hidden_size', LIMITS.width);
    const inputs = encoderSizes(vision).hiddenSize * featureLayers(whole);
    return [
      ...visionEncoder(vision, type),
      ...projector(PROJECTOR, [inputs, outputs, outputs], {
        bias: whole.switch('multimodal_projector_bias', true),
        sharding: 'split',
      }),
      ...(newline ? [towerVector(PROJECTOR, outputs)] : []),
    ];
  };
}

/** LLaVA 1.5, and Pixtral 12B in this layout. */
export const llava: TowerFamily = {
  modelType: 'llava',
  architecture: 'LlavaForConditionalGeneration',
  textModelType: 'llama',
  textDefaults: LLAMA_SIZES,
  towers: llavaTowers('clip_vision_model', false),
};

/** LLaVA-NeXT (1.6). */
export const llavaNext: TowerFamily = {
  modelType: 'llava_next',
  architecture: 'LlavaNextForConditionalGeneration',
  textModelType: 'llama',
  textDefaults: LLAMA_SIZES,
  towers: llavaTowers('clip_vision_model', true),
};

/** LLaVA-NeXT-Video. */
export const llavaNextVideo: TowerFamily = {
  modelType: 'llava_next_video',
  architecture: 'LlavaNextVideoForConditionalGeneration',
  textModelType: 'llama',
  textDefaults: LLAMA_SIZES,
  towers: llavaTowers('clip_vision_model', true),
};

/** LLaVA-OneVision. */
export const llavaOneVision: TowerFamily = {
  modelType: 'llava_onevision',
  architecture: 'LlavaOnevisionForConditionalGeneration',
  textModelType: 'qwen2',
  textDefaults: { ...LLAMA_SIZES, intermediate_size: 22_016, vocab_size: 151_936 },
  towers: llavaTowers('siglip_vision_model', true),
};

/** ViP-LLaVA: a norm over the features of several layers. */
export const vipLlava: TowerFamily = {
  modelType: 'vipllava',
  architecture: 'VipLlavaForConditionalGeneration',
  textModelType: 'llama',
  textDefaults: LLAMA_SIZES,
  towers(whole, text) {
    const found = visionFields(whole, 'clip_vision_model');
    if (found === undefined) return [];
    const outputs = text.count('hidden_size', LIMITS.width);
    const name =
      whole.value('vision_feature_layers') === undefined ? 'vision_feature_layer' : 'vision_feature_layers';
    // Five layers where the file lists none.
    const count = Array.isArray(whole.value(name)) ? featureLayers(whole, name) : 5;
    const inputs = encoderSizes(found.vision).hiddenSize * count;
    return [
      ...visionEncoder(found.vision, found.type),
      towerVector(PROJECTOR, 2 * inputs),
      ...projector(PROJECTOR, [inputs, outputs, outputs], { bias: true, sharding: 'split' }),
    ];
  },
};
