import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { WeightGroup } from '../facts.ts';
import { linear, vector } from '../parts.ts';
import { encoderLayers, patchValues, projection, type TowerFamily, towerVector } from '../towers.ts';
import { encoderSizes, siglip, visionFields } from './visionEncoders.ts';

const PROJECTOR = 'multi_modal_projector';

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

/** Gemma 4, dense and with experts: towers for pictures and sound, each where its section is there. */
export const gemma4: TowerFamily = {
  modelType: 'gemma4',
  architecture: 'Gemma4ForConditionalGeneration',
  textModelType: 'gemma4_text',
  tiedEmbeddings: true,
  towers(whole, text) {
    const outputs = text.count('hidden_size', LIMITS.width);
    return [...gemma4Vision(whole, outputs), ...gemma4Audio(whole, outputs)];
  },
};

/** Four norms a layer, norms over each head's query and key, positions of rows and columns apart. */
function gemma4Vision(whole: ConfigFields, outputs: number): WeightGroup[] {
  const vision = whole.section('vision_config')?.withDefaults({
    hidden_size: 768,
    intermediate_size: 3072,
    num_hidden_layers: 16,
    num_attention_heads: 12,
    num_key_value_heads: 12,
    head_dim: 64,
    patch_size: 16,
    position_embedding_size: 10_240,
  });
  if (vision === undefined) return [];
  const module = 'vision_tower';
  const sizes = encoderSizes(vision);
  const { hiddenSize } = sizes;
  const headSize = vision.count('head_dim', LIMITS.headSize);
  const bias = vision.switch('attention_bias', false);
  return [
    ...projection(module, patchValues(vision), hiddenSize, false),
    towerVector(module, 2 * vision.count('position_embedding_size', LIMITS.tokens) * hiddenSize),
    ...encoderLayers(module, sizes, {
      gatedMlp: true,
      mlpBias: false,
      queryKeyValueBias: bias,
      outputBias: bias,
      attentionWidth: headSize * vision.count('num_attention_heads', LIMITS.heads),
      keyValueWidth: headSize * vision.count('num_key_value_heads', LIMITS.heads),
      normBias: false,
      others: 2 * hiddenSize + 2 * headSize,
    }),
    ...projection('embed_vision', hiddenSize, outputs, false),
  ];
}

/** Mel bins of the spectrogram; two convolutions halve them each. */
const MEL_BINS = 128;
const AUDIO = 'audio_tower';

/** A conformer: two feed-forward halves around attention with relative positions and a convolution. */
function conformer(sizes: {
  readonly hiddenSize: number;
  readonly layers: number;
  readonly heads: number;
  readonly kernel: number;
  /** Of the two convolutions before the layers. */
  readonly channels: readonly [number, number];
}): WeightGroup[] {
  const { hiddenSize, layers, heads, kernel } = sizes;
  const [first, second] = sizes.channels;
  return [
    ...projection(AUDIO, (second * MEL_BINS) / 4, hiddenSize, false, 'audio'),
    // Kernels of 3 x 3, and a norm after each.
    vector('audio', AUDIO, 9 * first + first + 9 * first * second + second),
    ...linear('audio', AUDIO, {
      inputs: hiddenSize,
      // Two halves of 4 up and 4 down, query, key, value, output and relative key, the convolution's 2 in and 1 out.
      outputs: hiddenSize * (2 * 8 + 5 + 3),
      copies: layers,
    }),
    // Nine norms, the convolution's kernel, a scale for each element of a head.
    vector('audio', AUDIO, layers * (hiddenSize * (9 + kernel) + Math.floor(hiddenSize / heads))),
  ];
}

function channels(audio: ConfigFields, name: string): readonly [number, number] {
  const [first = 128, second = 32] = audio.numbers(name);
  return [first, second];
}

function gemma4Audio(whole: ConfigFields, outputs: number): WeightGroup[] {
  const audio = whole.section('audio_config');
  if (audio === undefined) return [];
  const hiddenSize = audio.countOr('hidden_size', 1024, LIMITS.width);
  const projected = audio.countOr('output_proj_dims', 1536, LIMITS.width);
  return [
    ...conformer({
      hiddenSize,
      layers: audio.countOr('num_hidden_layers', 12, LIMITS.layers),
      heads: audio.countOr('num_attention_heads', 8, LIMITS.heads),
      kernel: audio.countOr('conv_kernel_size', 5, LIMITS.width),
      channels: channels(audio, 'subsampling_conv_channels'),
    }),
    ...projection(AUDIO, hiddenSize, projected, true, 'audio'),
    ...projection('embed_audio', projected, outputs, false, 'audio'),
  ];
}

/** Parameters of MobileNet-V5 300M, the only tower of pictures that Gemma 3n has; its layers are not in config.json. */
const MOBILE_NET_V5 = 294_126_912;

/** Gemma 3n: a convolutional tower for pictures, a conformer for sound, each with a small vocabulary of its own. */
export const gemma3n: TowerFamily = {
  modelType: 'gemma3n',
  architecture: 'Gemma3nForConditionalGeneration',
  textModelType: 'gemma3n_text',
  tiedEmbeddings: true,
  towers(whole, text) {
    const outputs = text.count('hidden_size', LIMITS.width);
    return [...gemma3nVision(whole, outputs), ...gemma3nAudio(whole, outputs)];
  },
};

function gemma3nVision(whole: ConfigFields, outputs: number): WeightGroup[] {
  const vision = whole.section('vision_config');
  if (vision === undefined) return [];
  const hiddenSize = vision.countOr('hidden_size', 2048, LIMITS.width);
  return [
    towerVector('vision_tower', MOBILE_NET_V5),
    towerVector('embed_vision', (vision.countOr('vocab_size', 128, LIMITS.vocabulary) + 2) * hiddenSize),
    ...projection('embed_vision', hiddenSize, outputs, false),
  ];
}

function gemma3nAudio(whole: ConfigFields, outputs: number): WeightGroup[] {
  const audio = whole.section('audio_config');
  if (audio === undefined) return [];
  const hiddenSize = audio.countOr('hidden_size', 1536, LIMITS.width);
  const vocabulary = audio.countOr('vocab_size', 128, LIMITS.vocabulary);
  return [
    ...conformer({
      hiddenSize,
      layers: audio.countOr('conf_num_hidden_layers', 12, LIMITS.layers),
      heads: audio.countOr('conf_num_attention_heads', 8, LIMITS.heads),
      kernel: audio.countOr('conf_conv_kernel_size', 5, LIMITS.width),
      channels: channels(audio, 'sscp_conv_channel_size'),
    }),
    vector('audio', 'embed_audio', (vocabulary + 2) * hiddenSize),
    ...projection('embed_audio', hiddenSize, outputs, false, 'audio'),
  ];
}
