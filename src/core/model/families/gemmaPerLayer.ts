import { butEach, commonSizes, slidingWindow, windowsByLayer } from '../commonFields.ts';
import { type ConfigFields, isRecord, LIMITS } from '../configFields.ts';
import { alike, decoder } from '../decoder.ts';
import type { HeadAttention, OuterWeightGroup } from '../facts.ts';
import type { ModelFamily } from '../family.ts';
import {
  denseMlp,
  type FeedForwardPart,
  headAttention,
  linear,
  norms,
  routedExperts,
  vector,
} from '../parts.ts';

/** Inputs of a layer's own beside the hidden state: an embedding a layer, and the projections that bring it in. */
function perLayerInputs(fields: ConfigFields, hiddenSize: number, layerCount: number) {
  const width = fields.wholeOr('hidden_size_per_layer_input', 0, LIMITS.width);
  const rows = fields.count('vocab_size_per_layer_input', LIMITS.vocabulary);
  if (width === 0) return { layer: [], outer: [] };
  const first = { stage: 'first' } as const;
  const outer: OuterWeightGroup[] = [
    {
      ...vector('positionEmbedding', 'embed_tokens_per_layer', rows * layerCount * width, 'split'),
      ...first,
    },
    ...linear('other', 'per_layer_model_projection', {
      inputs: hiddenSize,
      outputs: layerCount * width,
    }).map((group) => ({ ...group, ...first })),
    { ...norms(width), ...first },
  ];
  return {
    layer: [
      ...linear('other', 'per_layer_input_gate', {
        inputs: hiddenSize,
        outputs: width,
        copies: 2,
        sharding: 'replicated',
      }),
      norms(hiddenSize),
    ],
    outer,
  };
}

/** Gemma 3n's text model: per-layer embeddings, four streams of the hidden state, the last layers reading earlier keys and values. */
export const gemma3nText: ModelFamily = {
  modelType: 'gemma3n_text',
  architecture: 'Gemma3nForCausalLM',
  defaults: {
    vocab_size: 262_400,
    num_attention_heads: 8,
    num_key_value_heads: 2,
    head_dim: 256,
    max_position_embeddings: 32_768,
    tie_word_embeddings: true,
    sliding_window: 512,
    vocab_size_per_layer_input: 262_144,
    hidden_size_per_layer_input: 256,
    altup_num_inputs: 4,
    num_kv_shared_layers: 15,
    laurel_rank: 64,
  },
  shape(fields) {
    const widths = fields.value('intermediate_size');
    const sizes = commonSizes(
      Array.isArray(widths) ? fields.withValues({ intermediate_size: null }) : fields,
      {
        intermediateSize: !Array.isArray(widths),
      },
    );
    const { hiddenSize, layerCount } = sizes;
    const widthOf = Array.isArray(widths)
      ? checkedWidths(fields, layerCount)
      : new Array<number>(layerCount).fill(sizes.intermediateSize);
    const bias = fields.switch('attention_bias', false);
    const firstShared = layerCount - fields.wholeOr('num_kv_shared_layers', 15, layerCount);
    const windows = windowsByLayer(fields, layerCount, slidingWindow(fields), butEach(5));
    const kinds = windows.map((tokens, layer) => `${tokens ?? ''} ${layer >= firstShared ? 'shared' : ''}`);
    const streams = fields.countOr('altup_num_inputs', 4, 64);
    const rank = fields.countOr('laurel_rank', 64, LIMITS.width);
    const inputs = perLayerInputs(fields, hiddenSize, layerCount);
    return decoder(fields, sizes, {
      mixers: alike(kinds, (kind) => {
        const index = kinds.indexOf(kind);
        const attention = gemmaAttention(sizes, windows[index] ?? null, index >= firstShared);
        return headAttention(hiddenSize, attention, {
          queryKeyValueBias: bias,
          outputBias: bias,
          queryKeyNorms: 'head',
        });
      }),
      feedForwards: alike(widthOf, (width) => denseMlp(hiddenSize, { width, gated: true })),
      layerNorms: 4,
      layerWeights: [
        ...inputs.layer,
        // Learned augmented residual: two narrow matrices and a norm.
        ...linear('other', 'laurel', {
          inputs: hiddenSize,
          outputs: rank,
          copies: 2,
          sharding: 'replicated',
        }),
        // AltUp: what predicts and corrects the streams, a router and its norm, a scale.
        vector('other', 'altup', streams * streams + streams ** 3 + streams * hiddenSize + hiddenSize),
        norms(hiddenSize, 2),
      ],
      outer: [
        ...inputs.outer,
        ...(['first', 'last'] as const).flatMap((stage) =>
          linear('other', 'altup_projections', {
            inputs: hiddenSize,
            outputs: hiddenSize,
            copies: streams - 1,
            sharding: 'replicated',
          }).map((group) => ({ ...group, stage })),
        ),
      ],
    });
  },
};

/** Gemma 4's text model: global layers with larger heads, optional per-layer embeddings, experts beside the MLP, shared caches. */
export const gemma4Text: ModelFamily = {
  modelType: 'gemma4_text',
  architecture: 'Gemma4ForCausalLM',
  defaults: {
    vocab_size: 262_144,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    head_dim: 256,
    max_position_embeddings: 131_072,
    tie_word_embeddings: true,
    sliding_window: 512,
    vocab_size_per_layer_input: 262_144,
    hidden_size_per_layer_input: 256,
    global_head_dim: 512,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, layerCount } = sizes;
    const bias = fields.switch('attention_bias', false);
    const sharedLayers = fields.wholeOr('num_kv_shared_layers', 0, layerCount);
    const firstShared = layerCount - sharedLayers;
    const windowTokens = slidingWindow(fields);
    const windows = windowsByLayer(fields, layerCount, windowTokens, butEach(6)).map((tokens, layer) =>
      layer === layerCount - 1 ? null : tokens,
    );
    const keysAreValues = fields.switch('attention_k_eq_v', false);
    const global = {
      headSize: fields.count('global_head_dim', LIMITS.headSize),
      keyValueHeads: keysAreValues
        ? fields.countOr('num_global_key_value_heads', sizes.keyValueHeads, LIMITS.heads)
        : sizes.keyValueHeads,
    };
    const written = fields.section('per_layer_config');
    const headsOf = (layer: number) =>
      writtenHeads(written, layer, sizes) ?? (windows[layer] === null ? { ...sizes, ...global } : sizes);
    const kinds = windows.map((tokens, layer) => {
      const { headSize, keyValueHeads } = headsOf(layer);
      return `${tokens ?? ''} ${layer >= firstShared} ${headSize} ${keyValueHeads}`;
    });
    const inputs = perLayerInputs(fields, hiddenSize, layerCount);
    const doubleWide = fields.switch('use_double_wide_mlp', false);
    const hasExperts = fields.switch('enable_moe_block', false);
    return decoder(fields, sizes, {
      mixers: alike(kinds, (kind) => {
        const index = kinds.indexOf(kind);
        const attention = gemmaAttention(headsOf(index), windows[index] ?? null, index >= firstShared);
        return headAttention(hiddenSize, attention, {
          queryKeyValueBias: bias,
          outputBias: bias,
          queryKeyNorms: 'head',
          valuesAreKeys: keysAreValues && windows[index] === null,
        });
      }),
      feedForwards: alike(
        windows.map((_, layer) => doubleWide && layer >= firstShared),
        (wide) => {
          const width = sizes.intermediateSize * (wide ? 2 : 1);
          return hasExperts
            ? expertsBeside(fields, hiddenSize, width)
            : denseMlp(hiddenSize, { width, gated: true });
        },
      ),
      layerNorms: hasExperts ? 7 : 4,
      layerWeights: inputs.layer,
      outer: inputs.outer,
      rotarySize: sizes.headSize,
    });
  },
};

/** Routed experts and a dense MLP that every token passes; the router scales its input and its choices. */
function expertsBeside(fields: ConfigFields, hiddenSize: number, width: number): FeedForwardPart {
  const part = routedExperts(hiddenSize, {
    experts: fields.count('num_experts', LIMITS.experts),
    activeExperts: fields.countOr('top_k_experts', 1, LIMITS.experts),
    width: fields.count('moe_intermediate_size', LIMITS.width),
    routerBias: true,
  });
  const mlp = denseMlp(hiddenSize, { width, gated: true });
  return {
    feedForward:
      part.feedForward.kind === 'experts' ? { ...part.feedForward, sharedWidth: width } : part.feedForward,
    weights: [...part.weights, vector('router', 'router', hiddenSize), ...mlp.weights],
  };
}

interface Heads {
  readonly queryHeads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
}

function gemmaAttention(heads: Heads, windowTokens: number | null, sharesCache: boolean): HeadAttention {
  const { queryHeads, keyValueHeads, headSize } = heads;
  return {
    ...(windowTokens === null ? { kind: 'full' } : { kind: 'sliding-window', windowTokens }),
    queryHeads,
    keyValueHeads,
    headSize,
    ...(sharesCache ? { sharesCache } : {}),
  };
}

/** `per_layer_config`, as newer files write it: by layer, two digits or one. */
function writtenHeads(written: ConfigFields | undefined, layer: number, sizes: Heads): Heads | undefined {
  if (written === undefined) return undefined;
  const name = [String(layer), String(layer).padStart(2, '0')].find((key) => isRecord(written.value(key)));
  const section = name === undefined ? undefined : written.section(name);
  return {
    queryHeads: sizes.queryHeads,
    keyValueHeads:
      section?.countOr('num_key_value_heads', sizes.keyValueHeads, LIMITS.heads) ?? sizes.keyValueHeads,
    headSize: section?.countOr('head_dim', sizes.headSize, LIMITS.headSize) ?? sizes.headSize,
  };
}

function checkedWidths(fields: ConfigFields, layerCount: number): readonly number[] {
  const widths = fields.numbers('intermediate_size');
  if (widths.length === layerCount && widths.every((width) => width >= 1 && width <= LIMITS.width))
    return widths;
  fields.reject('intermediate_size', `a width for each of the ${layerCount} layers`);
  return new Array<number>(layerCount).fill(1);
}
