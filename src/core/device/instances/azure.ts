import type { Instance } from './instance.ts';

function size(
  id: string,
  device: string,
  gpuCount: number,
  dollarsPerHour?: number,
  date?: string,
): Instance {
  const machine = { id: `Standard_${id}`, cloud: 'Azure', device, gpuCount };
  if (dollarsPerHour === undefined) return machine;
  return {
    ...machine,
    price: {
      dollarsPerHour,
      region: 'US list',
      ...(date === undefined ? {} : { date }),
      source: 'Azure list price',
    },
  };
}

/** Pay as you go, as others print it. Whole GPUs only: the parts of an A10 that NVadsA10 v5 rents are left out. */
export const azure: readonly Instance[] = [
  size('ND128isr_NDR_GB200_v6', 'gb200-186gb', 4),
  size('ND96isr_H200_v5', 'h200-sxm-141gb', 8, 110.24, '2026-05'),
  size('ND96isr_H100_v5', 'h100-sxm-80gb', 8, 98.32, '2026-05'),
  size('NC80adis_H100_v5', 'h100-nvl-94gb', 2),
  size('NC40ads_H100_v5', 'h100-nvl-94gb', 1),
  size('ND96isr_MI300X_v5', 'mi300x-192gb', 8),
  size('ND96amsr_A100_v4', 'a100-sxm-80gb', 8),
  size('ND96asr_v4', 'a100-sxm-40gb', 8),
  size('NC96ads_A100_v4', 'a100-pcie-80gb', 4, 14.69),
  size('NC48ads_A100_v4', 'a100-pcie-80gb', 2, 7.35),
  size('NC24ads_A100_v4', 'a100-pcie-80gb', 1, 3.67),
  size('NV72ads_A10_v5', 'a10-24gb', 2),
  size('NV36ads_A10_v5', 'a10-24gb', 1),
  size('ND40rs_v2', 'v100-sxm2-32gb', 8),
  size('NC64as_T4_v3', 't4-16gb', 4),
  size('NC4as_T4_v3', 't4-16gb', 1),
];
