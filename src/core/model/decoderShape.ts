import type { AttentionFacts, LayerFacts, ParametersByKind } from './facts.ts';

/** What a dense decoder is made of. A family translates its config.json into this; the counting is here. */
export interface DecoderShape {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  /** Gate, up and down (three matrices) or up and down (two). */
  readonly gatedMlp: boolean;
  readonly queryHeads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabularySize: number;
  /** One entry a layer: the window in tokens, or null for full attention. */
  readonly windows: readonly (number | null)[];
  readonly biases: { readonly queryKeyValue: boolean; readonly output: boolean; readonly mlp: boolean };
  /** A norm over each head's query and key (Qwen3). */
  readonly headNorms: boolean;
  /** Layer norms with a bias (gpt2) rather than RMS norms. */
  readonly normBias: boolean;
  /** Rows of the learned position embedding; 0 where positions are rotary. */
  readonly positionRows: number;
  readonly tiedEmbeddings: boolean;
}

/** Layers and exact parameter counts of a shape. Layers of one kind share one object. */
export function countDecoder(shape: DecoderShape): {
  layers: readonly LayerFacts[];
  parameters: ParametersByKind;
} {
  const { hiddenSize, intermediateSize, headSize } = shape;
  const queryWidth = shape.queryHeads * headSize;
  const keyValueWidth = shape.keyValueHeads * headSize;
  const attention =
    hiddenSize * (queryWidth + 2 * keyValueWidth) +
    queryWidth * hiddenSize +
    (shape.biases.queryKeyValue ? queryWidth + 2 * keyValueWidth : 0) +
    (shape.biases.output ? hiddenSize : 0);
  const inward = shape.gatedMlp ? 2 : 1;
  const mlp =
    (inward + 1) * hiddenSize * intermediateSize +
    (shape.biases.mlp ? inward * intermediateSize + hiddenSize : 0);
  const oneNorm = hiddenSize * (shape.normBias ? 2 : 1);
  const norms = 2 * oneNorm + (shape.headNorms ? 2 * headSize : 0);

  const ofWindow = new Map<number | null, LayerFacts>();
  const layers = shape.windows.map((windowTokens) => {
    let layer = ofWindow.get(windowTokens);
    if (layer === undefined) {
      layer = {
        attention: attentionFacts(shape, windowTokens),
        intermediateSize,
        gatedMlp: shape.gatedMlp,
        parameters: { attention, mlp, norms },
      };
      ofWindow.set(windowTokens, layer);
    }
    return layer;
  });

  const count = layers.length;
  const embedding = shape.vocabularySize * hiddenSize;
  const byKind = {
    embedding,
    positionEmbedding: shape.positionRows * hiddenSize,
    attention: attention * count,
    mlp: mlp * count,
    norms: norms * count + oneNorm,
    head: shape.tiedEmbeddings ? 0 : embedding,
  };
  const total =
    byKind.embedding + byKind.positionEmbedding + byKind.attention + byKind.mlp + byKind.norms + byKind.head;
  return { layers, parameters: { ...byKind, total } };
}

function attentionFacts(shape: DecoderShape, windowTokens: number | null): AttentionFacts {
  const heads = {
    queryHeads: shape.queryHeads,
    keyValueHeads: shape.keyValueHeads,
    headSize: shape.headSize,
  };
  return windowTokens === null
    ? { kind: 'full', ...heads }
    : { kind: 'sliding-window', ...heads, windowTokens };
}
