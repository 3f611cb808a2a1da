import { commonSizes, everyLayer, slidingWindow, windowsByLayer } from '../commonFields.ts';
import type { ConfigFields } from '../configFields.ts';
import { type DecoderParts, decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';

/**
 * The layout of Llama: gated MLP, RMS norms, rotary positions, biases by `attention_bias` and `mlp_bias`. A window holds for every
 * layer unless `layer_types` tells them apart.
 */
export function llamaShape(fields: ConfigFields, parts: DecoderParts = {}) {
  const sizes = commonSizes(fields);
  const windowTokens = slidingWindow(fields);
  const attentionBias = fields.switch('attention_bias', false);
  return decoder(fields, sizes, {
    windows:
      windowTokens === null
        ? everyLayer(sizes.layerCount, null)
        : windowsByLayer(fields, sizes.layerCount, windowTokens, () => true),
    mlp: { bias: fields.switch('mlp_bias', false) },
    ...parts,
    attention: { queryKeyValueBias: attentionBias, outputBias: attentionBias, ...parts.attention },
  });
}

/** Llama 1 to 3.3 and the many that copy its layout (Yi, SmolLM2, TinyLlama, CodeLlama). */
export const llama: ModelFamily = {
  modelType: 'llama',
  aliases: ['code_llama', 'Yi', 'aquila', 'solar', 'xverse', 'nanbeige', 'telechat3', 'iquestcoder'],
  architecture: 'LlamaForCausalLM',
  otherArchitectures: [
    'LLaMAForCausalLM',
    'AquilaForCausalLM',
    'YiForCausalLM',
    'SolarForCausalLM',
    'XverseForCausalLM',
    'NanbeigeForCausalLM',
    'IQuestCoderForCausalLM',
  ],
  defaults: { max_position_embeddings: 2048 },
  shape: (fields) => llamaShape(fields),
};

/** Mistral 7B to Small and Large, dense. The class takes a 4,096-token window where the key is absent. */
export const mistral: ModelFamily = {
  modelType: 'mistral',
  architecture: 'MistralForCausalLM',
  defaults: { num_key_value_heads: 8, max_position_embeddings: 131_072, sliding_window: 4096 },
  shape: (fields) => llamaShape(fields, withoutBiases),
};

/** Ministral 8B: windows by `layer_types`, or in every layer. */
export const ministral: ModelFamily = {
  modelType: 'ministral',
  architecture: 'MinistralForCausalLM',
  defaults: { num_key_value_heads: 8, max_position_embeddings: 131_072, sliding_window: 4096 },
  shape: (fields) => llamaShape(fields, withoutBiases),
};

/** Ministral 3: an explicit head size. */
export const ministral3: ModelFamily = {
  modelType: 'ministral3',
  architecture: 'Ministral3ForCausalLM',
  defaults: { num_key_value_heads: 8, head_dim: 128, max_position_embeddings: 262_144 },
  shape: (fields) => llamaShape(fields, withoutBiases),
};

const withoutBiases: DecoderParts = {
  attention: { queryKeyValueBias: false, outputBias: false },
  mlp: { bias: false },
};

/** Granite 3, dense: Llama with scaling constants. */
export const granite: ModelFamily = {
  modelType: 'granite',
  architecture: 'GraniteForCausalLM',
  defaults: { max_position_embeddings: 2048 },
  shape: (fields) => llamaShape(fields),
};

/** Granite with windows in three of four layers and attention sinks. */
export const graniteSlidingWindow: ModelFamily = {
  modelType: 'granite_swa',
  architecture: 'GraniteSWAForCausalLM',
  defaults: {
    num_key_value_heads: 4,
    max_position_embeddings: 8192,
    sliding_window: 128,
    tie_word_embeddings: true,
  },
  shape(fields) {
    const { layerCount } = commonSizes(fields);
    return llamaShape(fields, {
      windows: windowsByLayer(fields, layerCount, slidingWindow(fields), (layer) => layer % 4 !== 0),
      attention: { sinks: true },
    });
  },
};

/** SmolLM3: every fourth layer without rotation, which weighs the same. */
export const smollm3: ModelFamily = {
  modelType: 'smollm3',
  architecture: 'SmolLM3ForCausalLM',
  defaults: { num_key_value_heads: 4, max_position_embeddings: 32_768, tie_word_embeddings: true },
  shape(fields) {
    const { layerCount } = commonSizes(fields);
    const slides = fields.switch('use_sliding_window', false);
    const rotates = fields.perLayer('no_rope_layers', layerCount);
    const windowTokens = slides ? slidingWindow(fields) : null;
    return llamaShape(fields, {
      windows: windowsByLayer(fields, layerCount, windowTokens, (layer) =>
        rotates === undefined ? (layer + 1) % 4 === 0 : rotates[layer] === 0,
      ),
    });
  },
};

/** Seed-OSS: biases of query, key and value; the output's has a switch of its own. */
export const seedOss: ModelFamily = {
  modelType: 'seed_oss',
  architecture: 'SeedOssForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    head_dim: 128,
    attention_bias: true,
    max_position_embeddings: 524_288,
  },
  shape: (fields) =>
    llamaShape(fields, { attention: { outputBias: fields.switch('attention_out_bias', false) } }),
};

/** ERNIE 4.5, dense: one switch for all biases. */
export const ernie45: ModelFamily = {
  modelType: 'ernie4_5',
  architecture: 'Ernie4_5ForCausalLM',
  otherArchitectures: ['Ernie4_5_ForCausalLM'],
  defaults: {
    num_key_value_heads: 2,
    head_dim: 128,
    max_position_embeddings: 131_072,
    tie_word_embeddings: true,
  },
  shape(fields) {
    const bias = fields.switch('use_bias', false);
    return llamaShape(fields, {
      attention: { queryKeyValueBias: bias, outputBias: bias },
      mlp: { bias },
    });
  },
};

/** Code World Model: full attention in every fourth layer, from the first on. */
export const cwm: ModelFamily = {
  modelType: 'cwm',
  architecture: 'CwmForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 131_072,
    sliding_window: 8192,
  },
  shape(fields) {
    const { layerCount } = commonSizes(fields);
    return llamaShape(fields, {
      windows: windowsByLayer(fields, layerCount, slidingWindow(fields), (layer) => layer % 4 !== 0),
      attention: { queryKeyValueBias: false, outputBias: false },
    });
  },
};

/** Helium: no bias of the output. */
export const helium: ModelFamily = {
  modelType: 'helium',
  architecture: 'HeliumForCausalLM',
  defaults: { num_key_value_heads: 20, head_dim: 128, max_position_embeddings: 4096 },
  shape: (fields) => llamaShape(fields, { attention: { outputBias: false } }),
};

/** MiniCPM 1 and 2: Llama with scaling constants and a tied head. */
export const minicpm: ModelFamily = {
  modelType: 'minicpm',
  architecture: 'MiniCPMForCausalLM',
  defaults: { max_position_embeddings: 2048, tie_word_embeddings: true },
  shape: (fields) => llamaShape(fields, withoutBiases),
};
