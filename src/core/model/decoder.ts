import { type CommonSizes, everyLayer, rotaryWidth, type Windows } from './commonFields.ts';
import type { ConfigFields } from './configFields.ts';
import type { DraftLayers, HeadAttention, LayerFacts, OuterWeightGroup, WeightGroup } from './facts.ts';
import type { ModelShape } from './family.ts';
import { FIELD_NAMES } from './fieldNames.ts';
import {
  denseMlp,
  type FeedForwardPart,
  headAttention,
  layer,
  linear,
  type Mixer,
  norms,
  outerWeights,
} from './parts.ts';

/** What a decoder is made of. A family translates its config.json into this; the putting together is here. */
export interface DecoderParts {
  /** One a layer, the same object where layers are alike. Left out: attention over heads of `sizes` with `windows`. */
  readonly mixers?: readonly Mixer[];
  readonly attention?: Parameters<typeof headAttention>[2];
  /** Left out: full attention. */
  readonly windows?: Windows;
  /** One a layer, the same object where layers are alike. Left out: `mlp`. */
  readonly feedForwards?: readonly FeedForwardPart[];
  /** The dense MLP of every layer; gated and without biases where nothing is said. */
  readonly mlp?: { readonly gated?: boolean; readonly bias?: boolean; readonly width?: number };
  /** Norms over the hidden size in a layer: 2 where nothing is said. */
  readonly layerNorms?: number;
  /** Layer norms with a bias rather than RMS norms. */
  readonly normBias?: boolean;
  /** What else every layer has. */
  readonly layerWeights?: readonly WeightGroup[];
  /** Parameters of the norm after the last layer; left out: one norm as the layers have. */
  readonly finalNorm?: number;
  /** Rows of the learned position embedding; 0 where positions are rotary or none. */
  readonly positionRows?: number;
  /** Elements of a head that rotate; left out: as the fields say. */
  readonly rotarySize?: number;
  /** A bias of the head, one for each entry of the vocabulary. */
  readonly headBias?: boolean;
  readonly outer?: readonly OuterWeightGroup[];
}

/** Layers and weights of a decoder. Layers of one kind share one object. */
export function decoder(fields: ConfigFields, sizes: CommonSizes, parts: DecoderParts = {}): ModelShape {
  const { hiddenSize, layerCount, vocabularySize } = sizes;
  const { normBias = false, positionRows = 0 } = parts;
  const tiedEmbeddings = fields.switch('tie_word_embeddings', false);
  const mixers =
    parts.mixers ?? attentionByWindow(sizes, parts.windows ?? everyLayer(layerCount, null), parts.attention);
  const others = [norms(hiddenSize, parts.layerNorms ?? 2, normBias), ...(parts.layerWeights ?? [])];
  const headBias: OuterWeightGroup = {
    kind: 'head',
    module: 'lm_head',
    count: vocabularySize,
    sharding: 'split',
    matrix: false,
    stage: 'last',
  };
  const layers = layersOf(mixers, parts.feedForwards ?? denseLayers(sizes, parts.mlp), others);
  const drafts = draftLayers(fields, hiddenSize, layers.at(-1));
  return {
    hiddenSize,
    vocabularySize,
    layers,
    outerWeights: [
      ...outerWeights({
        hiddenSize,
        vocabularySize,
        tiedEmbeddings,
        finalNorm: parts.finalNorm ?? hiddenSize * (normBias ? 2 : 1),
        positionRows,
      }),
      ...(parts.headBias ? [headBias] : []),
      ...(parts.outer ?? []),
    ],
    tiedEmbeddings,
    rotarySize: parts.rotarySize ?? (positionRows > 0 ? 0 : rotaryWidth(fields, sizes.headSize)),
    ...(drafts === undefined ? {} : { draftLayers: drafts }),
  };
}

/**
 * Heads of multi-token prediction, each a layer like the last one with a projection of the hidden state and the next embedding and three
 * norms (DeepSeek-V3); embedding and head are the model's own.
 */
export function draftLayers(
  fields: ConfigFields,
  hiddenSize: number,
  last: LayerFacts | undefined,
): DraftLayers | undefined {
  const count = fields.wholeOr(FIELD_NAMES.draftLayers, 0, 64);
  if (count === 0 || last === undefined) return undefined;
  const joined = linear('other', 'eh_proj', {
    inputs: 2 * hiddenSize,
    outputs: hiddenSize,
    sharding: 'replicated',
  });
  const weights = [...last.weights, ...joined, norms(hiddenSize, 3)];
  return { count, weights: weights.map((group) => ({ ...group, count: count * group.count })) };
}

/** Attention of every layer by its window; layers with one window share one object. */
export function attentionByWindow(
  sizes: CommonSizes,
  windows: Windows,
  options?: Parameters<typeof headAttention>[2],
): readonly Mixer[] {
  const { queryHeads, keyValueHeads, headSize } = sizes;
  const heads = { queryHeads, keyValueHeads, headSize };
  return alike(windows, (windowTokens) => {
    const attention: HeadAttention =
      windowTokens === null ? { kind: 'full', ...heads } : { kind: 'sliding-window', ...heads, windowTokens };
    return headAttention(sizes.hiddenSize, attention, options);
  });
}

/** One object for each different entry, made once. */
export function alike<Kind extends string | number | boolean | null, Part>(
  kinds: readonly Kind[],
  make: (kind: Kind) => Part,
): readonly Part[] {
  const made = new Map<Kind, Part>();
  return kinds.map((kind) => {
    const before = made.get(kind);
    if (before !== undefined) return before;
    const part = make(kind);
    made.set(kind, part);
    return part;
  });
}

function denseLayers(sizes: CommonSizes, mlp: DecoderParts['mlp'] = {}): readonly FeedForwardPart[] {
  const { gated = true, bias = false, width = sizes.intermediateSize } = mlp;
  const part = denseMlp(sizes.hiddenSize, { width, gated, bias });
  return new Array<FeedForwardPart>(sizes.layerCount).fill(part);
}

function layersOf(
  mixers: readonly Mixer[],
  feedForwards: readonly FeedForwardPart[],
  others: readonly WeightGroup[],
): readonly LayerFacts[] {
  const made = new Map<Mixer, Map<FeedForwardPart | undefined, LayerFacts>>();
  return mixers.map((mixer, index) => {
    const feedForward = feedForwards[index];
    let ofMixer = made.get(mixer);
    if (ofMixer === undefined) {
      ofMixer = new Map();
      made.set(mixer, ofMixer);
    }
    let facts = ofMixer.get(feedForward);
    if (facts === undefined) {
      facts = layer([mixer], feedForward, ...others);
      ofMixer.set(feedForward, facts);
    }
    return facts;
  });
}
