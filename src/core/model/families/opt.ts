import { commonSizes } from '../commonFields.ts';
import { LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { OuterWeightGroup } from '../facts.ts';
import type { ModelFamily } from '../family.ts';
import { linear } from '../parts.ts';

/** Rows of OPT's position table before the first position. */
const POSITION_OFFSET = 2;

/**
 * OPT: learned positions, biases by `enable_bias`, a tied head. The 350M model's embedding is narrower than its layers and has a
 * projection in and one out.
 */
export const opt: ModelFamily = {
  modelType: 'opt',
  architecture: 'OPTForCausalLM',
  defaults: { max_position_embeddings: 2048, tie_word_embeddings: true },
  shape(fields) {
    const sizes = commonSizes(fields.withValues({ num_key_value_heads: null }));
    const { hiddenSize, vocabularySize } = sizes;
    const width = fields.countOr('word_embed_proj_dim', hiddenSize, LIMITS.width);
    const bias = fields.switch('enable_bias', true);
    const norms = fields.switch('layer_norm_elementwise_affine', true);
    const hasFinalNorm =
      norms &&
      fields.switch('do_layer_norm_before', true) &&
      !fields.switch('_remove_final_layer_norm', false);
    const shape = decoder(fields, sizes, {
      attention: { queryKeyValueBias: bias, outputBias: bias },
      mlp: { gated: false, bias },
      layerNorms: norms ? 2 : 0,
      normBias: true,
      finalNorm: hasFinalNorm ? 2 * hiddenSize : 0,
      positionRows: fields.count('max_position_embeddings', LIMITS.tokens) + POSITION_OFFSET,
    });
    if (width === hiddenSize) return shape;
    const projection = (stage: OuterWeightGroup['stage'], module: string) =>
      linear('other', module, { inputs: width, outputs: hiddenSize, sharding: 'replicated' }).map(
        (group) => ({ ...group, stage }),
      );
    return {
      ...shape,
      outerWeights: [
        ...shape.outerWeights.map((group) =>
          group.sharding === 'vocabulary'
            ? { ...group, count: vocabularySize * width, sharding: 'split' as const }
            : group,
        ),
        ...projection('first', 'project_in'),
        ...projection('last', 'project_out'),
      ],
    };
  },
};
