import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const l40s48gb: Device = {
  id: 'l40s-48gb',
  label: 'L40S',
  driverNames: ['NVIDIA L40S'],
  aliases: ['l40s'],
  smiTotalBytes: 46068 * MiB,
  cudaTotalBytes: Math.round(44.4 * GiB),
  multiprocessors: 142,
  memoryBytesPerSecond: 864 * GB,
  flopsPerSecond: { bfloat16: 362 * TFLOPS, float16: 362 * TFLOPS, fp8: 733 * TFLOPS },
  computeCapability: '8.9',
  link: 'pcie',
  source:
    'aiconfigurator systems table (bandwidth, dense FLOPS); totals as nvidia-smi and logs print them; multiprocessors not verified',
};
