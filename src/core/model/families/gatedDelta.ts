import { commonSizes, rotaryWidth } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { ModelFamily, ModelShape } from '../family.ts';
import { attendingLayers, hybridModel, stateDataType } from '../hybrid.ts';
import { expertCounts, sparseByStep } from '../moe.ts';
import {
  denseMlp,
  type FeedForwardPart,
  headAttention,
  layer,
  type Mixer,
  norms,
  routedExperts,
} from '../parts.ts';
import { gatedDeltaNet } from '../stateParts.ts';

/** Gated delta nets by the names that Qwen3-Next introduced. */
function gatedDelta(fields: ConfigFields, hiddenSize: number): Mixer {
  return gatedDeltaNet(hiddenSize, {
    kind: 'gated-delta',
    keyHeads: fields.count('linear_num_key_heads', LIMITS.heads),
    valueHeads: fields.count('linear_num_value_heads', LIMITS.heads),
    keyHeadSize: fields.count('linear_key_head_dim', LIMITS.headSize),
    valueHeadSize: fields.count('linear_value_head_dim', LIMITS.headSize),
    convKernel: fields.countOr('linear_conv_kernel_dim', 4, LIMITS.headSize),
    ...stateDataType(fields),
  });
}

/** A gated delta net in three of four layers, gated attention in the fourth. `feedForward` by whether the layer routes. */
function qwenHybrid(
  fields: ConfigFields,
  routes: (layer: number) => boolean,
  feedForward: (routed: boolean) => FeedForwardPart,
): ModelShape {
  const sizes = commonSizes(fields, { intermediateSize: false });
  const { hiddenSize, layerCount, queryHeads, keyValueHeads, headSize } = sizes;
  const interval = fields.countOr('full_attention_interval', 4, LIMITS.layers);
  const attends = attendingLayers(fields, layerCount, (index) => (index + 1) % interval === 0);
  const bias = fields.switch('attention_bias', false);
  const attention = () =>
    headAttention(
      hiddenSize,
      { kind: 'full', queryHeads, keyValueHeads, headSize },
      {
        queryKeyValueBias: bias,
        outputBias: bias,
        queryKeyNorms: 'head',
        outputGate: queryHeads * headSize,
      },
    );
  return hybridModel(fields, {
    ...sizes,
    kinds: attends.map(
      (attention, index) => `${attention ? 'attention' : 'delta'} ${routes(index) ? 'experts' : 'mlp'}`,
    ),
    make: (kind) =>
      layer(
        [kind.startsWith('attention') ? attention() : gatedDelta(fields, hiddenSize)],
        feedForward(kind.endsWith('experts')),
        norms(hiddenSize, 2),
      ),
    rotarySize: rotaryWidth(fields, headSize),
  });
}

function qwenExperts(fields: ConfigFields): FeedForwardPart {
  return routedExperts(fields.count('hidden_size', LIMITS.width), {
    ...expertCounts(fields),
    width: fields.count('moe_intermediate_size', LIMITS.width),
    sharedWidth: fields.wholeOr('shared_expert_intermediate_size', 0, LIMITS.width),
    sharedGate: true,
  });
}

function qwenMlp(fields: ConfigFields): FeedForwardPart {
  return denseMlp(fields.count('hidden_size', LIMITS.width), {
    width: fields.count('intermediate_size', LIMITS.width),
    gated: true,
  });
}

const deltaDefaults = {
  head_dim: 256,
  num_key_value_heads: 2,
  max_position_embeddings: 32_768,
  partial_rotary_factor: 0.25,
  linear_conv_kernel_dim: 4,
  linear_key_head_dim: 128,
  linear_value_head_dim: 128,
  linear_num_key_heads: 16,
  linear_num_value_heads: 32,
};

/** Qwen3-Next: experts and a gated shared expert. Its file also holds a multi-token prediction layer, loaded only for speculation. */
export const qwen3Next: ModelFamily = {
  modelType: 'qwen3_next',
  architecture: 'Qwen3NextForCausalLM',
  defaults: {
    ...deltaDefaults,
    num_experts: 512,
    num_experts_per_tok: 10,
    moe_intermediate_size: 512,
    shared_expert_intermediate_size: 512,
  },
  shape(fields) {
    const layerCount = fields.count('num_hidden_layers', LIMITS.layers);
    const routes = sparseByStep(fields, layerCount);
    return qwenHybrid(fields, routes, (routed) => (routed ? qwenExperts(fields) : qwenMlp(fields)));
  },
};

/** Qwen3.5 and its text part, dense. */
export const qwen35Text: ModelFamily = {
  modelType: 'qwen3_5_text',
  architecture: 'Qwen3_5ForCausalLM',
  defaults: { ...deltaDefaults, num_key_value_heads: 4 },
  shape: (fields) =>
    qwenHybrid(
      fields,
      () => false,
      () => qwenMlp(fields),
    ),
};

/** Qwen3.5 with experts in every layer. */
export const qwen35MoeText: ModelFamily = {
  modelType: 'qwen3_5_moe_text',
  architecture: 'Qwen3_5MoeForCausalLM',
  defaults: {
    ...deltaDefaults,
    num_experts: 256,
    num_experts_per_tok: 8,
    moe_intermediate_size: 512,
    shared_expert_intermediate_size: 512,
  },
  shape: (fields) =>
    qwenHybrid(
      fields,
      () => true,
      () => qwenExperts(fields),
    ),
};

/** OLMo Hybrid: gated delta nets, and attention with norms over all heads in every fourth layer. */
export const olmoHybrid: ModelFamily = {
  modelType: 'olmo_hybrid',
  architecture: 'OlmoHybridForCausalLM',
  defaults: { max_position_embeddings: 65_536 },
  shape(read) {
    const sizes = commonSizes(read);
    const { hiddenSize, layerCount, queryHeads, keyValueHeads, headSize, intermediateSize } = sizes;
    const automaticSize = Math.max(1, Math.floor((0.75 * hiddenSize) / queryHeads));
    const fields = read.withDefaults({
      linear_num_key_heads: queryHeads,
      linear_num_value_heads: queryHeads,
      linear_key_head_dim: automaticSize,
      linear_value_head_dim: 2 * automaticSize,
    });
    const bias = fields.switch('attention_bias', false);
    const attends = attendingLayers(
      fields,
      layerCount,
      (index) => index % 4 === 3 || (layerCount < 4 && index === layerCount - 1),
    );
    return hybridModel(fields, {
      ...sizes,
      kinds: attends.map((attention) => (attention ? 'attention' : 'delta')),
      make: (kind) =>
        layer(
          [
            kind === 'delta'
              ? gatedDelta(fields, hiddenSize)
              : headAttention(
                  hiddenSize,
                  { kind: 'full', queryHeads, keyValueHeads, headSize },
                  { queryKeyValueBias: bias, outputBias: bias, queryKeyNorms: 'all-heads' },
                ),
          ],
          denseMlp(hiddenSize, { width: intermediateSize, gated: true }),
          norms(hiddenSize, 2),
        ),
      rotarySize: headSize,
    });
  },
};
