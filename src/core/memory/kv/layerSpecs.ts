import { isAttention, type LayerFacts, type StateMixer, type TokenMixer } from '../../model/facts.ts';
import { type CacheFormat, headTokenBytes, indexerTokenBytes, latentTokenBytes } from './cacheFormat.ts';
import { type PlacedSpec, SpecPool } from './cacheSpec.ts';
import { compressedSpecs } from './compressedLatent.ts';
import { type StateInput, stateBytes } from './stateBytes.ts';

/** When a request's states are kept: only the newest, with the one before it, or one each block. */
export type StateCacheMode = 'none' | 'align' | 'all';

export interface LayerSpecInput {
  readonly tensorParallelSize: number;
  readonly format: CacheFormat;
  /** Tokens of a block, before hybrids are aligned. */
  readonly blockTokens: number;
  /** Of hybrids: what their blocks are a multiple of. */
  readonly hybridBlockStep: number;
  /** `--mamba-block-size`, or the kernel's chunk: what blocks are a multiple of where a state is kept each block. */
  readonly stateChunkTokens: number;
  readonly state: StateInput;
  readonly stateCacheMode: StateCacheMode;
  /** Further states of a request for checkpoints of its prefill. */
  readonly checkpointBlocks: number;
}

/** What every mixer of every layer keeps on a rank, in the order of the model. */
export function layerSpecs(layers: readonly LayerFacts[], input: LayerSpecInput): readonly PlacedSpec[] {
  const blockTokens = attentionBlockTokens(layers, input);
  const largestState = largestStateBytes(layers, input);
  const tokenBytes = attentionTokenBytes(layers, input);
  const statePage = tokenBytes === 0 ? undefined : Math.max(blockTokens * tokenBytes, largestState);
  const pool = new SpecPool();
  const placed: PlacedSpec[] = [];
  layers.forEach((facts, layer) => {
    for (const mixer of facts.mixers) {
      if (!isAttention(mixer)) {
        placed.push({ layer, spec: pool.intern(stateSpec(mixer, input, blockTokens, statePage)) });
      } else if (mixer.kind === 'latent' && mixer.compressRatio !== undefined) {
        for (const spec of compressedSpecs(mixer, blockTokens)) {
          placed.push({ layer, spec: pool.intern(spec) });
        }
      } else if (mixer.kind === 'latent') {
        const page = blockTokens * latentTokenBytes(mixer, input.format);
        placed.push({
          layer,
          spec: pool.intern({ kind: 'full', blockTokens, pageBytes: page, latent: true }),
        });
        if (mixer.indexerHeadSize !== undefined) {
          const indexerPage = blockTokens * indexerTokenBytes(mixer.indexerHeadSize);
          placed.push({
            layer,
            spec: pool.intern({ kind: 'full', blockTokens, pageBytes: indexerPage, latent: true }),
          });
        }
      } else if (mixer.sharesCache !== true) {
        const { kind, windowTokens } = mixer;
        const pageBytes = blockTokens * headTokenBytes(mixer, input.tensorParallelSize, input.format);
        placed.push({
          layer,
          spec: pool.intern({
            kind,
            blockTokens,
            pageBytes,
            ...(windowTokens === undefined ? {} : { windowTokens }),
          }),
        });
      }
    }
  });
  return placed;
}

/**
 * Tokens of an attention block. Hybrids: the fewest of a step whose page is no smaller than a state's.
 * Source: vLLM platforms/interface.py, `_align_hybrid_block_size`; up to 0.19 model_executor/models/config.py,
 * `HybridAttentionMambaModelConfig`.
 */
function attentionBlockTokens(layers: readonly LayerFacts[], input: LayerSpecInput): number {
  const state = largestStateBytes(layers, input);
  const tokenBytes = attentionTokenBytes(layers, input);
  if (state === 0 || tokenBytes === 0) return input.blockTokens;
  const step =
    input.stateCacheMode === 'all'
      ? leastCommonMultiple(input.stateChunkTokens, input.hybridBlockStep)
      : input.hybridBlockStep;
  return Math.max(input.blockTokens, step * Math.ceil(state / (step * tokenBytes)));
}

/** Bytes of a token in the model's first layer of attention; 0 where it has none. */
function attentionTokenBytes(layers: readonly LayerFacts[], input: LayerSpecInput): number {
  const mixer = firstMixer(layers, isAttention);
  if (mixer === undefined || !isAttention(mixer)) return 0;
  return mixer.kind === 'latent'
    ? latentTokenBytes(mixer, input.format)
    : headTokenBytes(mixer, input.tensorParallelSize, input.format);
}

function largestStateBytes(layers: readonly LayerFacts[], input: LayerSpecInput): number {
  let bytes = 0;
  for (const { mixers } of layers) {
    for (const mixer of mixers) {
      if (!isAttention(mixer)) bytes = Math.max(bytes, stateBytes(mixer, input.state));
    }
  }
  return bytes;
}

function firstMixer(
  layers: readonly LayerFacts[],
  wanted: (mixer: TokenMixer) => boolean,
): TokenMixer | undefined {
  for (const { mixers } of layers) {
    const found = mixers.find(wanted);
    if (found !== undefined) return found;
  }
  return undefined;
}

function stateSpec(mixer: StateMixer, input: LayerSpecInput, blockTokens: number, page: number | undefined) {
  const pageBytes = page ?? stateBytes(mixer, input.state);
  const { draftTokens } = input.state;
  switch (input.stateCacheMode) {
    case 'all':
      return { kind: 'state', blockTokens, pageBytes } as const;
    case 'align':
      return {
        kind: 'state',
        blockTokens,
        pageBytes,
        fixedBlocks: 2 + draftTokens + input.checkpointBlocks,
      } as const;
    case 'none':
      return {
        kind: 'state',
        blockTokens: Number.POSITIVE_INFINITY,
        pageBytes,
        fixedBlocks: 1 + draftTokens,
      } as const;
  }
}

export function leastCommonMultiple(a: number, b: number): number {
  let x = a;
  let y = b;
  while (y !== 0) [x, y] = [y, x % y];
  return (a / x) * b;
}
