import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { WeightGroup } from '../facts.ts';
import { projection, projector, type TowerFamily, towerVector } from '../towers.ts';
import {
  encoderSizes,
  featureLayers,
  mlpProjector,
  siglip,
  visionEncoder,
  visionFields,
} from './visionEncoders.ts';

const PROJECTOR = 'multi_modal_projector';

/** Sizes of Llama's configuration class, which files of LLaVA leave out. */
const LLAMA_SIZES = {
  hidden_size: 4096,
  intermediate_size: 11_008,
  num_hidden_layers: 32,
  num_attention_heads: 32,
  vocab_size: 32_000,
};

/** An encoder and two matrices. `newline`: a learned end of an image's row, as wide as the text model. */
function llavaTowers(usualType: string, newline: boolean): TowerFamily['towers'] {
  return (whole, text) => {
    const found = visionFields(whole, usualType);
    if (found === undefined) return [];
    const { vision, type } = found;
    const outputs = text.count('hidden_size', LIMITS.width);
    const inputs = encoderSizes(vision).hiddenSize * featureLayers(whole);
    return [
      ...visionEncoder(vision, type),
      ...mlpProjector(inputs, outputs, whole.switch('multimodal_projector_bias', true)),
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
    const name =
      whole.value('vision_feature_layers') === undefined ? 'vision_feature_layer' : 'vision_feature_layers';
    // Five layers where the file lists none.
    const count = Array.isArray(whole.value(name)) ? featureLayers(whole, name) : 5;
    const inputs = encoderSizes(found.vision).hiddenSize * count;
    return [
      ...visionEncoder(found.vision, found.type),
      towerVector(PROJECTOR, 2 * inputs),
      ...mlpProjector(inputs, text.count('hidden_size', LIMITS.width), true),
    ];
  },
};

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
    return [
      ...visionEncoder(found.vision, found.type),
      towerVector(PROJECTOR, hiddenSize),
      ...projection(`${PROJECTOR}.patch_merger`, merged, hiddenSize, false),
      ...mlpProjector(
        inputs,
        text.count('hidden_size', LIMITS.width),
        whole.switch('multimodal_projector_bias', false),
      ),
    ];
  },
};

/** Gemma 3: SigLIP without its head, then one matrix and a norm. */
export const gemma3: TowerFamily = {
  modelType: 'gemma3',
  architecture: 'Gemma3ForConditionalGeneration',
  textModelType: 'gemma3_text',
  tiedEmbeddings: true,
  textDefaults: {
    hidden_size: 2304,
    intermediate_size: 9216,
    num_hidden_layers: 26,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    vocab_size: 262_208,
  },
  towers(whole, text) {
    const vision = visionFields(whole, 'siglip_vision_model')?.vision;
    if (vision === undefined) return [];
    const { hiddenSize } = encoderSizes(vision);
    return [
      ...siglip(vision, vision.switch('vision_use_head', true)),
      towerVector(PROJECTOR, hiddenSize),
      ...projection(PROJECTOR, hiddenSize, text.count('hidden_size', LIMITS.width), false),
    ];
  },
};

/** PaliGemma: SigLIP and one matrix. */
export const paliGemma: TowerFamily = {
  modelType: 'paligemma',
  architecture: 'PaliGemmaForConditionalGeneration',
  textModelType: 'gemma',
  tiedEmbeddings: true,
  towers(whole, text) {
    const vision = visionFields(whole, 'siglip_vision_model')?.vision;
    if (vision === undefined) return [];
    const outputs = vision.countOr(
      'projection_dim',
      whole.countOr('projection_dim', text.count('hidden_size', LIMITS.width), LIMITS.width),
      LIMITS.width,
    );
    return [
      ...siglip(vision, vision.switch('vision_use_head', true)),
      ...projection(PROJECTOR, encoderSizes(vision).hiddenSize, outputs, true),
    ];
  },
};

/** SigLIP, neighbours merged, then a gated projector. `norm`: one before it. */
function cohereTowers(norm: boolean): TowerFamily['towers'] {
  return (whole, text) => {
    const vision = visionFields(whole, 'siglip_vision_model')?.vision;
    if (vision === undefined) return [];
    const outputs = text.count('hidden_size', LIMITS.width);
    const merged = encoderSizes(vision).hiddenSize * whole.countOr('downsample_factor', 2, LIMITS.heads) ** 2;
    const between = norm
      ? whole.countOr('alignment_intermediate_size', outputs, LIMITS.width)
      : whole.countOr('alignment_intermediate_size', 36_864, LIMITS.width);
    return [
      ...siglip(vision, vision.switch('vision_use_head', true)),
      ...(norm ? [towerVector(PROJECTOR, 2 * merged)] : []),
      ...projector(PROJECTOR, [merged, between, outputs], true, Math.floor(between / 2)),
    ];
  };
}

/** Aya Vision. */
export const ayaVision: TowerFamily = {
  modelType: 'aya_vision',
  architecture: 'AyaVisionForConditionalGeneration',
  textModelType: 'cohere2',
  tiedEmbeddings: true,
  towers: cohereTowers(true),
};

/** Command A Vision. */
export const cohere2Vision: TowerFamily = {
  modelType: 'cohere2_vision',
  architecture: 'Cohere2VisionForConditionalGeneration',
  textModelType: 'cohere2',
  tiedEmbeddings: true,
  towers: cohereTowers(false),
};

/** LFM2-VL: SigLIP 2, neighbours merged, a norm and two matrices. */
export const lfm2Vl: TowerFamily = {
  modelType: 'lfm2_vl',
  architecture: 'Lfm2VlForConditionalGeneration',
  textModelType: 'lfm2',
  tiedEmbeddings: true,
  towers(whole, text) {
    const vision = visionFields(whole, 'siglip2_vision_model')?.vision;
    if (vision === undefined) return [];
    const merged = encoderSizes(vision).hiddenSize * whole.countOr('downsample_factor', 2, LIMITS.heads) ** 2;
    const bias = whole.switch('projector_bias', true);
    return [
      ...siglip(vision, vision.switch('vision_use_head', true)),
      ...(whole.switch('projector_use_layernorm', true) ? [towerVector(PROJECTOR, 2 * merged)] : []),
      ...projector(
        PROJECTOR,
        [
          merged,
          whole.countOr('projector_hidden_size', 2560, LIMITS.width),
          text.count('hidden_size', LIMITS.width),
        ],
        bias,
      ),
    ];
  },
};

/** SigLIP without its head, the base of Idefics and SmolVLM. */
function idefics3Towers(whole: ConfigFields, text: ConfigFields): readonly WeightGroup[] {
  const vision = visionFields(whole, 'siglip_vision_model')?.vision;
  if (vision === undefined) return [];
  const merged = encoderSizes(vision).hiddenSize * whole.countOr('scale_factor', 2, LIMITS.heads) ** 2;
  return [
    ...siglip(vision, false),
    ...projection('connector', merged, text.count('hidden_size', LIMITS.width), false),
  ];
}

/** Idefics 3: neighbours merged, one matrix. */
export const idefics3: TowerFamily = {
  modelType: 'idefics3',
  architecture: 'Idefics3ForConditionalGeneration',
  textModelType: 'llama',
  textDefaults: LLAMA_SIZES,
  towers: idefics3Towers,
};

/** SmolVLM and SmolVLM 2. */
export const smolVlm: TowerFamily = {
  modelType: 'smolvlm',
  architecture: 'SmolVLMForConditionalGeneration',
  textModelType: 'llama',
  textDefaults: LLAMA_SIZES,
  towers: idefics3Towers,
};

/** Idefics 2: a gated projection, then a resampler with latents and grouped queries. */
export const idefics2: TowerFamily = {
  modelType: 'idefics2',
  architecture: 'Idefics2ForConditionalGeneration',
  textModelType: 'mistral',
  towers(whole, text) {
    const vision = visionFields(whole, 'siglip_vision_model')?.vision;
    if (vision === undefined) return [];
    const { hiddenSize } = encoderSizes(vision);
    const outputs = text.count('hidden_size', LIMITS.width);
    const width = text.count('intermediate_size', LIMITS.width);
    const perceiver = whole.section('perceiver_config') ?? whole.withValues({});
    const headSize = perceiver.countOr('resampler_head_dim', 96, LIMITS.headSize);
    const inner = headSize * perceiver.countOr('resampler_n_heads', 16, LIMITS.heads);
    const keys = headSize * perceiver.countOr('num_key_value_heads', 4, LIMITS.heads);
    const resampler = new Array<undefined>(perceiver.countOr('resampler_depth', 3, 64)).fill(undefined);
    const module = 'connector';
    return [
      ...siglip(vision, false),
      ...projection(module, hiddenSize, 2 * width, false),
      ...projection(module, width, outputs, false),
      towerVector(module, outputs * perceiver.countOr('resampler_n_latents', 64, LIMITS.tokens)),
      ...resampler.flatMap(() => [
        ...projection(module, outputs, inner + 2 * keys, false),
        ...projection(module, inner, outputs, false),
        ...projection(module, outputs, 3 * 4 * outputs, false),
        towerVector(module, 3 * outputs),
      ]),
      towerVector(module, outputs),
    ];
  },
};
