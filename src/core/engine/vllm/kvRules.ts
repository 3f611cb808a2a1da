import type { StateCacheMode } from '../../memory/kv/layerSpecs.ts';
import type { KvRules } from '../../memory/kv/rules.ts';
import { isAttention, type ModelFacts } from '../../model/facts.ts';
import type { KvFlags } from './kvFlags.ts';

/**
 * How releases of vLLM lay out the KV cache, by minor version (26 for 0.26.1). Read from the released packages' v1/core/kv_cache_utils.py,
 * v1/kv_cache_interface.py, platforms/interface.py, platforms/cuda.py, model_executor/models/config.py.
 */
export function kvRules(minor: number, flags: KvFlags): KvRules {
  const managed = flags.hybridManager && minor >= 10;
  return {
    windowsFreed: managed,
    // Off by default, for its latency, in every release that was read.
    chunksFreed: false,
    groupSizeRatio: minor >= 19 ? 1.5 : minor >= 13 ? 1.25 : 1,
    padsPackedPages: minor < 29,
    fitFrom: minor >= 14 || minor < 8 ? 'groups' : 'layers',
    tokensFrom: minor >= 21 ? 'concurrency' : 'blocks',
    concurrencyFrom: minor >= 27 ? 'blocks' : minor >= 9 ? 'bytes' : 'tokens',
  };
}

/** States are pages of the KV cache from 0.10 on; before that they stood outside. */
export function statesArePaged(minor: number): boolean {
  return minor >= 10;
}

/** Models that can keep a state each block, by the engine's own list (`SupportsMambaPrefixCaching`). */
const STATE_EACH_BLOCK = new Set([
  'nemotron_h',
  'jamba',
  'mamba',
  'mamba2',
  'falcon_mamba',
  'zamba2',
  'granitemoehybrid',
  'falcon_h1',
]);

/** Source: model_executor/models/config.py, `MambaModelConfig`; engine/arg_utils.py for the default of prefix caching. */
export function stateCacheMode(minor: number, model: ModelFacts, flags: KvFlags): StateCacheMode {
  const hybrid = model.layers.some(({ mixers }) => mixers.some(isAttention));
  // Hybrids share prefixes by default from 0.28; models of states alone never do.
  const prefixCaching = minor >= 13 && (flags.prefixCaching ?? (hybrid && minor >= 28));
  if (!prefixCaching) return 'none';
  const eachBlock = STATE_EACH_BLOCK.has(model.modelType) && minor < 33;
  if (minor < 15) return eachBlock ? 'all' : 'none';
  if (flags.stateCacheMode === 'align') return 'align';
  if (flags.stateCacheMode === 'all' || minor < 28) return eachBlock ? 'all' : 'align';
  return 'align';
}

/** Tokens that a block of latent attention has, by the backend that is chosen for the GPU. */
export function latentBlockTokens(
  minor: number,
  computeMajor: number,
  sparse: boolean,
  elementBytes: number,
  backend: string,
): number {
  const named = blockTokensOf(backend, minor);
  if (named !== undefined) return named;
  if (sparse) return 64;
  if (minor < 18) return computeMajor === 9 ? 64 : computeMajor === 10 && minor >= 10 ? 128 : 16;
  // FlashInfer on data-centre Blackwell; FlashAttention on Hopper, which has no fp8 cache: FlashMLA then; Triton elsewhere.
  if (computeMajor === 10) return 32;
  return computeMajor === 9 && elementBytes === 1 ? 64 : 16;
}

function blockTokensOf(backend: string, minor: number): number | undefined {
  switch (backend) {
    case '':
      return undefined;
    case 'FLASHMLA':
      return 64;
    case 'CUTLASS_MLA':
      return 128;
    case 'FLASHINFER_MLA':
    case 'TOKENSPEED_MLA':
      return minor < 18 ? 64 : 32;
    case 'FLASHMLA_SPARSE':
    case 'FLASH_ATTN_MLA_SPARSE':
    case 'FLASHINFER_MLA_SPARSE':
      return 64;
    default:
      return 16;
  }
}
