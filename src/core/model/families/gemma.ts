import {
  butEach,
  commonSizes,
  everyLayer,
  slidingWindow,
  type Windows,
  windowsByLayer,
} from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { FIELD_NAMES } from '../fieldNames.ts';

/** What released files of the text part leave out: they hold only what differs from the class. */
const textDefaults = {
  num_attention_heads: 8,
  num_key_value_heads: 4,
  head_dim: 256,
  tie_word_embeddings: true,
};

interface GemmaOptions {
  readonly windows?: (fields: ConfigFields, layerCount: number) => Windows;
  /** Two before and two after the parts, or one before each. */
  readonly layerNorms: number;
  readonly headNorms?: boolean;
}

function gemmaShape(fields: ConfigFields, options: GemmaOptions) {
  const sizes = commonSizes(fields);
  const bias = fields.switch('attention_bias', false);
  return decoder(fields, sizes, {
    windows: options.windows?.(fields, sizes.layerCount) ?? everyLayer(sizes.layerCount, null),
    attention: {
      queryKeyValueBias: bias,
      outputBias: bias,
      ...(options.headNorms ? { queryKeyNorms: 'head' } : {}),
    },
    layerNorms: options.layerNorms,
  });
}

/** Gemma 1: a tied head, an explicit head size. */
export const gemma: ModelFamily = {
  modelType: 'gemma',
  architecture: 'GemmaForCausalLM',
  defaults: {
    num_key_value_heads: 16,
    head_dim: 256,
    max_position_embeddings: 8192,
    tie_word_embeddings: true,
  },
  shape: (fields) => gemmaShape(fields, { layerNorms: 2 }),
};

/** Gemma 2: every other layer slides, the first does; four norms a layer. */
export const gemma2: ModelFamily = {
  modelType: 'gemma2',
  architecture: 'Gemma2ForCausalLM',
  defaults: { ...textDefaults, max_position_embeddings: 8192, sliding_window: 4096 },
  shape: (fields) => gemmaShape(fields, { layerNorms: 4, windows: alternating }),
};

/** VaultGemma: Gemma 2's windows, two norms a layer. */
export const vaultGemma: ModelFamily = {
  modelType: 'vaultgemma',
  architecture: 'VaultGemmaForCausalLM',
  defaults: { ...textDefaults, max_position_embeddings: 8192, sliding_window: 4096 },
  shape: (fields) => gemmaShape(fields, { layerNorms: 2, windows: alternating }),
};

/** Gemma 3, the text model: five layers slide, one does not; a norm over each head's query and key. */
export const gemma3Text: ModelFamily = {
  modelType: 'gemma3_text',
  architecture: 'Gemma3ForCausalLM',
  defaults: {
    ...textDefaults,
    vocab_size: 262_208,
    max_position_embeddings: 131_072,
    sliding_window: 4096,
    sliding_window_pattern: 6,
  },
  shape: (fields) => gemma3TextShape(fields),
};

export function gemma3TextShape(fields: ConfigFields) {
  return gemmaShape(fields, { layerNorms: 4, windows: byPattern, headNorms: true });
}

function alternating(fields: ConfigFields, layerCount: number): Windows {
  return windowsByLayer(fields, layerCount, slidingWindow(fields), butEach(2));
}

/** Windows in all but each `sliding_window_pattern`th layer. */
function byPattern(fields: ConfigFields, layerCount: number): Windows {
  const pattern = fields.wholeOr(FIELD_NAMES.slidingWindowPattern, 6, LIMITS.layers);
  return windowsByLayer(fields, layerCount, slidingWindow(fields), butEach(pattern));
}
