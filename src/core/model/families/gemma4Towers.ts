import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { WeightGroup } from '../facts.ts';
import { linear, vector } from '../parts.ts';
import { encoderLayers, patchValues, projection, type TowerFamily, towerVector } from '../towers.ts';
import { encoderSizes } from './visionEncoders.ts';

/** Gemma 4, dense and with experts: towers for pictures and sound, each where its section is there. */
export const gemma4: TowerFamily = {
  modelType: 'gemma4',
  architecture: 'Gemma4ForConditionalGeneration',
  textModelType: 'gemma4_text',
  tiedEmbeddings: true,
  towers(whole, text) {
    const outputs = text.count('hidden_size', LIMITS.width);
    return [...visionTower(whole, outputs), ...audioTower(whole, outputs)];
  },
};

/** Four norms a layer, norms over each head's query and key, positions of rows and columns apart. */
function visionTower(whole: ConfigFields, outputs: number): WeightGroup[] {
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

/** A conformer: two feed-forward halves around attention with relative positions and a convolution. */
function audioTower(whole: ConfigFields, outputs: number): WeightGroup[] {
  const audio = whole.section('audio_config')?.withDefaults({
    hidden_size: 1024,
    num_hidden_layers: 12,
    num_attention_heads: 8,
    conv_kernel_size: 5,
    output_proj_dims: 1536,
  });
  if (audio === undefined) return [];
  const module = 'audio_tower';
  const hiddenSize = audio.count('hidden_size', LIMITS.width);
  const layers = audio.count('num_hidden_layers', LIMITS.layers);
  const heads = audio.count('num_attention_heads', LIMITS.heads);
  const [first = 128, second = 32] = audio.numbers('subsampling_conv_channels');
  const projected = audio.count('output_proj_dims', LIMITS.width);
  const matrix = (inputs: number, out: number, bias = false) =>
    projection(module, inputs, out, bias, 'audio');
  return [
    ...matrix((second * MEL_BINS) / 4, hiddenSize),
    // Kernels of 3 x 3, and a norm after each.
    vector('audio', module, 9 * first + first + 9 * first * second + second),
    ...linear('audio', module, {
      inputs: hiddenSize,
      // Two halves of 4 up and 4 down, query, key, value, output and relative key, the convolution's 2 in and 1 out.
      outputs: hiddenSize * (2 * 8 + 5 + 3),
      copies: layers,
    }),
    vector(
      'audio',
      module,
      layers *
        (hiddenSize * (4 + 3 + 2 + audio.count('conv_kernel_size', LIMITS.width)) +
          Math.floor(hiddenSize / heads)),
    ),
    ...matrix(hiddenSize, projected, true),
    ...projection('embed_audio', projected, outputs, false, 'audio'),
  ];
}
