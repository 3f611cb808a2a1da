import type { Device } from '../device/device.ts';

/** GPUs whose kernels are alike. */
export type GpuGeneration =
  | 'volta'
  | 'turing'
  | 'ampere'
  | 'ada'
  | 'hopper'
  | 'blackwell'
  | 'cdna2'
  | 'cdna3'
  | 'cdna4';

const byCapability: ReadonlyMap<string, GpuGeneration> = new Map([
  ['7.0', 'volta'],
  ['7.5', 'turing'],
  ['8.0', 'ampere'],
  ['8.6', 'ampere'],
  ['8.7', 'ampere'],
  ['8.9', 'ada'],
  ['9.0', 'hopper'],
  ['gfx90a', 'cdna2'],
  ['gfx942', 'cdna3'],
  ['gfx950', 'cdna4'],
]);

/** The generation by compute capability (AMD: architecture). One that is not known is taken as the newest of its vendor. */
export function gpuGeneration({ computeCapability, vendor }: Device): GpuGeneration {
  return byCapability.get(computeCapability) ?? (vendor === 'amd' ? 'cdna4' : 'blackwell');
}
