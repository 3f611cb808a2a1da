import { commonSizes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertLayers, sparseByType } from '../moe.ts';
import { denseMlp, type FeedForwardPart, routedExperts, vector } from '../parts.ts';
import {
  encoderLayers,
  patchValues,
  projection,
  projector,
  type TowerFamily,
  towerVector,
} from '../towers.ts';
import { siglip } from './visionEncoders.ts';

/** Text model of ERNIE 4.5 VL: experts for text and narrower ones for pictures in each sparse layer (`moe_intermediate_size` has two widths). */
export const ernie45VlMoeText: ModelFamily = {
  modelType: 'ernie4_5_vl_moe_text',
  architecture: 'Ernie4_5_VLMoeForConditionalGeneration',
  defaults: { max_position_embeddings: 131_072, tie_word_embeddings: true },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount } = sizes;
    const bias = fields.switch('use_bias', false);
    const [textWidth = 1536, pictureWidth = 512] = fields.numbers('moe_intermediate_size');
    // Some files list the number of experts for text and for pictures too.
    const [listed] = fields.numbers(Array.isArray(fields.value('moe_num_experts')) ? 'moe_num_experts' : '');
    const experts = listed ?? fields.countOr('moe_num_experts', 64, LIMITS.experts);
    const activeExperts = fields.countOr('moe_k', 6, LIMITS.experts);
    const sharedWidth = textWidth * fields.wholeOr('moe_num_shared_experts', 2, LIMITS.experts);
    const sparse = (): FeedForwardPart => {
      const ofText = routedExperts(hiddenSize, {
        experts,
        activeExperts,
        width: textWidth,
        sharedWidth,
        sharedBias: bias,
      });
      const ofPictures = routedExperts(hiddenSize, { experts, activeExperts, width: pictureWidth });
      // Both routers' corrections are parameters here.
      const corrections = vector('router', 'mlp.gate', 2 * experts);
      return { ...ofText, weights: [...ofText.weights, ...ofPictures.weights, corrections] };
    };
    const first = firstOf(fields.value('moe_layer_start_index'), 1);
    const last = firstOf(fields.value('moe_layer_end_index'), layerCount - 1);
    const routes = sparseByType(fields, layerCount, (layer) => layer >= first && layer <= last);
    return decoder(fields, sizes, {
      attention: { queryKeyValueBias: bias, outputBias: bias },
      feedForwards: expertLayers(layerCount, routes, sparse, () =>
        denseMlp(hiddenSize, { width: sizes.intermediateSize, gated: true, bias }),
      ),
    });
  },
};

/** A number, or the smallest of a list's: the indices of the text's and of the pictures' experts. */
function firstOf(value: unknown, absent: number): number {
  const numbers = (Array.isArray(value) ? value : [value]).filter((item) => typeof item === 'number');
  return numbers.length === 0 ? absent : Math.min(...numbers);
}

/** ERNIE 4.5 VL: a vision transformer and a resampler over neighbours in space and time. */
export const ernie45VlMoe: TowerFamily = {
  modelType: 'ernie4_5_vl_moe',
  aliases: ['ernie4_5_moe_vl'],
  architecture: 'Ernie4_5_VLMoeForConditionalGeneration',
  otherArchitectures: ['Ernie4_5_VL_MoeForConditionalGeneration'],
  textModelType: 'ernie4_5_vl_moe_text',
  tiedEmbeddings: true,
  towers(whole, text) {
    const vision = whole.section('vision_config')?.withDefaults({ patch_size: 14 });
    if (vision === undefined) return [];
    const hiddenSize = vision.countOr('hidden_size', 1280, LIMITS.width);
    const ratio = vision.positiveNumber('mlp_ratio') ?? 4;
    const width = vision.countOr('intermediate_size', Math.floor(ratio * hiddenSize), LIMITS.width);
    const spatial = hiddenSize * vision.countOr('spatial_merge_size', 2, LIMITS.heads) ** 2;
    const temporal = spatial * vision.countOr('temporal_merge_size', 2, LIMITS.heads);
    const outputs = text.count('hidden_size', LIMITS.width);
    const module = 'resampler_model';
    return [
      ...projection('vision_tower', patchValues(vision), hiddenSize, false),
      ...encoderLayers('vision_tower', {
        layers: vision.countOr('depth', 32, LIMITS.layers),
        hiddenSize,
        width,
      }),
      towerVector('vision_tower', 2 * hiddenSize),
      ...projector(module, [spatial, spatial, spatial], { bias: true, sharding: 'split' }),
      ...projector(module, [temporal, spatial, spatial], { bias: true, sharding: 'split' }),
      towerVector(module, 4 * spatial + outputs),
      ...projection(module, spatial, outputs, true),
    ];
  },
};

/** PaddleOCR-VL: SigLIP without its head beside ERNIE 4.5, neighbours merged. */
export const paddleOcrVl: TowerFamily = {
  modelType: 'paddleocr_vl',
  architecture: 'PaddleOCRVLForConditionalGeneration',
  textModelType: 'ernie4_5',
  tiedEmbeddings: true,
  towers(whole, text) {
    const vision = whole.section('vision_config')?.withDefaults({
      hidden_size: 1152,
      intermediate_size: 4304,
      num_hidden_layers: 27,
      image_size: 384,
      patch_size: 14,
    });
    if (vision === undefined) return [];
    const hiddenSize = vision.count('hidden_size', LIMITS.width);
    const merged = hiddenSize * vision.countOr('spatial_merge_size', 2, LIMITS.heads) ** 2;
    const outputs = text.count('hidden_size', LIMITS.width);
    return [
      ...siglip(vision, false),
      towerVector('projector', 2 * hiddenSize),
      ...projector('projector', [merged, merged, outputs], { bias: true, sharding: 'replicated' }),
    ];
  },
};
