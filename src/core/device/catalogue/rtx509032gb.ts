import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const rtx509032gb: Device = {
  id: 'rtx-5090-32gb',
  label: 'RTX 5090',
  driverNames: ['NVIDIA GeForce RTX 5090'],
  aliases: ['rtx-5090', 'rtx5090', '5090'],
  smiTotalBytes: 32607 * MiB,
  cudaTotalBytes: Math.round(31.36 * GiB),
  multiprocessors: 170,
  memoryBytesPerSecond: 1792 * GB,
  flopsPerSecond: { bfloat16: 209.5 * TFLOPS, float16: 209.5 * TFLOPS, fp8: 419 * TFLOPS },
  computeCapability: '12.0',
  link: 'pcie',
  source: 'totals as nvidia-smi and logs print them; bandwidth, FLOPS and multiprocessors not verified',
};
