import { LIMITS } from '../configFields.ts';
import {
  encoderLayers,
  patchValues,
  projection,
  projector,
  type TowerFamily,
  towerVector,
} from '../towers.ts';

const MODULE = 'vision_tower';

/** Released files of Kimi K2.5 name the tower's sizes with `vt_`. */
const NAMES = {
  hiddenSize: ['hidden_size', 'vt_hidden_size'],
  width: ['intermediate_size', 'vt_intermediate_size'],
  layers: ['num_hidden_layers', 'vt_num_hidden_layers'],
  height: ['pos_emb_height', 'init_pos_emb_height'],
  breadth: ['pos_emb_width', 'init_pos_emb_width'],
};

/** MoonViT: learned positions, a norm after the layers, neighbours merged, two matrices. */
const moonTowers: TowerFamily['towers'] = (whole, text) => {
  const vision = whole.section('vision_config')?.withDefaults({ patch_size: 14 });
  if (vision === undefined) return [];
  const hiddenSize = vision.countOr(NAMES.hiddenSize, 1152, LIMITS.width);
  const sizes = {
    layers: vision.countOr(NAMES.layers, 27, LIMITS.layers),
    hiddenSize,
    width: vision.countOr(NAMES.width, 4304, LIMITS.width),
  };
  const positions =
    vision.countOr(NAMES.height, 64, LIMITS.width) * vision.countOr(NAMES.breadth, 64, LIMITS.width);
  const [down = 2, across = 2] = vision.numbers('merge_kernel_size');
  const merged = hiddenSize * down * across;
  const normed = whole.countOr('projection_hidden_size', hiddenSize, LIMITS.width);
  return [
    ...projection(MODULE, patchValues(vision), hiddenSize, true),
    towerVector(MODULE, hiddenSize * (positions + 2)),
    ...encoderLayers(MODULE, sizes),
    towerVector('mm_projector', 2 * normed),
    ...projector('mm_projector', [merged, merged, text.count('hidden_size', LIMITS.width)], {
      bias: true,
      sharding: 'replicated',
    }),
  ];
};

/** Kimi K2.5. */
export const kimiK25: TowerFamily = {
  modelType: 'kimi_k25',
  architecture: 'Kimi_K25ForConditionalGeneration',
  otherArchitectures: ['KimiK25ForConditionalGeneration'],
  textModelType: 'deepseek_v3',
  towers: moonTowers,
};

/** Kimi-VL. */
export const kimiVl: TowerFamily = {
  modelType: 'kimi_vl',
  architecture: 'KimiVLForConditionalGeneration',
  textModelType: 'deepseek_v3',
  towers: moonTowers,
};
