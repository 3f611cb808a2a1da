/** One shipped model: the fields of its config.json that count, never totals. */
export interface KnownModelEntry {
  /** Hub id. The part after the slash is accepted as well. */
  readonly id: string;
  /** Other hub ids or short names of the same dimensions. */
  readonly aliases?: readonly string[];
  readonly config: Readonly<Record<string, unknown>>;
}

/** The six sizes that most files state, in the order of most files: one line a model. */
export function sizes(
  hidden_size: number,
  intermediate_size: number,
  num_hidden_layers: number,
  num_attention_heads: number,
  num_key_value_heads: number,
  vocab_size: number,
): KnownModelEntry['config'] {
  return {
    hidden_size,
    intermediate_size,
    num_hidden_layers,
    num_attention_heads,
    num_key_value_heads,
    vocab_size,
  };
}

/** 8-bit floats in blocks of 128 x 128, as DeepSeek stores its releases. */
export const BLOCK_FP8 = {
  quant_method: 'fp8',
  fmt: 'e4m3',
  activation_scheme: 'dynamic',
  weight_block_size: [128, 128],
};
