import { commonSizes, fullAttention, windowsByLayerTypes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { denseDecoder } from '../denseDecoder.ts';
import type { ModelFamily } from '../family.ts';

/** Qwen2 and Qwen2.5: query, key and value always have a bias, the output projection never. */
export const qwen2: ModelFamily = {
  modelType: 'qwen2',
  architecture: 'Qwen2ForCausalLM',
  shape(fields) {
    const { layerCount, ...sizes } = commonSizes(fields);
    return denseDecoder({
      ...sizes,
      gatedMlp: true,
      windows: qwenWindows(fields, layerCount),
      biases: { queryKeyValue: true, output: false, mlp: false },
      headNorms: false,
      normBias: false,
      positionRows: 0,
      tiedEmbeddings: fields.switch('tie_word_embeddings', false),
    });
  },
  maxPositionEmbeddings: (fields) => fields.countOr('max_position_embeddings', 32_768, LIMITS.tokens),
};

/**
 * A window only where `use_sliding_window` says so: released files carry `sliding_window` with the switch off.
 * Layers from `max_window_layers` on slide, those before it are full.
 */
export function qwenWindows(fields: ConfigFields, layerCount: number): (number | null)[] {
  if (!fields.switch('use_sliding_window', false)) return fullAttention(layerCount);
  const windowTokens = fields.countOr('sliding_window', 4096, LIMITS.tokens);
  const listed = windowsByLayerTypes(fields, layerCount, windowTokens);
  if (listed !== undefined) return listed;
  // 0 is a value here: every layer slides.
  const firstSliding =
    fields.value('max_window_layers') === 0 ? 0 : fields.countOr('max_window_layers', 28, LIMITS.layers);
  return fullAttention(layerCount).map((_, layer) => (layer >= firstSliding ? windowTokens : null));
}
