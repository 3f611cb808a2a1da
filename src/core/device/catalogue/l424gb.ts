import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const l424gb: Device = {
  id: 'l4-24gb',
  label: 'L4',
  driverNames: ['NVIDIA L4'],
  aliases: ['l4'],
  smiTotalBytes: 23034 * MiB,
  cudaTotalBytes: Math.round(22.05 * GiB),
  multiprocessors: 58,
  memoryBytesPerSecond: 300 * GB,
  flopsPerSecond: { bfloat16: 121 * TFLOPS, float16: 121 * TFLOPS, fp8: 242 * TFLOPS },
  computeCapability: '8.9',
  link: 'pcie',
  source:
    'aiconfigurator systems table (bandwidth, dense FLOPS); totals as nvidia-smi and logs print them; multiprocessors not verified',
};
