import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';
import { densePeaks, gibibytes, nvlink, pcie } from '../figures.ts';
import { rtxPro6000Profiles } from '../mig.ts';

const blackwell = { vendor: 'nvidia', computeCapability: '12.0', link: 'pcie', pcie: pcie(5) } as const;
const with96gb = {
  smiTotalBytes: 97887 * MiB,
  cudaTotalBytes: gibibytes(94.97),
  multiprocessors: 188,
  memoryBytesPerSecond: 1792 * GB,
  migProfiles: rtxPro6000Profiles,
} as const;

/** RTX PRO and RTX A: workstation cards, and the server card made of the same chip. */
export const workstation: readonly Device[] = [
  {
    ...blackwell,
    ...with96gb,
    id: 'rtx-pro-6000-96gb',
    label: 'RTX PRO 6000 Blackwell Server',
    driverNames: ['NVIDIA RTX PRO 6000 Blackwell Server Edition'],
    aliases: ['rtx-pro-6000', 'rtxpro6000', 'rtx-pro-6000-server'],
    flopsPerSecond: densePeaks({ half: 467.8, fp8: 935.6, fp4: 1871.2, int8: 935.6 }),
    powerWatts: 600,
    source:
      'aiconfigurator systems table (dense FLOPS at 2430 MHz, bandwidth, power; other prints say 1597 GB/s); totals as nvidia-smi and logs print them (94.97 to 95.01 GiB)',
  },
  {
    ...blackwell,
    ...with96gb,
    id: 'rtx-pro-6000-workstation-96gb',
    label: 'RTX PRO 6000 Blackwell Workstation',
    driverNames: ['NVIDIA RTX PRO 6000 Blackwell Workstation Edition'],
    aliases: ['rtx-pro-6000-workstation'],
    flopsPerSecond: densePeaks({ half: 503.8, fp8: 1007.6, fp4: 2015.2, int8: 1007.6 }),
    powerWatts: 600,
    source:
      'totals as nvidia-smi and logs print them; bandwidth and power as announced; dense FLOPS of the server edition scaled to its 2617 MHz',
  },
  {
    ...blackwell,
    ...with96gb,
    id: 'rtx-pro-6000-max-q-96gb',
    label: 'RTX PRO 6000 Blackwell Max-Q',
    driverNames: ['NVIDIA RTX PRO 6000 Blackwell Max-Q Workstation Edition'],
    aliases: ['rtx-pro-6000-max-q'],
    flopsPerSecond: densePeaks({ half: 438.9, fp8: 877.7, fp4: 1755.5, int8: 877.7 }),
    powerWatts: 300,
    source:
      "totals as the Server Edition's nvidia-smi and logs print them; bandwidth and power as announced; dense FP4: half of the printed 3511 TOPS with sparsity, the rest from it by halving",
  },
  {
    ...blackwell,
    id: 'rtx-pro-5000-48gb',
    label: 'RTX PRO 5000 Blackwell',
    driverNames: ['NVIDIA RTX PRO 5000 Blackwell'],
    aliases: ['rtx-pro-5000', 'rtxpro5000'],
    smiTotalBytes: 48935 * MiB,
    cudaTotalBytes: gibibytes(47.25),
    cudaTotalUncertainBytes: Math.round(0.15 * GiB),
    multiprocessors: 110,
    memoryBytesPerSecond: 1344 * GB,
    flopsPerSecond: densePeaks({ half: 258, fp8: 516, fp4: 1032, int8: 516 }),
    powerWatts: 300,
    source:
      'nvidia-smi total as printed; CUDA total from it less 550 MiB, between what an RTX 5090 and an RTX PRO 6000 hide; bandwidth and multiprocessors as announced; dense FP4: half of the printed 2064 TOPS with sparsity, the rest from it by halving',
  },
  {
    ...blackwell,
    id: 'rtx-pro-4500-32gb',
    label: 'RTX PRO 4500 Blackwell',
    driverNames: ['NVIDIA RTX PRO 4500 Blackwell', 'NVIDIA RTX PRO 4500 Blackwell Server Edition'],
    aliases: ['rtx-pro-4500', 'rtxpro4500'],
    smiTotalBytes: 32623 * MiB,
    cudaTotalBytes: 33_689_829_376,
    multiprocessors: 82,
    memoryBytesPerSecond: 896 * GB,
    flopsPerSecond: densePeaks({ half: 210.9, fp8: 421.8, fp4: 843.5, int8: 421.8 }),
    powerWatts: 200,
    source:
      "totals as the Server Edition's nvidia-smi and a log print them; bandwidth, multiprocessors and power as announced; dense FP4: half of the printed 1687 TOPS with sparsity, the rest from it by halving",
  },
  {
    id: 'rtx-6000-ada-48gb',
    label: 'RTX 6000 Ada',
    vendor: 'nvidia',
    driverNames: ['NVIDIA RTX 6000 Ada Generation'],
    aliases: ['rtx-6000-ada', 'rtx6000ada', 'rtx-6000-ada-generation'],
    smiTotalBytes: 49140 * MiB,
    cudaTotalBytes: 48622 * MiB,
    multiprocessors: 142,
    memoryBytesPerSecond: 960 * GB,
    flopsPerSecond: densePeaks({ tf32: 182.1, half: 364.2, fp8: 728.5, int8: 728.5 }),
    computeCapability: '8.9',
    link: 'pcie',
    pcie: pcie(4),
    powerWatts: 300,
    source:
      "NVIDIA's Ada whitepaper for professional cards, cited from memory (bandwidth, dense FLOPS, power); CUDA total and multiprocessors as PyTorch prints them",
  },
  {
    id: 'rtx-a6000-48gb',
    label: 'RTX A6000',
    vendor: 'nvidia',
    driverNames: ['NVIDIA RTX A6000'],
    aliases: ['rtx-a6000', 'a6000', 'rtxa6000'],
    smiTotalBytes: 49140 * MiB,
    cudaTotalBytes: 48676 * MiB,
    multiprocessors: 84,
    memoryBytesPerSecond: 768 * GB,
    flopsPerSecond: densePeaks({ tf32: 77.4, half: 154.8, int8: 309.7 }),
    computeCapability: '8.6',
    link: 'pcie',
    bridge: nvlink(3, 56.25),
    pcie: pcie(4),
    powerWatts: 300,
    source:
      "NVIDIA's GA102 whitepaper, cited from memory (bandwidth, dense FLOPS, power); CUDA total and multiprocessors as PyTorch prints them",
  },
  {
    id: 'rtx-a5000-24gb',
    label: 'RTX A5000',
    vendor: 'nvidia',
    driverNames: ['NVIDIA RTX A5000'],
    aliases: ['rtx-a5000', 'a5000', 'rtxa5000'],
    smiTotalBytes: 24564 * MiB,
    cudaTotalBytes: gibibytes(23.55),
    cudaTotalUncertainBytes: Math.round(0.15 * GiB),
    multiprocessors: 64,
    memoryBytesPerSecond: 768 * GB,
    flopsPerSecond: densePeaks({ tf32: 55.6, half: 111.1, int8: 222.2 }),
    computeCapability: '8.6',
    link: 'pcie',
    bridge: nvlink(3, 56.25),
    pcie: pcie(4),
    powerWatts: 230,
    source:
      "NVIDIA's RTX A5000 datasheet, cited from memory (bandwidth, dense FLOPS, power); CUDA total from the nvidia-smi total less what an RTX 3090 Ti hides",
  },
];
