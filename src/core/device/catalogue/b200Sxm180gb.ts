import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const b200Sxm180gb: Device = {
  id: 'b200-sxm-180gb',
  label: 'B200',
  driverNames: ['NVIDIA B200'],
  aliases: ['b200', 'b200-sxm'],
  smiTotalBytes: 183359 * MiB,
  cudaTotalBytes: Math.round(178.36 * GiB),
  multiprocessors: 148,
  memoryBytesPerSecond: 7700 * GB,
  flopsPerSecond: { bfloat16: 2250 * TFLOPS, float16: 2250 * TFLOPS, fp8: 4500 * TFLOPS },
  computeCapability: '10.0',
  link: 'nvlink',
  source:
    'aiconfigurator systems table (7.7 to 8.0 TB/s, dense FLOPS); totals as nvidia-smi and logs print them; multiprocessors not verified',
};
