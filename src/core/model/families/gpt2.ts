import { fullAttention } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { denseDecoder } from '../denseDecoder.ts';
import type { ModelFamily } from '../family.ts';

/** GPT-2: learned positions, biases everywhere, a tied head, no grouped queries. */
export const gpt2: ModelFamily = {
  modelType: 'gpt2',
  architecture: 'GPT2LMHeadModel',
  shape(fields) {
    const hiddenSize = fields.count(['n_embd', 'hidden_size'], LIMITS.width);
    const heads = fields.count(['n_head', 'num_attention_heads'], LIMITS.heads);
    const layerCount = fields.count(['n_layer', 'num_hidden_layers'], LIMITS.layers);
    if (hiddenSize % heads !== 0) fields.reject('n_head', `a divisor of n_embd (${hiddenSize})`);
    return denseDecoder({
      hiddenSize,
      intermediateSize: fields.countOr('n_inner', 4 * hiddenSize, LIMITS.width),
      gatedMlp: false,
      queryHeads: heads,
      keyValueHeads: heads,
      headSize: Math.max(1, Math.floor(hiddenSize / heads)),
      vocabularySize: fields.count('vocab_size', LIMITS.vocabulary),
      windows: fullAttention(layerCount),
      biases: { queryKeyValue: true, output: true, mlp: true },
      headNorms: false,
      normBias: true,
      positionRows: this.maxPositionEmbeddings(fields),
      tiedEmbeddings: fields.switch('tie_word_embeddings', true),
    });
  },
  maxPositionEmbeddings: (fields) =>
    fields.countOr(['n_positions', 'max_position_embeddings'], 1024, LIMITS.tokens),
};
