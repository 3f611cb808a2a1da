import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const rtxPro600096gb: Device = {
  id: 'rtx-pro-6000-96gb',
  label: 'RTX PRO 6000 Blackwell',
  driverNames: [
    'NVIDIA RTX PRO 6000 Blackwell Server Edition',
    'NVIDIA RTX PRO 6000 Blackwell Workstation Edition',
  ],
  aliases: ['rtx-pro-6000', 'rtxpro6000'],
  smiTotalBytes: 97887 * MiB,
  cudaTotalBytes: Math.round(94.97 * GiB),
  multiprocessors: 188,
  memoryBytesPerSecond: 1792 * GB,
  flopsPerSecond: { bfloat16: 467.8 * TFLOPS, float16: 467.8 * TFLOPS, fp8: 935.6 * TFLOPS },
  computeCapability: '12.0',
  link: 'pcie',
  source:
    'aiconfigurator systems table (bandwidth, dense FLOPS); totals as nvidia-smi and logs print them; multiprocessors not verified',
};
