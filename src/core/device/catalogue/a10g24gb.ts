import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const a10g24gb: Device = {
  id: 'a10g-24gb',
  label: 'A10G',
  driverNames: ['NVIDIA A10G'],
  aliases: ['a10g'],
  smiTotalBytes: 23028 * MiB,
  cudaTotalBytes: Math.round(22.06 * GiB),
  multiprocessors: 80,
  memoryBytesPerSecond: 600 * GB,
  flopsPerSecond: { bfloat16: 70 * TFLOPS, float16: 70 * TFLOPS },
  computeCapability: '8.6',
  link: 'pcie',
  source:
    'totals as nvidia-smi and logs print them (22.05 to 22.15 GiB seen); FLOPS and multiprocessors not verified',
};
