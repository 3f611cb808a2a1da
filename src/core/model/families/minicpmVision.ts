import { LIMITS } from '../configFields.ts';
import { projection, type TowerFamily, towerVector } from '../towers.ts';
import { siglip } from './visionEncoders.ts';

/**
 * MiniCPM-V 2.6, 4 and 4.5, whose text model's fields are at the top: SigLIP without its head and a resampler that attends with
 * `query_num` learned queries. The positions that it adds are computed.
 */
export const minicpmV: TowerFamily = {
  modelType: 'minicpmv',
  architecture: 'MiniCPMV',
  textModelType: 'qwen2',
  towers(whole, text) {
    const vision = whole.section('vision_config')?.withDefaults({
      hidden_size: 1152,
      intermediate_size: 4304,
      num_hidden_layers: 27,
      image_size: 980,
      patch_size: 14,
    });
    if (vision === undefined) return [];
    const outputs = text.count('hidden_size', LIMITS.width);
    const queries = whole.countOr('query_num', 64, LIMITS.tokens);
    const module = 'resampler';
    return [
      ...siglip(vision, false),
      ...projection(module, vision.count('hidden_size', LIMITS.width), outputs, false),
      ...projection(module, outputs, 4 * outputs, true),
      // The queries, three norms, and the matrix after attention.
      towerVector(module, outputs * (queries + 6)),
      ...projection(module, outputs, outputs, false),
    ];
  },
};
