import { LIMITS } from '../configFields.ts';
import { projection, type TowerFamily, towerVector } from '../towers.ts';
import { encoderSizes, siglip, visionFields } from './visionEncoders.ts';

/** Aria: SigLIP without its head; learned queries attend to it, then two matrices. */
export const aria: TowerFamily = {
  modelType: 'aria',
  architecture: 'AriaForConditionalGeneration',
  textModelType: 'aria_text',
  towers(whole, text) {
    const vision = visionFields(whole, 'siglip_vision_model')?.vision;
    if (vision === undefined) return [];
    const { hiddenSize } = encoderSizes(vision);
    const outputs = text.count('hidden_size', LIMITS.width);
    const module = 'multi_modal_projector';
    const queries = whole.section('projector_patch_to_query_dict');
    const counts = (queries?.names() ?? []).map((name) => queries?.count(name, LIMITS.tokens) ?? 0);
    const queryCount = whole.countOr(
      'max_value_projector_patch_to_query_dict',
      Math.max(...counts, 0) || 256,
      LIMITS.tokens,
    );
    return [
      ...siglip(vision, false),
      // The queries, three norms.
      towerVector(module, hiddenSize * (queryCount + 6)),
      ...projection(module, hiddenSize, 3 * hiddenSize, false),
      ...projection(module, hiddenSize, 5 * hiddenSize, true),
      ...projection(module, hiddenSize, outputs, false),
      ...projection(module, outputs, outputs, false),
    ];
  },
};
