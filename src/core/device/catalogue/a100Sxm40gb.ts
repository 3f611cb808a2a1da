import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const a100Sxm40gb: Device = {
  id: 'a100-sxm-40gb',
  label: 'A100 SXM 40 GB',
  driverNames: ['NVIDIA A100-SXM4-40GB'],
  aliases: ['a100-40gb'],
  smiTotalBytes: 40960 * MiB,
  cudaTotalBytes: Math.round(39.49 * GiB),
  multiprocessors: 108,
  memoryBytesPerSecond: 1555 * GB,
  flopsPerSecond: { bfloat16: 312 * TFLOPS, float16: 312 * TFLOPS },
  computeCapability: '8.0',
  link: 'nvlink',
  source: 'CUDA total from a log; nvidia-smi total and bandwidth not verified',
};
