import { commonSizes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';

/**
 * Falcon's three layouts: 7B (one key and value head, one norm a layer), 40B and 180B (`new_decoder_architecture`: grouped queries,
 * two norms), RW (ALiBi, as many heads, biases, attention and MLP one after the other).
 */
export const falcon: ModelFamily = {
  modelType: 'falcon',
  aliases: ['RefinedWeb', 'RefinedWebModel'],
  architecture: 'FalconForCausalLM',
  otherArchitectures: ['RWForCausalLM'],
  defaults: { tie_word_embeddings: true },
  shape(fields) {
    const bias = fields.switch('bias', false);
    const grouped = fields.switch('new_decoder_architecture', false);
    const multiQuery = fields.switch('multi_query', true) && !grouped;
    const read = commonSizes(multiQuery ? fields.withValues({ num_key_value_heads: 1 }) : fields, {
      intermediateSize: false,
    });
    const sizes = { ...read, intermediateSize: read.intermediateSize || 4 * read.hiddenSize };
    const parallel = fields.switch('parallel_attn', true);
    const parallelNorms = fields.countOr('num_ln_in_parallel_attn', grouped ? 2 : 1, 2);
    return decoder(fields, sizes, {
      attention: { queryKeyValueBias: bias, outputBias: bias },
      mlp: { gated: false, bias },
      layerNorms: parallel ? parallelNorms : 2,
      normBias: true,
      ...(fields.switch('alibi', false) ? { rotarySize: 0 } : {}),
    });
  },
  maxPositionEmbeddings: (fields) => fields.countOr('max_position_embeddings', 2048, LIMITS.tokens),
};
