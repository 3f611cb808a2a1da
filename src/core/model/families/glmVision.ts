import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { WeightGroup } from '../facts.ts';
import {
  encoderLayers,
  patchCount,
  patchValues,
  projection,
  type TowerFamily,
  towerVector,
} from '../towers.ts';

const MODULE = 'visual';

/**
 * GLM-4.1V's tower: neighbours merged by a convolution, then a gated merger. The width of the layers' MLP is the text model's size, that
 * of the merger is `intermediate_size`. GLM-OCR (`ocr`) swaps the two, norms each head's query and key, and has biases everywhere.
 */
function glmTowers(whole: ConfigFields, ocr: boolean): readonly WeightGroup[] {
  const vision = whole.section('vision_config')?.withDefaults({
    depth: 24,
    hidden_size: 1536,
    out_hidden_size: 4096,
    intermediate_size: 13_696,
    num_heads: 12,
    image_size: 336,
    patch_size: 14,
  });
  if (vision === undefined) return [];
  const hiddenSize = vision.count('hidden_size', LIMITS.width);
  const outputs = vision.count('out_hidden_size', LIMITS.width);
  const width = vision.count('intermediate_size', LIMITS.width);
  const heads = vision.count('num_heads', LIMITS.heads);
  const layers = vision.count('depth', LIMITS.layers);
  const bias = vision.switch('attention_bias', false);
  const patch = patchValues(vision) * vision.countOr('temporal_patch_size', 2, LIMITS.width);
  const merged = hiddenSize * vision.countOr('spatial_merge_size', 2, LIMITS.heads) ** 2;
  const between = ocr ? outputs * vision.countOr('in_channels', 3, LIMITS.width) : width;
  return [
    ...projection(`${MODULE}.patch_embed`, patch, hiddenSize, true),
    // Positions, a norm after them, a norm after the layers; GLM-OCR has the last alone.
    towerVector(MODULE, hiddenSize * (ocr ? 1 : patchCount(vision) + 2)),
    ...encoderLayers(
      `${MODULE}.blocks`,
      { layers, hiddenSize, width: ocr ? width : outputs },
      {
        gatedMlp: true,
        mlpBias: ocr && bias,
        queryKeyValueBias: bias,
        outputBias: ocr && bias,
        normBias: false,
        others: ocr ? 2 * Math.floor(hiddenSize / heads) : 0,
      },
    ),
    ...projection(`${MODULE}.downsample`, merged, outputs, true),
    ...projection(`${MODULE}.merger`, outputs, outputs, false),
    towerVector(`${MODULE}.merger`, 2 * outputs),
    ...projection(`${MODULE}.merger`, outputs, 2 * between, false),
    ...projection(`${MODULE}.merger`, between, outputs, false),
  ];
}

/** GLM-4.1V and 4.6V, dense. */
export const glm4v: TowerFamily = {
  modelType: 'glm4v',
  aliases: ['glm46v'],
  architecture: 'Glm4vForConditionalGeneration',
  otherArchitectures: ['Glm46VForConditionalGeneration'],
  textModelType: 'glm4',
  textDefaults: { attention_bias: true, head_dim: null },
  towers: (whole) => glmTowers(whole, false),
};

/** GLM-4.5V and 4.6V with experts. */
export const glm4vMoe: TowerFamily = {
  modelType: 'glm4v_moe',
  architecture: 'Glm4vMoeForConditionalGeneration',
  textModelType: 'glm4_moe',
  towers: (whole) => glmTowers(whole, false),
};

/** GLM-OCR. */
export const glmOcr: TowerFamily = {
  modelType: 'glm_ocr',
  architecture: 'GlmOcrForConditionalGeneration',
  textModelType: 'glm4',
  textDefaults: { attention_bias: false, head_dim: null },
  towers: (whole) => glmTowers(whole, true),
};
