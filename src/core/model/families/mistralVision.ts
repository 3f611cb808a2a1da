import { LIMITS } from '../configFields.ts';
import { projection, projector, type TowerFamily, towerVector } from '../towers.ts';
import { encoderSizes, featureLayers, visionEncoder, visionFields } from './visionEncoders.ts';

const PROJECTOR = 'multi_modal_projector';

/** Mistral Small 3.1 and 3.2, Ministral 3: Pixtral's encoder, patches merged before the projector. */
export const mistral3: TowerFamily = {
  modelType: 'mistral3',
  aliases: ['lighton_ocr'],
  architecture: 'Mistral3ForConditionalGeneration',
  otherArchitectures: ['LightOnOcrForConditionalGeneration'],
  textModelType: 'mistral',
  tiedEmbeddings: true,
  towers(whole, text) {
    const found = visionFields(whole, 'pixtral');
    if (found === undefined) return [];
    const { hiddenSize } = encoderSizes(found.vision);
    const merged = hiddenSize * whole.countOr('spatial_merge_size', 2, LIMITS.heads) ** 2;
    const inputs = hiddenSize * featureLayers(whole);
    const outputs = text.count('hidden_size', LIMITS.width);
    return [
      ...visionEncoder(found.vision, found.type),
      towerVector(PROJECTOR, hiddenSize),
      ...projection(`${PROJECTOR}.patch_merger`, merged, hiddenSize, false),
      ...projector(PROJECTOR, [inputs, outputs, outputs], {
        bias: whole.switch('multimodal_projector_bias', false),
        sharding: 'split',
      }),
    ];
  },
};
