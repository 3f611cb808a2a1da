import { butEach, commonSizes, slidingWindow, type Windows, windowsByLayer } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { FIELD_NAMES } from '../fieldNames.ts';
import { expertCounts, expertLayers, sparseAfterDense } from '../moe.ts';
import { denseMlp, routedExperts } from '../parts.ts';
import { llamaShape } from './llama.ts';

/** Command R: one norm a layer, a tied head; R+ has a norm over the queries and keys of all heads. */
export const cohere: ModelFamily = {
  modelType: 'cohere',
  architecture: 'CohereForCausalLM',
  defaults: { max_position_embeddings: 8192, tie_word_embeddings: true },
  shape: (fields) =>
    llamaShape(fields, {
      attention: fields.switch('use_qk_norm', false) ? { queryKeyNorms: 'all-heads' } : {},
      mlp: {},
      layerNorms: 1,
    }),
  maxPositionEmbeddings: (fields) =>
    fields.countOr(['model_max_length', 'max_position_embeddings'], 8192, LIMITS.tokens),
};

/** Command R7B and A: three of four layers slide. */
export const cohere2: ModelFamily = {
  modelType: 'cohere2',
  architecture: 'Cohere2ForCausalLM',
  defaults: { max_position_embeddings: 8192, tie_word_embeddings: true, sliding_window: 4096 },
  shape(fields) {
    const { layerCount } = commonSizes(fields);
    return llamaShape(fields, {
      windows: windowsByLayer(fields, layerCount, cohereWindow(fields), butEach(pattern(fields))),
      mlp: {},
      layerNorms: 1,
    });
  },
};

/** Command A with experts, as wide as `intermediate_size`; the first layers may be dense. */
export const cohere2Moe: ModelFamily = {
  modelType: 'cohere2_moe',
  architecture: 'Cohere2MoeForCausalLM',
  defaults: {
    head_dim: 128,
    max_position_embeddings: 8192,
    tie_word_embeddings: true,
    sliding_window: 4096,
    num_experts: 8,
    num_experts_per_tok: 2,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount, intermediateSize } = sizes;
    const bias = fields.switch('attention_bias', false);
    const experts = () =>
      routedExperts(hiddenSize, {
        ...expertCounts(fields),
        width: intermediateSize,
        sharedWidth: intermediateSize * fields.wholeOr('num_shared_experts', 0, LIMITS.experts),
      });
    const dense = () =>
      denseMlp(hiddenSize, {
        width: fields.count('prefix_dense_intermediate_size', LIMITS.width),
        gated: true,
      });
    return decoder(fields, sizes, {
      windows: prefixedWindows(fields, layerCount),
      attention: { queryKeyValueBias: bias, outputBias: bias },
      feedForwards: expertLayers(layerCount, sparseAfterDense(fields, layerCount), experts, dense),
      layerNorms: 1,
    });
  },
};

/** The dense layers in front have a pattern of their own, and the count starts anew after them. */
function prefixedWindows(fields: ConfigFields, layerCount: number): Windows {
  const first = fields.wholeOr('first_k_dense_replace', 0, LIMITS.layers);
  const ofPrefix = butEach(fields.wholeOr('prefix_dense_sliding_window_pattern', 1, LIMITS.layers));
  const ofRest = butEach(pattern(fields));
  return windowsByLayer(fields, layerCount, cohereWindow(fields), (layer) =>
    layer < first ? ofPrefix(layer) : ofRest(layer - first),
  );
}

function pattern(fields: ConfigFields): number {
  return fields.wholeOr(FIELD_NAMES.slidingWindowPattern, 4, LIMITS.layers);
}

/** A token sees itself and the window before it: one more than the file says (vLLM 0.33, models/commandr.py). */
function cohereWindow(fields: ConfigFields): number | null {
  const tokens = slidingWindow(fields);
  return tokens === null ? null : tokens + 1;
}
