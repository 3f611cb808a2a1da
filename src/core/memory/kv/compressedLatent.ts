import type { LatentAttention } from '../../model/facts.ts';
import { indexerTokenBytes } from './cacheFormat.ts';
import type { CacheSpec } from './cacheSpec.ts';

/** Tokens of a block of DeepSeek-V4: `get_preferred_block_size` of its backend. */
export const COMPRESSED_BLOCK_TOKENS = 256;

/** Pages are whole multiples of this: the row of FlashMLA's packed layout. */
const PAGE_STEP = 576;
/** 448 bytes of latent, 128 of rotary part, 8 of scales. */
const STORED_STATE_BYTES = 584;
const WINDOW_BLOCK_TOKENS = 64;
/** A compressor's state is float32, one part for values and one for their scores. */
const COMPRESSOR_BYTES_PER_ELEMENT = 2 * 4;

/**
 * What a layer of DeepSeek-V4 keeps: its window; the states that `compressRatio` tokens are compressed to, with an indexer where
 * four are; and the tokens that the compressors still work on. Source: vLLM 0.26 models/deepseek_v4/attention.py and
 * compressor.py, v1/attention/backends/mla/sparse_swa.py.
 */
export function compressedSpecs(attention: LatentAttention, blockTokens: number): readonly CacheSpec[] {
  const ratio = attention.compressRatio ?? 0;
  const specs = [
    sliding(WINDOW_BLOCK_TOKENS, attention.windowTokens ?? 128, WINDOW_BLOCK_TOKENS * STORED_STATE_BYTES),
  ];
  if (ratio <= 1) return specs;
  const states = blockTokens / ratio;
  // A compressor of four looks at the four before, too.
  const overlap = ratio === 4 ? 2 : 1;
  const compressorBlock = ratio === 4 ? 4 : 8;
  const compressor = (headSize: number) =>
    sliding(
      compressorBlock,
      overlap * ratio,
      compressorBlock * overlap * headSize * COMPRESSOR_BYTES_PER_ELEMENT,
    );
  specs.push(full(blockTokens, states * STORED_STATE_BYTES));
  specs.push(compressor(attention.latentSize + attention.rotarySize));
  if (ratio === 4 && attention.indexerHeadSize !== undefined) {
    specs.push(full(blockTokens, states * indexerTokenBytes(attention.indexerHeadSize)));
    specs.push(compressor(attention.indexerHeadSize));
  }
  return specs;
}

function full(blockTokens: number, bytes: number): CacheSpec {
  return { kind: 'full', blockTokens, pageBytes: wholePage(bytes), latent: true };
}

function sliding(blockTokens: number, windowTokens: number, bytes: number): CacheSpec {
  return { kind: 'sliding-window', blockTokens, windowTokens, pageBytes: wholePage(bytes), latent: true };
}

function wholePage(bytes: number): number {
  return Math.ceil(bytes / PAGE_STEP) * PAGE_STEP;
}
