import type { HeadAttention, LayerFacts } from './facts.ts';
import type { ModelShape } from './family.ts';
import { denseMlp, headAttention, layer, norms, outerWeights } from './parts.ts';

/** What a dense decoder is made of. A family translates its config.json into this; the counting is here. */
export interface DenseDecoder {
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

/** Layers and weights of a dense decoder. Layers of one kind share one object. */
export function denseDecoder(decoder: DenseDecoder): ModelShape {
  const { hiddenSize, intermediateSize, headSize, biases } = decoder;
  const mlp = denseMlp(hiddenSize, {
    width: intermediateSize,
    gated: decoder.gatedMlp,
    bias: biases.mlp,
  });
  const ofWindow = new Map<number | null, LayerFacts>();
  const layers = decoder.windows.map((windowTokens) => {
    let facts = ofWindow.get(windowTokens);
    if (facts === undefined) {
      const attention = headAttention(hiddenSize, attentionFacts(decoder, windowTokens), {
        queryKeyValueBias: biases.queryKeyValue,
        outputBias: biases.output,
      });
      facts = layer(
        [attention],
        mlp,
        norms(hiddenSize, 2, decoder.normBias),
        ...(decoder.headNorms ? [norms(headSize, 2)] : []),
      );
      ofWindow.set(windowTokens, facts);
    }
    return facts;
  });
  return {
    hiddenSize,
    vocabularySize: decoder.vocabularySize,
    layers,
    outerWeights: outerWeights({
      hiddenSize,
      vocabularySize: decoder.vocabularySize,
      tiedEmbeddings: decoder.tiedEmbeddings,
      finalNorm: hiddenSize * (decoder.normBias ? 2 : 1),
      positionRows: decoder.positionRows,
    }),
    tiedEmbeddings: decoder.tiedEmbeddings,
    rotarySize: decoder.positionRows > 0 ? 0 : headSize,
  };
}

function attentionFacts(decoder: DenseDecoder, windowTokens: number | null): HeadAttention {
  const heads = {
    queryHeads: decoder.queryHeads,
    keyValueHeads: decoder.keyValueHeads,
    headSize: decoder.headSize,
  };
  return windowTokens === null
    ? { kind: 'full', ...heads }
    : { kind: 'sliding-window', ...heads, windowTokens };
}
