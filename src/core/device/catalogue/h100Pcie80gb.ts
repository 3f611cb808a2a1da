import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const h100Pcie80gb: Device = {
  id: 'h100-pcie-80gb',
  label: 'H100 PCIe 80 GB',
  driverNames: ['NVIDIA H100 PCIe'],
  aliases: ['h100-pcie'],
  smiTotalBytes: 81559 * MiB,
  cudaTotalBytes: Math.round(79.19 * GiB),
  multiprocessors: 114,
  memoryBytesPerSecond: 2000 * GB,
  flopsPerSecond: { bfloat16: 756.5 * TFLOPS, float16: 756.5 * TFLOPS, fp8: 1513 * TFLOPS },
  computeCapability: '9.0',
  link: 'pcie',
  source:
    "aiconfigurator systems table (bandwidth, dense FLOPS); memory totals not verified, taken as the SXM card's",
};
