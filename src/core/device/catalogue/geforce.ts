import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';
import { densePeaks, gibibytes, nvlink, pcie } from '../figures.ts';

const blackwell = { vendor: 'nvidia', computeCapability: '12.0', link: 'pcie', pcie: pcie(5) } as const;
const ada = { vendor: 'nvidia', computeCapability: '8.9', link: 'pcie', pcie: pcie(4) } as const;
const ampere = { vendor: 'nvidia', computeCapability: '8.6', link: 'pcie', pcie: pcie(4) } as const;

/** GeForce. Their peaks are those with sums in float32, half of the printed ones. */
export const geForce: readonly Device[] = [
  {
    ...blackwell,
    id: 'rtx-5090-32gb',
    label: 'RTX 5090',
    driverNames: ['NVIDIA GeForce RTX 5090'],
    aliases: ['rtx-5090', 'rtx5090', '5090'],
    smiTotalBytes: 32607 * MiB,
    cudaTotalBytes: gibibytes(31.36),
    multiprocessors: 170,
    memoryBytesPerSecond: 1792 * GB,
    flopsPerSecond: densePeaks({ tf32: 104.8, half: 209.5, fp8: 419, fp4: 1676, int8: 838 }),
    powerWatts: 575,
    source:
      "totals as nvidia-smi and logs print them (31.36 to 31.37 GiB); NVIDIA's RTX Blackwell whitepaper, cited from memory (bandwidth, dense FLOPS, multiprocessors, power)",
  },
  {
    ...blackwell,
    id: 'rtx-5080-16gb',
    label: 'RTX 5080',
    driverNames: ['NVIDIA GeForce RTX 5080'],
    aliases: ['rtx-5080', 'rtx5080', '5080'],
    smiTotalBytes: 16303 * MiB,
    cudaTotalBytes: gibibytes(15.47),
    multiprocessors: 84,
    memoryBytesPerSecond: 960 * GB,
    flopsPerSecond: densePeaks({ tf32: 56.3, half: 112.6, fp8: 225.1, fp4: 900.4, int8: 450.2 }),
    powerWatts: 360,
    source:
      "totals as nvidia-smi and PyTorch messages print them; NVIDIA's RTX Blackwell whitepaper, cited from memory (bandwidth, dense FLOPS, multiprocessors, power)",
  },
  {
    ...ada,
    id: 'rtx-4090-24gb',
    label: 'RTX 4090',
    driverNames: ['NVIDIA GeForce RTX 4090'],
    aliases: ['rtx-4090', 'rtx4090', '4090'],
    smiTotalBytes: 24564 * MiB,
    cudaTotalBytes: gibibytes(23.52),
    multiprocessors: 128,
    memoryBytesPerSecond: 1008 * GB,
    flopsPerSecond: densePeaks({ tf32: 82.6, half: 165.2, fp8: 330.3, int8: 660.6 }),
    powerWatts: 450,
    source:
      "totals as nvidia-smi and logs print them (23.5 to 23.65 GiB seen); NVIDIA's Ada whitepaper, cited from memory (bandwidth, dense FLOPS, multiprocessors, power)",
  },
  {
    ...ada,
    id: 'rtx-4090-d-24gb',
    label: 'RTX 4090 D',
    driverNames: ['NVIDIA GeForce RTX 4090 D'],
    aliases: ['rtx-4090-d', 'rtx4090d', '4090d', '4090-d'],
    smiTotalBytes: 24564 * MiB,
    cudaTotalBytes: gibibytes(23.52),
    cudaTotalUncertainBytes: Math.round(0.1 * GiB),
    multiprocessors: 114,
    memoryBytesPerSecond: 1008 * GB,
    flopsPerSecond: densePeaks({ tf32: 73.5, half: 147.1, fp8: 294.2, int8: 588.3 }),
    powerWatts: 425,
    source:
      'an RTX 4090 with 114 of 128 multiprocessors: totals and bandwidth taken as its, FLOPS in proportion; not verified',
  },
  {
    ...ada,
    id: 'rtx-4080-16gb',
    label: 'RTX 4080',
    driverNames: ['NVIDIA GeForce RTX 4080'],
    aliases: ['rtx-4080', 'rtx4080', '4080'],
    smiTotalBytes: 16376 * MiB,
    cudaTotalBytes: gibibytes(15.7),
    cudaTotalUncertainBytes: Math.round(0.1 * GiB),
    multiprocessors: 76,
    memoryBytesPerSecond: 716.8 * GB,
    flopsPerSecond: densePeaks({ tf32: 48.7, half: 97.5, fp8: 194.9, int8: 389.9 }),
    powerWatts: 320,
    source:
      "NVIDIA's Ada whitepaper, cited from memory (bandwidth, dense FLOPS, multiprocessors, power); CUDA total as PyTorch messages of 16 GB Ada cards print it",
  },
  {
    ...ampere,
    id: 'rtx-3090-ti-24gb',
    label: 'RTX 3090 Ti',
    driverNames: ['NVIDIA GeForce RTX 3090 Ti'],
    aliases: ['rtx-3090-ti', 'rtx3090ti', '3090ti', '3090-ti'],
    smiTotalBytes: 24564 * MiB,
    cudaTotalBytes: gibibytes(23.55),
    cudaTotalUncertainBytes: Math.round(0.1 * GiB),
    multiprocessors: 84,
    memoryBytesPerSecond: 1008 * GB,
    flopsPerSecond: densePeaks({ tf32: 40, half: 80, int8: 320 }),
    bridge: nvlink(3, 56.25),
    powerWatts: 450,
    source:
      "totals as nvidia-smi and logs print them (23.5 to 23.65 GiB seen); NVIDIA's GA102 whitepaper, cited from memory (bandwidth, dense FLOPS, multiprocessors, power)",
  },
  {
    ...ampere,
    id: 'rtx-3090-24gb',
    label: 'RTX 3090',
    driverNames: ['NVIDIA GeForce RTX 3090', 'GeForce RTX 3090'],
    aliases: ['rtx-3090', 'rtx3090', '3090'],
    smiTotalBytes: 24576 * MiB,
    cudaTotalBytes: gibibytes(23.6),
    cudaTotalUncertainBytes: Math.round(0.1 * GiB),
    multiprocessors: 82,
    memoryBytesPerSecond: 936 * GB,
    flopsPerSecond: densePeaks({ tf32: 35.6, half: 71, int8: 284 }),
    bridge: nvlink(3, 56.25),
    powerWatts: 350,
    source:
      "NVIDIA's GA102 whitepaper, cited from memory (bandwidth, dense FLOPS, multiprocessors, power); CUDA total by driver: PyTorch prints 24259 MiB with older ones, newer ones hide more",
  },
];
