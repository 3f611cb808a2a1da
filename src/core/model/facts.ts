/** What config.json says of a model, normalised. Counts are exact; nothing here is an estimate. */
import type { CheckpointFacts } from './checkpoint.ts';
import type { ParameterKind } from './parameterKinds.ts';

/** Element types that weights and KV cache are stored in. */
export type DataType = 'float32' | 'bfloat16' | 'float16' | 'fp8' | 'int8' | 'int4';

/** Exact parameter counts by kind. Tied tensors are counted once. `total` is the sum of the others. */
export type ParametersByKind = Readonly<Record<ParameterKind, number>> & { readonly total: number };

/**
 * How tensor-parallel ranks share a weight. `split`: an equal part each. `kv-heads`: split by KV heads, at least one head each.
 * `experts`: an equal part of each expert, or whole experts with expert parallelism. `vocabulary`: rows, padded and split.
 */
export type Sharding = 'split' | 'kv-heads' | 'experts' | 'vocabulary' | 'replicated';

/** Weights of one layer, or of the model outside its layers, that are stored and shared in the same way. */
export interface WeightGroup {
  readonly kind: ParameterKind;
  /** Parameters. */
  readonly count: number;
  readonly sharding: Sharding;
  /** True for matrices of linear layers and experts: what a quantisation method stores in its own format. */
  readonly matrix: boolean;
  /** Where in the layer or model, as checkpoints name it: `self_attn`, `mlp.experts`, `lm_head`. Patterns of modules that stay unquantised are matched against it. */
  readonly module: string;
}

/** Attention over keys and values of heads. */
export interface HeadAttention {
  readonly kind: 'full' | 'sliding-window' | 'chunked';
  readonly queryHeads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  /** Of values, where it is not that of queries and keys. */
  readonly valueHeadSize?: number;
  /** Window, or chunk, in tokens: there for `sliding-window` and `chunked`. */
  readonly windowTokens?: number;
  /** True where the layer reads another layer's keys and values and stores none of its own (Gemma 3n and 4). */
  readonly sharesCache?: boolean;
}

/** Multi-head latent attention (DeepSeek-V2): one compressed key-value vector a token. Sizes are elements. */
export interface LatentAttention {
  readonly kind: 'latent';
  readonly queryHeads: number;
  /** `kv_lora_rank`. */
  readonly latentSize: number;
  /** `qk_rope_head_dim`. */
  readonly rotarySize: number;
  /** `qk_nope_head_dim`. */
  readonly headSize: number;
  /** `v_head_dim`. */
  readonly valueHeadSize: number;
  /** Sparse attention's indexer (DeepSeek-V3.2, GLM-5): its head size, which is cached beside the latent. */
  readonly indexerHeadSize?: number;
  /** Tokens that one stored state stands for (DeepSeek-V4); 0 where the layer stores only its window. */
  readonly compressRatio?: number;
  readonly windowTokens?: number;
}

/** A layer whose state does not grow with the context. Sizes are elements of the whole model, before any split. */
export type StateMixer = {
  /** Element type of the recurrent state where the file states one; else the engine's rule for the kind. */
  readonly stateDataType?: 'float32' | 'bfloat16' | 'float16';
  /** Taps of the causal convolution before the state: `conv_kernel`. */
  readonly convKernel: number;
} & (
  | { readonly kind: 'mamba1'; readonly innerSize: number; readonly stateSize: number }
  | {
      readonly kind: 'mamba2';
      readonly innerSize: number;
      readonly heads: number;
      readonly headSize: number;
      readonly groups: number;
      readonly stateSize: number;
    }
  | {
      readonly kind: 'gated-delta';
      readonly keyHeads: number;
      readonly valueHeads: number;
      readonly keyHeadSize: number;
      readonly valueHeadSize: number;
    }
  | { readonly kind: 'kimi-delta'; readonly heads: number; readonly headSize: number }
  | { readonly kind: 'lightning'; readonly heads: number; readonly headSize: number }
  | { readonly kind: 'short-convolution'; readonly innerSize: number }
);

/** One mixer of tokens, as the cache sees it. */
export type TokenMixer = HeadAttention | LatentAttention | StateMixer;

/** The part of a layer that works on one token at a time. Widths are elements, before any split. */
export type FeedForward =
  | {
      readonly kind: 'dense';
      /** Gated MLPs have three matrices of hidden x this, plain ones two. */
      readonly width: number;
      readonly gated: boolean;
    }
  | {
      readonly kind: 'experts';
      readonly experts: number;
      readonly activeExperts: number;
      /** Of one routed expert. */
      readonly width: number;
      readonly gated: boolean;
      /** Of all shared experts (or the dense MLP beside) together; 0 without any. */
      readonly sharedWidth: number;
    }
  | { readonly kind: 'none' };

export interface LayerFacts {
  /** Usually one; two where attention and a state space stand side by side (Falcon-H1); none in an MLP-only block. */
  readonly mixers: readonly TokenMixer[];
  readonly feedForward: FeedForward;
  readonly weights: readonly WeightGroup[];
}

/** Weights outside the layers, and which pipeline stages hold them. A tied head is not listed: it is the embedding. */
export interface OuterWeightGroup extends WeightGroup {
  readonly stage: 'first' | 'last';
}

/** Heads that predict further tokens (multi-token prediction): in the file, loaded only for speculation. */
export interface DraftLayers {
  readonly count: number;
  /** Of all of them together. */
  readonly weights: readonly WeightGroup[];
}

/** `quantization_config` of config.json. */
export interface QuantizationFacts {
  /** `quant_method` as written. */
  readonly method: string;
  /** Bytes that one weight of a matrix takes, scales and zero points included; absent where the file does not say enough. */
  readonly bytesPerWeight?: number;
  /** How a weight is stored: 4-bit integers, 8-bit floats … Absent where the file does not say. */
  readonly weightFormat?: WeightFormat;
  /** Weights that share a scale: a number along a row, a block, a whole row (`channel`) or the whole matrix (`tensor`). */
  readonly groupSize?: number | readonly [number, number] | 'channel' | 'tensor';
  /** The only kinds that are quantised, where the method leaves others (gpt-oss: the experts alone). */
  readonly kinds?: readonly ParameterKind[];
  /** True where the head is quantised as well, which is rare. */
  readonly includesHead?: boolean;
  /** True where the file says that keys and values are cached in 8 bits. */
  readonly fp8KvCache?: boolean;
  /** Patterns of modules that are left as they were: `modules_to_not_convert`, `ignore`. */
  readonly unconverted: readonly string[];
}

export type WeightFormat =
  | 'int2'
  | 'int3'
  | 'int4'
  | 'int5'
  | 'int6'
  | 'int8'
  | 'fp8'
  | 'nf4'
  | 'fp4'
  | 'nvfp4'
  | 'mxfp4'
  | 'mxfp6'
  | 'mxfp8';

export interface ModelFacts {
  /** As the user wrote it: a hub id, a folder or a known name. */
  readonly id: string;
  /** `model_type` of config.json, of the text model where it is nested. */
  readonly modelType: string;
  /** First of `architectures`, or the family's usual one. */
  readonly architecture: string;
  readonly hiddenSize: number;
  readonly vocabularySize: number;
  /** Layers of one kind share one object. */
  readonly layers: readonly LayerFacts[];
  readonly outerWeights: readonly OuterWeightGroup[];
  readonly draftLayers?: DraftLayers;
  readonly maxPositionEmbeddings: number;
  /** Where LongRoPE stretches positions: the context before it, which vLLM since 0.11.1 takes unless more is asked for. */
  readonly originalContext?: number;
  /** Where yarn stretches positions: the context that the file states, which vLLM since 0.30 takes as stretched already. */
  readonly contextBeforeYarn?: number;
  /** Width of a row of the rotary position table; 0 where positions are learned or there are none. */
  readonly rotarySize: number;
  readonly dataType: DataType;
  readonly tiedEmbeddings: boolean;
  readonly quantization?: QuantizationFacts;
  readonly parameters: ParametersByKind;
  /** True where the family is not covered and generic fields were used: every band is widened. */
  readonly generic: boolean;
  /** The value of `--hf-overrides` that was put into config.json before it was read; left out where none was. */
  readonly overrides?: string;
  /** Where the facts come from: a path, `shipped facts`, a URL. */
  readonly source: string;
  /** What the headers of its weight files say, where those were at hand. Wins over formulas. */
  readonly checkpoint?: CheckpointFacts;
}

/** The layer's first attention over heads or latents; undefined where it has none. */
export function attentionOf(layer: LayerFacts | undefined): HeadAttention | LatentAttention | undefined {
  return layer?.mixers.find((mixer) => isAttention(mixer));
}

export function isAttention(mixer: TokenMixer): mixer is HeadAttention | LatentAttention {
  return (
    mixer.kind === 'full' ||
    mixer.kind === 'sliding-window' ||
    mixer.kind === 'chunked' ||
    mixer.kind === 'latent'
  );
}

/** True where any layer routes tokens to experts: the engine then takes other paths. */
export function hasExperts(model: ModelFacts): boolean {
  return model.layers.some(({ feedForward }) => feedForward.kind === 'experts');
}

/** True where any layer keeps a state that does not grow with the context. */
export function hasState(model: ModelFacts): boolean {
  return model.layers.some(({ mixers }) => mixers.some((mixer) => !isAttention(mixer)));
}
