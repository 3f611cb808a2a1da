import { type CacheFormat, packedFormats, plainFormat } from '../../memory/kv/cacheFormat.ts';
import type { StateCacheMode } from '../../memory/kv/layerSpecs.ts';
import type { StateDataType } from '../../memory/kv/stateBytes.ts';
import type { FlagReader } from '../flagReader.ts';
import { kvDataTypes } from './versions/kvDataTypes.ts';
import { releaseName } from './versions/releases.ts';

/** What a deployment asks of its KV cache; undefined where the engine chooses. */
export interface KvFlags {
  /** `--kv-cache-dtype`. */
  readonly format: CacheFormat | undefined;
  readonly blockSize: number | undefined;
  readonly stateBlockSize: number | undefined;
  readonly convDataType: StateDataType | undefined;
  readonly stateDataType: StateDataType | undefined;
  readonly stateCacheMode: StateCacheMode | undefined;
  readonly prefixCaching: boolean | undefined;
  readonly hybridManager: boolean;
  /** `--attention-backend`, in upper case; empty where the engine chooses. */
  readonly attentionBackend: string;
}

const formats = {
  auto: undefined,
  bfloat16: plainFormat(2),
  float16: plainFormat(2),
  fp8: plainFormat(1),
  fp8_e4m3: plainFormat(1),
  fp8_e5m2: plainFormat(1),
  fp8_inc: plainFormat(1),
  ...packedFormats,
} as const satisfies Readonly<Record<string, CacheFormat | undefined>>;

const stateDataTypes = {
  auto: undefined,
  float32: 'float32',
  float16: 'float16',
  bfloat16: 'bfloat16',
} as const satisfies Readonly<Record<string, StateDataType | undefined>>;

const stateCacheModes = {
  none: 'none',
  align: 'align',
  all: 'all',
} as const satisfies Readonly<Record<string, StateCacheMode>>;

/** Reads the flags of the KV cache; what the engine would refuse is kept in the reader. */
export function readKvFlags(flags: FlagReader, release: number): KvFlags {
  const blockSize = flags.whole('block-size', 1);
  if (blockSize !== undefined && blockSize % 16 !== 0) flags.refuse('block-size', 'a multiple of 16');
  const backend = flags.value('attention-backend');
  return {
    format: readFormat(flags, release),
    blockSize,
    stateBlockSize: flags.whole('mamba-block-size', 1),
    convDataType: flags.choice<StateDataType | undefined>('mamba-cache-dtype', stateDataTypes),
    stateDataType: flags.choice<StateDataType | undefined>('mamba-ssm-cache-dtype', stateDataTypes),
    stateCacheMode: flags.choice('mamba-cache-mode', stateCacheModes),
    prefixCaching:
      flags.value('enable-prefix-caching') === undefined
        ? undefined
        : flags.isOn('enable-prefix-caching', true),
    hybridManager: !flags.isOn('disable-hybrid-kv-cache-manager', false),
    attentionBackend: typeof backend === 'string' ? backend.toUpperCase() : '',
  };
}

function readFormat(flags: FlagReader, release: number): CacheFormat | undefined {
  const written = flags.value('kv-cache-dtype');
  if (written === undefined) return undefined;
  const taken = kvDataTypes(release);
  if (!taken.includes(String(written))) {
    flags.refuse(
      'kv-cache-dtype',
      `one of the values that vLLM ${releaseName(release)} takes (${taken.join(', ')})`,
    );
    return undefined;
  }
  return flags.choice<CacheFormat | undefined>('kv-cache-dtype', formats);
}
