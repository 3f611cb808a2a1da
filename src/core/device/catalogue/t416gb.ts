import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const t416gb: Device = {
  id: 't4-16gb',
  label: 'T4',
  driverNames: ['Tesla T4'],
  aliases: ['t4'],
  smiTotalBytes: 15360 * MiB,
  cudaTotalBytes: Math.round(14.58 * GiB),
  multiprocessors: 40,
  memoryBytesPerSecond: 320 * GB,
  flopsPerSecond: { float16: 65 * TFLOPS },
  computeCapability: '7.5',
  link: 'pcie',
  source:
    'nvidia-smi total as printed; CUDA total (14.6 to 14.75 GiB seen), bandwidth, FLOPS and multiprocessors not verified',
};
