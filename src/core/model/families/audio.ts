import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { WeightGroup } from '../facts.ts';
import { vector } from '../parts.ts';
import { encoderLayers, projection, type TowerFamily } from '../towers.ts';

const MODULE = 'audio_tower';

/** Whisper's encoder: two convolutions over time, learned positions unless they are computed, a norm after the layers. */
export function whisperEncoder(audio: ConfigFields, learnedPositions = true): WeightGroup[] {
  const hiddenSize = whisperWidth(audio);
  const mels = audio.countOr('num_mel_bins', 128, LIMITS.width);
  const positions = learnedPositions ? audio.countOr('max_source_positions', 1500, LIMITS.tokens) : 0;
  return [
    ...projection(MODULE, 3 * mels, hiddenSize, true, 'audio'),
    ...projection(MODULE, 3 * hiddenSize, hiddenSize, true, 'audio'),
    ...whisperLayers(audio, false),
    vector('audio', MODULE, hiddenSize * positions),
  ];
}

/** Its layers, and the norm after them. Whisper's keys have no bias. */
export function whisperLayers(audio: ConfigFields, keyBias: boolean): WeightGroup[] {
  const hiddenSize = whisperWidth(audio);
  const layers = audio.countOr(['num_hidden_layers', 'encoder_layers'], 32, LIMITS.layers);
  const width = audio.countOr(['intermediate_size', 'encoder_ffn_dim'], 5120, LIMITS.width);
  return [
    ...encoderLayers(
      MODULE,
      { layers, hiddenSize, width },
      { kind: 'audio', queryKeyValueBias: false, others: (keyBias ? 3 : 2) * hiddenSize },
    ),
    vector('audio', MODULE, 2 * hiddenSize),
  ];
}

export function whisperWidth(audio: ConfigFields): number {
  return audio.countOr(['hidden_size', 'd_model'], 1280, LIMITS.width);
}

/** Qwen2-Audio. */
export const qwen2Audio: TowerFamily = {
  modelType: 'qwen2_audio',
  architecture: 'Qwen2AudioForConditionalGeneration',
  textModelType: 'qwen2',
  textDefaults: {
    hidden_size: 4096,
    intermediate_size: 22_016,
    num_hidden_layers: 32,
    num_attention_heads: 32,
    vocab_size: 151_936,
  },
  towers(whole, text) {
    const audio = whole.section('audio_config');
    if (audio === undefined) return [];
    const outputs = text.count('hidden_size', LIMITS.width);
    return [
      ...whisperEncoder(audio),
      ...projection('multi_modal_projector', whisperWidth(audio), outputs, true, 'audio'),
    ];
  },
};

/** Voxtral: four frames of the encoder make one token. */
export const voxtral: TowerFamily = {
  modelType: 'voxtral',
  architecture: 'VoxtralForConditionalGeneration',
  textModelType: 'llama',
  towers(whole, text) {
    const audio = whole.section('audio_config');
    if (audio === undefined) return [];
    const outputs = text.count('hidden_size', LIMITS.width);
    const inputs = audio.countOr(['intermediate_size', 'encoder_ffn_dim'], 5120, LIMITS.width);
    return [
      ...whisperEncoder(audio),
      ...projection('multi_modal_projector', inputs, outputs, false, 'audio'),
      ...projection('multi_modal_projector', outputs, outputs, false, 'audio'),
    ];
  },
};
