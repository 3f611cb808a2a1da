import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const h200Sxm141gb: Device = {
  id: 'h200-sxm-141gb',
  label: 'H200',
  driverNames: ['NVIDIA H200'],
  aliases: ['h200', 'h200-sxm'],
  smiTotalBytes: 143771 * MiB,
  cudaTotalBytes: Math.round(139.8 * GiB),
  multiprocessors: 132,
  memoryBytesPerSecond: 4800 * GB,
  flopsPerSecond: { bfloat16: 989 * TFLOPS, float16: 989 * TFLOPS, fp8: 1978 * TFLOPS },
  computeCapability: '9.0',
  link: 'nvlink',
  source:
    'memory totals and multiprocessors recorded on an H200 (driver 580.159.04); aiconfigurator systems table (bandwidth, dense FLOPS)',
};
