import { butEach, commonSizes, slidingWindow, windowsByLayer } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { alike, decoder } from '../decoder.ts';
import type { HeadAttention } from '../facts.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts, expertLayers, sharedWidth, sparseByType } from '../moe.ts';
import { denseMlp, headAttention, routedExperts } from '../parts.ts';

/** Trinity (Arcee): gated attention, four norms a layer, windows in three of four; the router's correction is a parameter. */
export const afmoe: ModelFamily = {
  modelType: 'afmoe',
  architecture: 'AfmoeForCausalLM',
  defaults: {
    head_dim: 128,
    max_position_embeddings: 16_384,
    num_dense_layers: 1,
    moe_intermediate_size: 1408,
    num_experts: 64,
    num_experts_per_tok: 6,
    num_shared_experts: 2,
    global_attn_every_n_layers: 4,
    sliding_window: 1024,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount, intermediateSize } = sizes;
    const bias = fields.switch('attention_bias', false);
    const each = fields.wholeOr('global_attn_every_n_layers', 4, LIMITS.layers);
    const denseLayers = fields.wholeOr('num_dense_layers', 1, LIMITS.layers);
    return decoder(fields, sizes, {
      windows: windowsByLayer(fields, layerCount, slidingWindow(fields), butEach(each)),
      attention: {
        queryKeyValueBias: bias,
        outputBias: bias,
        queryKeyNorms: 'head',
        separateGate: sizes.queryHeads * sizes.headSize,
      },
      feedForwards: expertLayers(
        layerCount,
        (layer) => layer >= denseLayers,
        () => {
          const width = fields.count('moe_intermediate_size', LIMITS.width);
          return routedExperts(hiddenSize, {
            ...expertCounts(fields),
            width,
            routerBias: true,
            sharedWidth: sharedWidth(fields, width, 'num_shared_experts'),
          });
        },
        () => denseMlp(hiddenSize, { width: intermediateSize, gated: true }),
      ),
      layerNorms: 4,
    });
  },
};

/** Laguna: heads may differ by layer; a gate a head or a gate an element; the first layer dense. */
export const laguna: ModelFamily = {
  modelType: 'laguna',
  architecture: 'LagunaForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 131_072,
    sliding_window: 512,
    moe_intermediate_size: 512,
    shared_expert_intermediate_size: 512,
    num_experts: 256,
    num_experts_per_tok: 8,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount, intermediateSize, keyValueHeads, headSize } = sizes;
    const bias = fields.switch('attention_bias', false);
    const windows = windowsByLayer(fields, layerCount, slidingWindow(fields), () => false);
    const gating = fields.value('gating') ?? true;
    const gatesHeads = gating === true || gating === 'per-head';
    const headsOf = headsByLayer(fields, layerCount, sizes.queryHeads);
    const kinds = windows.map((tokens, layer) => `${tokens ?? ''} ${headsOf[layer]}`);
    return decoder(fields, sizes, {
      mixers: alike(kinds, (kind) => {
        const layer = kinds.indexOf(kind);
        const queryHeads = headsOf[layer] ?? sizes.queryHeads;
        const windowTokens = windows[layer] ?? null;
        const heads = { queryHeads, keyValueHeads, headSize };
        const attention: HeadAttention =
          windowTokens === null
            ? { kind: 'full', ...heads }
            : { kind: 'sliding-window', windowTokens, ...heads };
        return headAttention(hiddenSize, attention, {
          queryKeyValueBias: bias,
          outputBias: bias,
          queryKeyNorms: 'head',
          separateGate: gatesHeads ? queryHeads : queryHeads * headSize,
        });
      }),
      feedForwards: expertLayers(
        layerCount,
        sparseByType(fields, layerCount, (layer) => layer > 0),
        () =>
          routedExperts(hiddenSize, {
            ...expertCounts(fields),
            width: fields.count('moe_intermediate_size', LIMITS.width),
            routerBias: true,
            sharedWidth: fields.wholeOr('shared_expert_intermediate_size', 0, LIMITS.width),
          }),
        () => denseMlp(hiddenSize, { width: intermediateSize, gated: true }),
      ),
    });
  },
};

function headsByLayer(fields: ConfigFields, layerCount: number, queryHeads: number): readonly number[] {
  const name = 'num_attention_heads_per_layer';
  const listed = fields.perLayer(name, layerCount);
  if (listed === undefined) return new Array<number>(layerCount).fill(queryHeads);
  if (fields.numbers(name).every((heads) => heads >= 1 && heads <= LIMITS.heads)) return fields.numbers(name);
  fields.reject(name, 'a number of heads for each layer');
  return new Array<number>(layerCount).fill(queryHeads);
}

/** Mellum 2: Qwen3-MoE's layout, dense layers and windows by lists. */
export const mellum: ModelFamily = {
  modelType: 'mellum',
  architecture: 'MellumForCausalLM',
  defaults: {
    num_key_value_heads: 4,
    head_dim: 128,
    max_position_embeddings: 131_072,
    sliding_window: 1024,
    moe_intermediate_size: 896,
    num_experts: 64,
    num_experts_per_tok: 8,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount, intermediateSize } = sizes;
    const bias = fields.switch('attention_bias', false);
    return decoder(fields, sizes, {
      windows: windowsByLayer(fields, layerCount, slidingWindow(fields), () => false),
      attention: { queryKeyValueBias: bias, outputBias: bias, queryKeyNorms: 'head' },
      feedForwards: expertLayers(
        layerCount,
        sparseByType(fields, layerCount, () => true),
        () =>
          routedExperts(hiddenSize, {
            ...expertCounts(fields),
            width: fields.count('moe_intermediate_size', LIMITS.width),
          }),
        () => denseMlp(hiddenSize, { width: intermediateSize, gated: true }),
      ),
    });
  },
};
