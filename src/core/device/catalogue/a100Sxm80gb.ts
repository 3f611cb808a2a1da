import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const a100Sxm80gb: Device = {
  id: 'a100-sxm-80gb',
  label: 'A100 SXM 80 GB',
  driverNames: ['NVIDIA A100-SXM4-80GB'],
  aliases: ['a100', 'a100-80gb', 'a100-sxm'],
  smiTotalBytes: 81920 * MiB,
  cudaTotalBytes: Math.round(79.15 * GiB),
  multiprocessors: 108,
  memoryBytesPerSecond: 2039 * GB,
  flopsPerSecond: { bfloat16: 312 * TFLOPS, float16: 312 * TFLOPS },
  computeCapability: '8.0',
  link: 'nvlink',
  source:
    'aiconfigurator systems table (bandwidth, dense FLOPS); totals as nvidia-smi and logs print them (79.14 to 79.25 GiB seen)',
};
