import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { WeightGroup } from '../facts.ts';
import { vector } from '../parts.ts';
import { projection, type TowerFamily } from '../towers.ts';
import { whisperEncoder, whisperLayers, whisperWidth } from './audio.ts';
import { qwen3Vision, qwen25Vision } from './qwenVision.ts';

const AUDIO = 'audio_tower';

/** The thinker's fields: of the whole file where there is a talker too. The engine loads the thinker alone. */
function thinker(whole: ConfigFields): ConfigFields {
  return whole.section('thinker_config') ?? whole;
}

/** Qwen2.5-Omni: Whisper's encoder with computed positions, Qwen2.5-VL's tower. */
export const qwen25Omni: TowerFamily = {
  modelType: 'qwen2_5_omni',
  aliases: ['qwen2_5_omni_thinker'],
  architecture: 'Qwen2_5OmniThinkerForConditionalGeneration',
  otherArchitectures: ['Qwen2_5OmniModel', 'Qwen2_5OmniForConditionalGeneration'],
  textModelType: 'qwen2',
  towers(whole) {
    const fields = thinker(whole);
    const audio = fields.section('audio_config');
    if (audio === undefined) return qwen25Vision(fields);
    const outputs = audio.countOr('output_dim', 3584, LIMITS.width);
    return [
      ...qwen25Vision(fields),
      ...whisperEncoder(audio, false),
      // Where sound begins and ends.
      vector('audio', AUDIO, 2 * outputs),
      ...projection(AUDIO, whisperWidth(audio), outputs, true, 'audio'),
    ];
  },
};

/** Qwen3-Omni: convolutions over time and pitch before Whisper's layers, Qwen3-VL's tower. */
export const qwen3Omni: TowerFamily = {
  modelType: 'qwen3_omni_moe',
  aliases: ['qwen3_omni_moe_thinker'],
  architecture: 'Qwen3OmniMoeThinkerForConditionalGeneration',
  otherArchitectures: ['Qwen3OmniMoeForConditionalGeneration'],
  textModelType: 'qwen3_moe',
  towers(whole) {
    const fields = thinker(whole);
    const audio = fields.section('audio_config');
    return [...qwen3Vision(fields), ...(audio === undefined ? [] : qwen3Audio(audio))];
  },
};

function qwen3Audio(audio: ConfigFields): WeightGroup[] {
  const hiddenSize = whisperWidth(audio);
  const channels = audio.countOr('downsample_hidden_size', 480, LIMITS.width);
  // Three strides of two.
  const pitches = Math.ceil(audio.countOr('num_mel_bins', 128, LIMITS.width) / 8);
  const outputs = audio.countOr('output_dim', 3584, LIMITS.width);
  return [
    ...projection(AUDIO, 9, channels, true, 'audio'),
    ...projection(AUDIO, 9 * channels, channels, true, 'audio'),
    ...projection(AUDIO, 9 * channels, channels, true, 'audio'),
    ...projection(AUDIO, channels * pitches, hiddenSize, false, 'audio'),
    ...whisperLayers(audio, true),
    ...projection(AUDIO, hiddenSize, hiddenSize, true, 'audio'),
    ...projection(AUDIO, hiddenSize, outputs, true, 'audio'),
  ];
}
