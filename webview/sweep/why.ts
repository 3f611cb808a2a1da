import type { BoundKind } from '../../src/core/sweep/cellResult.ts';

const words: Readonly<Record<BoundKind, string>> = {
  compute: 'compute',
  hbm: 'HBM bandwidth',
  pcie: 'PCIe',
  nvlink: 'NVLink',
  host: 'the host’s CPU',
  kv: 'KV cache',
  client: 'the client',
  throttled: 'throttling',
  unknown: 'not known',
};

export function boundWords(bound: BoundKind): string {
  return words[bound];
}
