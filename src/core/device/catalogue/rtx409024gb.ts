import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const rtx409024gb: Device = {
  id: 'rtx-4090-24gb',
  label: 'RTX 4090',
  driverNames: ['NVIDIA GeForce RTX 4090'],
  aliases: ['rtx-4090', 'rtx4090', '4090'],
  smiTotalBytes: 24564 * MiB,
  cudaTotalBytes: Math.round(23.52 * GiB),
  multiprocessors: 128,
  memoryBytesPerSecond: 1008 * GB,
  flopsPerSecond: { bfloat16: 165 * TFLOPS, float16: 165 * TFLOPS },
  computeCapability: '8.9',
  link: 'pcie',
  source:
    'totals as nvidia-smi and logs print them (23.5 to 23.65 GiB seen); bandwidth, FLOPS and multiprocessors not verified',
};
