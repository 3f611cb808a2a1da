import { LIMITS } from '../configFields.ts';
import {
  encoderLayers,
  patchCount,
  patchValues,
  projection,
  projector,
  type TowerFamily,
  towerVector,
} from '../towers.ts';
import { encoderSizes } from './visionEncoders.ts';

const MODULE = 'vision_tower';

/** InternViT with scaled residuals, neighbours merged, a norm and two matrices. */
const internTowers: TowerFamily['towers'] = (whole, text) => {
  const vision = whole.section('vision_config')?.withDefaults({
    hidden_size: 1024,
    intermediate_size: 4096,
    num_hidden_layers: 24,
    image_size: 448,
    patch_size: 14,
  });
  if (vision === undefined) return [];
  const sizes = encoderSizes(vision);
  const outputs = text.count('hidden_size', LIMITS.width);
  const { hiddenSize } = sizes;
  const ratio = whole.positiveNumber('downsample_ratio') ?? 0.5;
  const merged = hiddenSize * Math.max(1, Math.floor(1 / ratio)) ** 2;
  const has = (name: string, older: string) => vision.switch(name, vision.switch(older, false));
  const headNorms = has('use_qk_norm', 'qk_normalization') ? 2 * hiddenSize : 0;
  const positions = vision.switch('use_absolute_position_embeddings', true) ? patchCount(vision) + 1 : 0;
  return [
    ...projection(MODULE, patchValues(vision), hiddenSize, true),
    // The class token, a mask token where there is one, positions, a norm after the layers unless they are averaged.
    towerVector(
      MODULE,
      hiddenSize *
        (1 +
          (vision.switch('use_mask_token', false) ? 1 : 0) +
          positions +
          (vision.switch('use_mean_pooling', true) ? 0 : 2)),
    ),
    ...encoderLayers(MODULE, sizes, {
      queryKeyValueBias: has('attention_bias', 'qkv_bias'),
      normBias: vision.value('norm_type') !== 'rms_norm',
      others: 2 * hiddenSize + headNorms,
    }),
    towerVector('multi_modal_projector', 2 * merged),
    ...projector('multi_modal_projector', [merged, outputs, outputs], { bias: true, sharding: 'replicated' }),
  ];
};

/** InternVL 3 and 3.5 in the layout of transformers. */
export const internVl: TowerFamily = {
  modelType: 'internvl',
  architecture: 'InternVLForConditionalGeneration',
  textModelType: 'qwen2',
  tiedEmbeddings: true,
  towers: internTowers,
};

/** Qianfan-OCR: InternVL's tower beside Qwen3. */
export const qianfanOcr: TowerFamily = {
  modelType: 'qianfan_ocr',
  architecture: 'QianfanOCRForConditionalGeneration',
  textModelType: 'qwen3',
  towers: internTowers,
};

/** InternVL 2 to 3.5 as OpenGVLab's files write it. */
export const internVlChat: TowerFamily = {
  modelType: 'internvl_chat',
  architecture: 'InternVLChatModel',
  textModelType: 'qwen2',
  towers: internTowers,
};
