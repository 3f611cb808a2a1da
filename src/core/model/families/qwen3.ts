import { commonSizes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { denseDecoder } from '../denseDecoder.ts';
import type { ModelFamily } from '../family.ts';
import { qwenWindows } from './qwen2.ts';

/** Qwen3, dense: an explicit head size, and a norm over each head's query and key. */
export const qwen3: ModelFamily = {
  modelType: 'qwen3',
  architecture: 'Qwen3ForCausalLM',
  shape(fields) {
    const { layerCount, ...sizes } = commonSizes(fields, { keyValueHeads: 32, headSize: 128 });
    const attentionBias = fields.switch('attention_bias', false);
    return denseDecoder({
      ...sizes,
      gatedMlp: true,
      windows: qwenWindows(fields, layerCount),
      biases: { queryKeyValue: attentionBias, output: attentionBias, mlp: false },
      headNorms: true,
      normBias: false,
      positionRows: 0,
      tiedEmbeddings: fields.switch('tie_word_embeddings', false),
    });
  },
  maxPositionEmbeddings: (fields) => fields.countOr('max_position_embeddings', 32_768, LIMITS.tokens),
};
