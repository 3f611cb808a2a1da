import { commonSizes, everyLayer, slidingWindow, type Windows, windowsByLayer } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { decoder } from '../decoder.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts, expertLayers, sparseByStep } from '../moe.ts';
import { denseMlp, routedExperts } from '../parts.ts';

/** Qwen2 and Qwen2.5, and MiMo 7B: query, key and value always have a bias, the output projection never. */
export const qwen2: ModelFamily = {
  modelType: 'qwen2',
  aliases: ['mimo'],
  architecture: 'Qwen2ForCausalLM',
  otherArchitectures: ['MiMoForCausalLM'],
  defaults: { max_position_embeddings: 32_768, sliding_window: 4096, max_window_layers: 28 },
  shape(fields) {
    const sizes = commonSizes(fields);
    return decoder(fields, sizes, {
      windows: qwenWindows(fields, sizes.layerCount),
      attention: { queryKeyValueBias: true },
    });
  },
};

/** Qwen1.5-MoE and Qwen2-57B: a shared expert with a gate of its own beside the routed ones. */
export const qwen2Moe: ModelFamily = {
  modelType: 'qwen2_moe',
  architecture: 'Qwen2MoeForCausalLM',
  defaults: {
    max_position_embeddings: 32_768,
    sliding_window: 4096,
    max_window_layers: 28,
    moe_intermediate_size: 1408,
    shared_expert_intermediate_size: 5632,
    num_experts_per_tok: 4,
    num_experts: 60,
    qkv_bias: true,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const experts = () =>
      routedExperts(sizes.hiddenSize, {
        ...expertCounts(fields),
        width: fields.count('moe_intermediate_size', LIMITS.width),
        sharedWidth: fields.wholeOr('shared_expert_intermediate_size', 0, LIMITS.width),
        sharedGate: true,
      });
    return decoder(fields, sizes, {
      windows: everyLayer(sizes.layerCount, null),
      attention: { queryKeyValueBias: fields.switch('qkv_bias', true) },
      feedForwards: expertLayers(sizes.layerCount, sparseByStep(fields, sizes.layerCount), experts, () =>
        denseMlp(sizes.hiddenSize, { width: sizes.intermediateSize, gated: true }),
      ),
    });
  },
};

/** Qwen3, dense: an explicit head size, and a norm over each head's query and key. */
export const qwen3: ModelFamily = {
  modelType: 'qwen3',
  architecture: 'Qwen3ForCausalLM',
  defaults: {
    num_key_value_heads: 32,
    head_dim: 128,
    max_position_embeddings: 32_768,
    sliding_window: 4096,
    max_window_layers: 28,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const bias = fields.switch('attention_bias', false);
    return decoder(fields, sizes, {
      windows: qwenWindows(fields, sizes.layerCount),
      attention: { queryKeyValueBias: bias, outputBias: bias, queryKeyNorms: 'head' },
    });
  },
};

/** Qwen3-30B-A3B, 235B-A22B and Coder: no shared expert. */
export const qwen3Moe: ModelFamily = {
  modelType: 'qwen3_moe',
  architecture: 'Qwen3MoeForCausalLM',
  defaults: {
    num_key_value_heads: 4,
    max_position_embeddings: 32_768,
    sliding_window: 4096,
    moe_intermediate_size: 768,
    num_experts_per_tok: 8,
    num_experts: 128,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const bias = fields.switch('attention_bias', false);
    const windowTokens = fields.switch('use_sliding_window', false) ? slidingWindow(fields) : null;
    const experts = () =>
      routedExperts(sizes.hiddenSize, {
        ...expertCounts(fields),
        width: fields.count('moe_intermediate_size', LIMITS.width),
      });
    return decoder(fields, sizes, {
      windows: everyLayer(sizes.layerCount, windowTokens),
      attention: { queryKeyValueBias: bias, outputBias: bias, queryKeyNorms: 'head' },
      feedForwards: expertLayers(sizes.layerCount, sparseByStep(fields, sizes.layerCount), experts, () =>
        denseMlp(sizes.hiddenSize, { width: sizes.intermediateSize, gated: true }),
      ),
    });
  },
};

/** Flint: attention sinks, a shared expert, windows but in the first two, each fourth and the last layer. */
export const flint: ModelFamily = {
  modelType: 'flint',
  architecture: 'FlintForCausalLM',
  defaults: {
    num_key_value_heads: 4,
    head_dim: 128,
    max_position_embeddings: 262_144,
    sliding_window: 513,
    moe_intermediate_size: 512,
    shared_expert_intermediate_size: 1024,
    num_experts_per_tok: 6,
    num_experts: 256,
    mlp_only_layers: [0, 1],
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount, intermediateSize } = sizes;
    const bias = fields.switch('attention_bias', false);
    const slides = (layer: number) => layer >= 2 && layer % 4 !== 1 && layer !== layerCount - 1;
    return decoder(fields, sizes, {
      windows: windowsByLayer(fields, layerCount, slidingWindow(fields), slides),
      attention: {
        queryKeyValueBias: bias,
        outputBias: bias,
        queryKeyNorms: 'head',
        sinks: true,
      },
      feedForwards: expertLayers(
        layerCount,
        sparseByStep(fields, layerCount),
        () =>
          routedExperts(hiddenSize, {
            ...expertCounts(fields),
            width: fields.count('moe_intermediate_size', LIMITS.width),
            sharedWidth: fields.wholeOr('shared_expert_intermediate_size', 0, LIMITS.width),
          }),
        () => denseMlp(hiddenSize, { width: intermediateSize, gated: true }),
      ),
    });
  },
};

/**
 * A window only where `use_sliding_window` says so: released files carry `sliding_window` with the switch off.
 * Layers from `max_window_layers` on slide, those before it are full.
 */
export function qwenWindows(fields: ConfigFields, layerCount: number): Windows {
  if (!fields.switch('use_sliding_window', false)) return everyLayer(layerCount, null);
  const firstSliding = fields.wholeOr('max_window_layers', 28, LIMITS.layers);
  return windowsByLayer(fields, layerCount, slidingWindow(fields), (layer) => layer >= firstSliding);
}
