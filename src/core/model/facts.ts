/** What config.json says of a model, normalised. Counts are exact; nothing here is an estimate. */

/** Element types that weights and KV cache are stored in. */
export type DataType = 'float32' | 'bfloat16' | 'float16' | 'fp8' | 'int8' | 'int4';

/** Exact parameter counts by kind. Tied tensors are counted once. `total` is the sum of the others. */
export interface ParametersByKind {
  readonly embedding: number;
  /** Learned position embeddings (gpt2, opt). */
  readonly positionEmbedding: number;
  readonly attention: number;
  readonly mlp: number;
  readonly norms: number;
  /** 0 when the head is tied to the embedding. */
  readonly head: number;
  readonly total: number;
}

/** One decoder layer's attention, as the KV cache sees it. */
export interface AttentionFacts {
  readonly kind: 'full' | 'sliding-window';
  readonly queryHeads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** Window in tokens, for `sliding-window`. */
  readonly windowTokens?: number;
}

export interface LayerFacts {
  readonly attention: AttentionFacts;
  /** Width of the MLP; gated MLPs have three matrices of hidden x this, plain ones two. */
  readonly intermediateSize: number;
  readonly gatedMlp: boolean;
  readonly parameters: { readonly attention: number; readonly mlp: number; readonly norms: number };
}

export interface ModelFacts {
  /** As the user wrote it: a hub id, a folder or a known name. */
  readonly id: string;
  /** `model_type` of config.json. */
  readonly modelType: string;
  /** First of `architectures`, or the family's usual one. */
  readonly architecture: string;
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  readonly layers: readonly LayerFacts[];
  readonly maxPositionEmbeddings: number;
  readonly dataType: DataType;
  readonly tiedEmbeddings: boolean;
  /** Named `quantization_config.quant_method`, when there is one. */
  readonly quantization?: string;
  /** Bytes that a weight of a quantised linear layer takes, scales included; absent where the file does not say enough. */
  readonly bytesPerQuantizedWeight?: number;
  readonly parameters: ParametersByKind;
  /** True where the family is not covered and generic fields were used: every band is widened. */
  readonly generic: boolean;
  /** Where the facts come from: a path, `shipped facts`, a URL. */
  readonly source: string;
}
