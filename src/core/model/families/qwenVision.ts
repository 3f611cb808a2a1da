import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { WeightGroup } from '../facts.ts';
import {
  encoderLayers,
  patchValues,
  projection,
  projector,
  type TowerFamily,
  towerVector,
} from '../towers.ts';

const MODULE = 'visual';

interface QwenVision {
  readonly vision: ConfigFields;
  readonly hiddenSize: number;
  readonly layers: number;
  /** Values of a patch over its frames. */
  readonly patch: number;
  /** Hidden size of the patches that are merged. */
  readonly merged: number;
}

function qwenVision(
  whole: ConfigFields,
  width: string,
  defaults: Readonly<Record<string, unknown>>,
): QwenVision | undefined {
  const vision = whole.section('vision_config')?.withDefaults(defaults);
  if (vision === undefined) return undefined;
  const hiddenSize = vision.count(width, LIMITS.width);
  return {
    vision,
    hiddenSize,
    layers: vision.count('depth', LIMITS.layers),
    patch: patchValues(vision) * vision.countOr('temporal_patch_size', 2, LIMITS.width),
    merged: hiddenSize * vision.countOr('spatial_merge_size', 2, LIMITS.heads) ** 2,
  };
}

/** Qwen2-VL: plain MLPs of `mlp_ratio` times the width. */
function qwen2Vision(whole: ConfigFields): WeightGroup[] {
  const tower = qwenVision(whole, 'embed_dim', {
    depth: 32,
    embed_dim: 1280,
    hidden_size: 3584,
    patch_size: 14,
  });
  if (tower === undefined) return [];
  const { vision, hiddenSize, layers, patch, merged } = tower;
  const width = Math.floor(hiddenSize * (vision.positiveNumber('mlp_ratio') ?? 4));
  return [
    ...projection(`${MODULE}.patch_embed`, patch, hiddenSize, false),
    ...encoderLayers(`${MODULE}.blocks`, { layers, hiddenSize, width }),
    towerVector(`${MODULE}.merger`, 2 * hiddenSize),
    ...projector(`${MODULE}.merger`, [merged, merged, vision.count('hidden_size', LIMITS.width)], {
      bias: true,
      sharding: 'split',
    }),
  ];
}

/** Qwen2.5-VL: gated MLPs, RMS norms. */
export function qwen25Vision(whole: ConfigFields): WeightGroup[] {
  const tower = qwenVision(whole, 'hidden_size', {
    depth: 32,
    hidden_size: 3584,
    intermediate_size: 3420,
    out_hidden_size: 3584,
    patch_size: 14,
  });
  if (tower === undefined) return [];
  const { vision, hiddenSize, layers, patch, merged } = tower;
  const width = vision.count('intermediate_size', LIMITS.width);
  const heads = vision.countOr('num_heads', 16, LIMITS.heads);
  // EXAONE 4.5 groups the queries of its tower.
  const keyValueHeads = vision.countOr('num_key_value_heads', heads, LIMITS.heads);
  const keyValueWidth = Math.floor((hiddenSize * keyValueHeads) / heads);
  return [
    ...projection(`${MODULE}.patch_embed`, patch, hiddenSize, false),
    ...encoderLayers(
      `${MODULE}.blocks`,
      { layers, hiddenSize, width },
      { gatedMlp: true, normBias: false, keyValueWidth },
    ),
    towerVector(`${MODULE}.merger`, hiddenSize),
    ...projector(`${MODULE}.merger`, [merged, merged, vision.count('out_hidden_size', LIMITS.width)], {
      bias: true,
      sharding: 'split',
    }),
  ];
}

/** Qwen3-VL and Qwen3.5: learned positions; Qwen3-VL merges at some layers inside too (`deepstack_visual_indexes`). */
export function qwen3Vision(whole: ConfigFields): WeightGroup[] {
  const tower = qwenVision(whole, 'hidden_size', {
    depth: 27,
    hidden_size: 1152,
    intermediate_size: 4304,
    out_hidden_size: 3584,
    patch_size: 16,
  });
  if (tower === undefined) return [];
  const { vision, hiddenSize, layers, patch, merged } = tower;
  const outputs = vision.count('out_hidden_size', LIMITS.width);
  const inside = vision.numbers('deepstack_visual_indexes').length;
  const merger = projector(`${MODULE}.merger`, [merged, merged, outputs], { bias: true, sharding: 'split' });
  return [
    ...projection(`${MODULE}.patch_embed`, patch, hiddenSize, true),
    towerVector(
      `${MODULE}.pos_embed`,
      vision.countOr('num_position_embeddings', 2304, LIMITS.tokens) * hiddenSize,
    ),
    ...encoderLayers(`${MODULE}.blocks`, {
      layers,
      hiddenSize,
      width: vision.count('intermediate_size', LIMITS.width),
    }),
    towerVector(`${MODULE}.merger`, 2 * hiddenSize + inside * 2 * merged),
    ...[undefined, ...new Array<undefined>(inside)].flatMap(() => merger),
  ];
}

/** Qwen2-VL. */
export const qwen2Vl: TowerFamily = {
  modelType: 'qwen2_vl',
  architecture: 'Qwen2VLForConditionalGeneration',
  textModelType: 'qwen2',
  towers: qwen2Vision,
};

/** Qwen2.5-VL. */
export const qwen25Vl: TowerFamily = {
  modelType: 'qwen2_5_vl',
  architecture: 'Qwen2_5_VLForConditionalGeneration',
  textModelType: 'qwen2',
  towers: qwen25Vision,
};

/** EXAONE 4.5: Qwen2.5-VL's tower beside EXAONE 4. */
export const exaone45: TowerFamily = {
  modelType: 'exaone4_5',
  architecture: 'Exaone4_5_ForConditionalGeneration',
  textModelType: 'exaone4',
  towers: qwen25Vision,
};

/** Qwen3-VL, dense. */
export const qwen3Vl: TowerFamily = {
  modelType: 'qwen3_vl',
  architecture: 'Qwen3VLForConditionalGeneration',
  textModelType: 'qwen3',
  towers: qwen3Vision,
};

/** Qwen3-VL with experts. */
export const qwen3VlMoe: TowerFamily = {
  modelType: 'qwen3_vl_moe',
  architecture: 'Qwen3VLMoeForConditionalGeneration',
  textModelType: 'qwen3_moe',
  towers: qwen3Vision,
};

/** Qwen3.5, dense. */
export const qwen35: TowerFamily = {
  modelType: 'qwen3_5',
  architecture: 'Qwen3_5ForConditionalGeneration',
  textModelType: 'qwen3_5_text',
  towers: qwen3Vision,
};

/** Qwen3.5 with experts. */
export const qwen35Moe: TowerFamily = {
  modelType: 'qwen3_5_moe',
  architecture: 'Qwen3_5MoeForConditionalGeneration',
  textModelType: 'qwen3_5_moe_text',
  towers: qwen3Vision,
};
