import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const v100Sxm216gb: Device = {
  id: 'v100-sxm2-16gb',
  label: 'V100 SXM2 16 GB',
  driverNames: ['Tesla V100-SXM2-16GB'],
  aliases: ['v100', 'v100-16gb'],
  smiTotalBytes: 16160 * MiB,
  cudaTotalBytes: Math.round(15.77 * GiB),
  multiprocessors: 80,
  memoryBytesPerSecond: 900 * GB,
  flopsPerSecond: { float16: 125 * TFLOPS },
  computeCapability: '7.0',
  link: 'nvlink',
  source: 'not verified: general knowledge of the card',
};
