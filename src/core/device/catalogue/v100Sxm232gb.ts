import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';

const TFLOPS = 1e12;

export const v100Sxm232gb: Device = {
  id: 'v100-sxm2-32gb',
  label: 'V100 SXM2 32 GB',
  driverNames: ['Tesla V100-SXM2-32GB'],
  aliases: ['v100-32gb'],
  smiTotalBytes: 32510 * MiB,
  cudaTotalBytes: Math.round(31.74 * GiB),
  multiprocessors: 80,
  memoryBytesPerSecond: 900 * GB,
  flopsPerSecond: { float16: 125 * TFLOPS },
  computeCapability: '7.0',
  link: 'nvlink',
  source: 'not verified: general knowledge of the card',
};
