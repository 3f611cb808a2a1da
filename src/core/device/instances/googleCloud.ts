import type { Instance } from './instance.ts';

function machineType(
  id: string,
  device: string,
  gpuCount: number,
  dollarsPerHour?: number,
  date?: string,
): Instance {
  const machine = { id, cloud: 'Google Cloud', device, gpuCount };
  if (dollarsPerHour === undefined) return machine;
  return {
    ...machine,
    price: {
      dollarsPerHour,
      region: 'US, cheapest region',
      ...(date === undefined ? {} : { date }),
      source: 'Google Cloud list price',
    },
  };
}

/** On demand, as others print it. */
export const googleCloud: readonly Instance[] = [
  machineType('a4x-highgpu-4g', 'gb200-186gb', 4),
  machineType('a4-highgpu-8g', 'b200-sxm-180gb', 8),
  machineType('a3-ultragpu-8g', 'h200-sxm-141gb', 8, 86.76, '2026-05'),
  machineType('a3-megagpu-8g', 'h100-sxm-80gb', 8, 92.94, '2026-05'),
  machineType('a3-highgpu-8g', 'h100-sxm-80gb', 8, 88.49, '2026-05'),
  machineType('a3-highgpu-4g', 'h100-sxm-80gb', 4),
  machineType('a3-highgpu-2g', 'h100-sxm-80gb', 2),
  machineType('a3-highgpu-1g', 'h100-sxm-80gb', 1),
  machineType('a2-ultragpu-8g', 'a100-sxm-80gb', 8),
  machineType('a2-ultragpu-4g', 'a100-sxm-80gb', 4),
  machineType('a2-ultragpu-2g', 'a100-sxm-80gb', 2),
  machineType('a2-ultragpu-1g', 'a100-sxm-80gb', 1, 5.07),
  machineType('a2-highgpu-8g', 'a100-sxm-40gb', 8, 29.3849),
  machineType('a2-highgpu-4g', 'a100-sxm-40gb', 4, 14.6924),
  machineType('a2-highgpu-2g', 'a100-sxm-40gb', 2, 7.3462),
  machineType('a2-highgpu-1g', 'a100-sxm-40gb', 1, 3.6731),
  machineType('g4-standard-384', 'rtx-pro-6000-96gb', 8),
  machineType('g4-standard-192', 'rtx-pro-6000-96gb', 4),
  machineType('g4-standard-96', 'rtx-pro-6000-96gb', 2),
  machineType('g4-standard-48', 'rtx-pro-6000-96gb', 1),
  machineType('g2-standard-96', 'l4-24gb', 8),
  machineType('g2-standard-48', 'l4-24gb', 4),
  machineType('g2-standard-24', 'l4-24gb', 2),
  machineType('g2-standard-4', 'l4-24gb', 1, 0.708),
];
