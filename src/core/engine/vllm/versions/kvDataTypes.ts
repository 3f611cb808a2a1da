import { type Release, releaseIndex } from './releases.ts';

/**
 * The releases that first took each value of `--kv-cache-dtype`. Source: `CacheDType` of every release read: config/cache.py, before
 * 0.10 config.py, and 0.6.6's engine/arg_utils.py.
 */
const taken: readonly { readonly since: Release; readonly values: readonly string[] }[] = [
  { since: '0.6.6.post1', values: ['auto', 'fp8', 'fp8_e4m3', 'fp8_e5m2'] },
  { since: '0.10.2', values: ['fp8_inc'] },
  { since: '0.11.2', values: ['bfloat16', 'fp8_ds_mla'] },
  { since: '0.19.1', values: ['float16'] },
  {
    since: '0.21.0',
    values: [
      'turboquant_k8v4',
      'turboquant_4bit_nc',
      'turboquant_k3v4_nc',
      'turboquant_3bit_nc',
      'int8_per_token_head',
      'fp8_per_token_head',
      'nvfp4',
    ],
  },
  { since: '0.25.1', values: ['int4_per_token_head'] },
  { since: '0.28.0', values: ['nvfp4_4over6'] },
  { since: '0.30.0', values: ['nvfp4_ds_mla'] },
  { since: '0.32.0', values: ['ultraquant_4bit'] },
  { since: '0.33.0', values: ['octave_k3v4', 'octave_k3v3', 'octave_k3v3_compact'] },
];

/** The values of `--kv-cache-dtype` that a release takes. */
export function kvDataTypes(release: number): readonly string[] {
  return taken.flatMap(({ since, values }) => (release >= releaseIndex(since) ? values : []));
}

/** What decides about a type of the KV cache beside its name. */
export interface KvDataTypeUse {
  readonly dataType: string;
  readonly release: number;
  readonly computeCapability: string;
  /** Whether the model keeps latents (MLA). */
  readonly latent: boolean;
  /** In upper case; empty where the engine chooses. */
  readonly attentionBackend: string;
}

/**
 * Why no attention backend of a release takes a type of the KV cache on a GPU, as the end of a sentence; undefined where one does.
 * Source: v1/attention/backends/flashinfer.py, triton_attn.py and mla/triton_mla.py.
 */
export function kvDataTypeRefusal(use: KvDataTypeUse): string | undefined {
  const capability = Number.parseFloat(use.computeCapability);
  if (Number.isNaN(capability)) return undefined;
  if (use.dataType.startsWith('nvfp4')) return nvfp4Refusal(use, capability);
  if (use.dataType.startsWith('fp8')) return fp8Refusal(use, capability);
  if (use.dataType === 'bfloat16' && capability < 8 && use.release >= releaseIndex('0.24.0')) {
    return 'compute capability 8.0 is needed';
  }
  return undefined;
}

/** TensorRT-LLM's kernels are for compute capability 10.x; since 0.32 FlashAttention 2 reads plain nvfp4 on 8.x, 9.x and 12.x. */
function nvfp4Refusal({ dataType, release, latent }: KvDataTypeUse, capability: number): string | undefined {
  if (latent && dataType !== 'nvfp4_ds_mla') return 'no backend for latents (MLA) takes it';
  const family = Math.floor(capability);
  if (family === 10) return undefined;
  const older = dataType === 'nvfp4' && release >= releaseIndex('0.32.0');
  if (older && (family === 8 || family === 9 || family === 12)) return undefined;
  return older ? 'compute capability 8.x, 9.x, 10.x or 12.x is needed' : 'compute capability 10.x is needed';
}

/**
 * Triton has refused fp8 below 8.9 since 0.24, its kernel for latents since 0.26; below 8.0 it is the only backend, and the only one
 * for latents below 9.0. Before 0.17 its kernel for latents had no fp8 at all.
 */
function fp8Refusal(use: KvDataTypeUse, capability: number): string | undefined {
  const since = (release: Release) => use.release >= releaseIndex(release);
  if (use.latent) {
    const family = Math.floor(capability);
    if (since('0.11.2') && !since('0.17.1') && family !== 9 && family !== 10) {
      return 'latents (MLA) need compute capability 9.x or 10.x for it';
    }
    return since('0.26.0') && capability < 8.9
      ? 'latents (MLA) need compute capability 8.9 for it'
      : undefined;
  }
  if (!since('0.24.0')) return undefined;
  const triton = use.attentionBackend === 'TRITON_ATTN' || use.dataType === 'fp8_per_token_head';
  if (triton && capability < 8.9) return 'the Triton backend needs compute capability 8.9 for it';
  return capability < 8 ? 'compute capability 8.0 is needed' : undefined;
}
