import type { HeadAttention, LatentAttention } from '../../model/facts.ts';
import { keyValueHeadsPerRank } from '../pipeline.ts';

/** How keys and values are stored: `--kv-cache-dtype`. */
export interface CacheFormat {
  /** Bytes of an element of a key, a value or a latent, with scales that stand beside each few elements. */
  readonly elementBytes: number;
  /** Bytes of scales that each head has beside a token's key and value together. */
  readonly scaleBytesPerHead: number;
  /** Bytes of a token's latent where they are packed in a layout of their own, rotary part and scales included. */
  readonly latentBytes?: number;
}

/** Formats without packing or scales: 1, 2 or 4 bytes an element. */
export function plainFormat(elementBytes: 1 | 2 | 4): CacheFormat {
  return { elementBytes, scaleBytesPerHead: 0 };
}

/**
 * Formats that are more than an element size. Source: vLLM v1/kv_cache_interface.py, `AttentionSpec` and `MLAAttentionSpec`.
 * nvfp4: half a byte and one byte of scale each 16 elements. Per token and head: a float32 scale for the key and one for the value.
 * fp8_ds_mla: 512 bytes of latent, 16 of scales, 128 of rotary part.
 */
export const packedFormats = {
  nvfp4: { elementBytes: 1 / 2 + 1 / 16, scaleBytesPerHead: 0 },
  fp8_per_token_head: { elementBytes: 1, scaleBytesPerHead: 8 },
  int8_per_token_head: { elementBytes: 1, scaleBytesPerHead: 8 },
  int4_per_token_head: { elementBytes: 1 / 2, scaleBytesPerHead: 8 },
  fp8_ds_mla: { elementBytes: 1, scaleBytesPerHead: 0, latentBytes: 656 },
} as const satisfies Readonly<Record<string, CacheFormat>>;

/** Bytes of one token in one layer on a rank: KV heads are dealt to the ranks, at least one each. */
export function headTokenBytes(
  attention: HeadAttention,
  tensorParallelSize: number,
  format: CacheFormat,
): number {
  const heads = keyValueHeadsPerRank(attention.keyValueHeads, tensorParallelSize);
  const elements = attention.headSize + (attention.valueHeadSize ?? attention.headSize);
  return heads * (elements * format.elementBytes + format.scaleBytesPerHead);
}

/** Bytes of one token's latent in one layer: every rank of a tensor-parallel group holds all of it. */
export function latentTokenBytes(attention: LatentAttention, format: CacheFormat): number {
  return (
    format.latentBytes ??
    (attention.latentSize + attention.rotarySize) * format.elementBytes + format.scaleBytesPerHead
  );
}

/** Bytes of one token's key of sparse attention's indexer: fp8 with a float32 scale each 128 elements. */
export function indexerTokenBytes(headSize: number): number {
  return headSize + Math.floor(headSize / 128) * 4;
}
