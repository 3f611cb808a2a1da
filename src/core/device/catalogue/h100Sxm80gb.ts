import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const h100Sxm80gb: Device = {
  id: 'h100-sxm-80gb',
  label: 'H100 SXM 80 GB',
  driverNames: ['NVIDIA H100 80GB HBM3'],
  aliases: ['h100', 'h100-sxm', 'h100-80gb'],
  smiTotalBytes: 81559 * MiB,
  cudaTotalBytes: Math.round(79.19 * GiB),
  multiprocessors: 132,
  memoryBytesPerSecond: 3350 * GB,
  flopsPerSecond: { bfloat16: 989 * TFLOPS, float16: 989 * TFLOPS, fp8: 1978 * TFLOPS },
  computeCapability: '9.0',
  link: 'nvlink',
  source:
    'aiconfigurator systems table (bandwidth, dense FLOPS); totals as nvidia-smi and vLLM logs print them',
};
