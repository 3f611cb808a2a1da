import {
  type CacheFormat,
  headTokenBytes,
  indexerTokenBytes,
  latentTokenBytes,
} from '../memory/kv/cacheFormat.ts';
import { type StateInput, stateBytes } from '../memory/kv/stateBytes.ts';
import { type LayerGroup, layerGroups } from '../memory/layerGroups.ts';
import type { HeadAttention, LatentAttention, ModelFacts, TokenMixer } from '../model/facts.ts';

/** Attention of like layers, one rank's part. */
export interface AttentionReads {
  /** Tokens of context that a query sees at most; Infinity without a window. */
  readonly windowTokens: number;
  /** True where the window is a chunk, of which a query sees half on average. */
  readonly chunked: boolean;
  /** Context tokens that one entry of the cache stands for; 1 where every token has its own. */
  readonly tokensPerEntry: number;
  /** Bytes read for each entry seen. */
  readonly bytesPerEntry: number;
  /** Operations of one query of decode on one entry. */
  readonly decodeFlopsPerEntry: number;
  /** Operations of one query of a prompt on one entry. */
  readonly prefillFlopsPerEntry: number;
}

/** What a step reads and writes of one request's cache, and computes on it: one rank, over all pipeline stages. */
export interface CacheReads {
  readonly attentions: readonly AttentionReads[];
  /** Of states that do not grow with the context. Each token reads and writes them once. */
  readonly stateBytes: number;
}

/** What the reads depend on beside the model. */
export interface CacheReadsInput {
  readonly tensorParallelSize: number;
  /** Ranks that a request's tokens are spread over. */
  readonly contextParallelSize: number;
  readonly format: CacheFormat;
  readonly state: StateInput;
}

/** Latents that sparse attention picks for a query. Source: `index_topk` of DeepSeek-V3.2 and GLM-5. */
const SPARSE_TOKENS = 2048;

/** The reads of every layer, like ones together. */
export function cacheReads(model: ModelFacts, input: CacheReadsInput): CacheReads {
  const whole = { first: 0, end: model.layers.length, isFirst: true, isLast: true };
  const attentions: AttentionReads[] = [];
  let bytes = 0;
  for (const { layer, count } of layerGroups(model, whole)) {
    for (const mixer of layer.mixers) {
      const found = readsOf(mixer, input);
      if (typeof found === 'number') bytes += count * found;
      else for (const one of found) attentions.push(times(one, count, input.contextParallelSize));
    }
  }
  return { attentions, stateBytes: bytes };
}

function times(reads: AttentionReads, count: LayerGroup['count'], ranks: number): AttentionReads {
  const share = count / ranks;
  return {
    ...reads,
    bytesPerEntry: reads.bytesPerEntry * share,
    decodeFlopsPerEntry: reads.decodeFlopsPerEntry * share,
    prefillFlopsPerEntry: reads.prefillFlopsPerEntry * share,
  };
}

/** Attention by its reads; a state by its bytes. */
function readsOf(mixer: TokenMixer, input: CacheReadsInput): readonly AttentionReads[] | number {
  switch (mixer.kind) {
    case 'latent':
      return latentReads(mixer, input);
    case 'full':
    case 'sliding-window':
    case 'chunked':
      return [headReads(mixer, input)];
    default:
      return stateBytes(mixer, input.state);
  }
}

function headReads(mixer: HeadAttention, input: CacheReadsInput): AttentionReads {
  const width = mixer.headSize + (mixer.valueHeadSize ?? mixer.headSize);
  const flops = (2 * mixer.queryHeads * width) / input.tensorParallelSize;
  return {
    windowTokens: mixer.windowTokens ?? Number.POSITIVE_INFINITY,
    chunked: mixer.kind === 'chunked',
    tokensPerEntry: 1,
    bytesPerEntry: headTokenBytes(mixer, input.tensorParallelSize, input.format),
    decodeFlopsPerEntry: flops,
    prefillFlopsPerEntry: flops,
  };
}

/**
 * Latent attention (DeepSeek-V2, arXiv:2405.04434). Decode absorbs the up-projections into queries and outputs: every head works on the
 * latent itself. Prefill makes keys and values of each head.
 */
function latentReads(mixer: LatentAttention, input: CacheReadsInput): readonly AttentionReads[] {
  const heads = mixer.queryHeads / input.tensorParallelSize;
  const bytes = latentTokenBytes(mixer, input.format);
  const latent: AttentionReads = {
    windowTokens:
      mixer.indexerHeadSize === undefined
        ? (mixer.windowTokens ?? Number.POSITIVE_INFINITY)
        : Math.min(SPARSE_TOKENS, mixer.windowTokens ?? SPARSE_TOKENS),
    chunked: false,
    tokensPerEntry: 1,
    bytesPerEntry: bytes,
    decodeFlopsPerEntry: 2 * heads * (2 * mixer.latentSize + mixer.rotarySize),
    prefillFlopsPerEntry: 2 * heads * (mixer.headSize + mixer.rotarySize + mixer.valueHeadSize),
  };
  const reads = [latent];
  if (mixer.indexerHeadSize !== undefined) {
    // The indexer scores every token of the context; its own heads are few.
    const flops = 2 * mixer.indexerHeadSize * heads;
    reads.push({
      ...latent,
      windowTokens: Number.POSITIVE_INFINITY,
      bytesPerEntry: indexerTokenBytes(mixer.indexerHeadSize),
      decodeFlopsPerEntry: flops,
      prefillFlopsPerEntry: flops,
    });
  }
  if (mixer.compressRatio !== undefined && mixer.compressRatio > 0) {
    reads.push({ ...latent, windowTokens: Number.POSITIVE_INFINITY, tokensPerEntry: mixer.compressRatio });
  }
  return reads;
}

/** Entries that a query sees at a context of so many tokens. */
export function entriesSeen(reads: AttentionReads, context: number): number {
  const { windowTokens, chunked, tokensPerEntry } = reads;
  if (context <= windowTokens) return context / tokensPerEntry;
  return (chunked ? windowTokens / 2 : windowTokens) / tokensPerEntry;
}

/** Pairs of query and entry over the new tokens of a prompt that has `before` tokens already: each sees those up to itself. */
export function pairsSeen(reads: AttentionReads, before: number, tokens: number): number {
  return pairsUpTo(reads, before + tokens) - pairsUpTo(reads, before);
}

function pairsUpTo({ windowTokens, chunked, tokensPerEntry }: AttentionReads, tokens: number): number {
  const growing = Math.min(tokens, windowTokens);
  const rest = tokens - growing;
  const pairs =
    (growing * growing) / 2 + (rest === 0 ? 0 : rest * (chunked ? windowTokens / 2 : windowTokens));
  return pairs / tokensPerEntry;
}
