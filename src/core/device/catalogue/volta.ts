import { GB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';
import { densePeaks, gibibytes, nvlink, pcie } from '../figures.ts';

const v100Source =
  "NVIDIA's V100 datasheet, cited from memory (bandwidth, dense FLOPS, link); totals as PyTorch messages and nvidia-smi print them with older drivers; newer ones show 16384 and 32768 MiB";

const v100 = {
  vendor: 'nvidia',
  multiprocessors: 80,
  memoryBytesPerSecond: 900 * GB,
  computeCapability: '7.0',
  pcie: pcie(3),
  source: v100Source,
} as const;

const sxm = {
  flopsPerSecond: densePeaks({ float16: 125 }),
  link: 'nvlink',
  fabric: nvlink(2, 150),
  powerWatts: 300,
} as const;

const card = { flopsPerSecond: densePeaks({ float16: 112 }), link: 'pcie', powerWatts: 250 } as const;

/** Volta and Turing, data centre. */
export const volta: readonly Device[] = [
  {
    ...v100,
    ...sxm,
    id: 'v100-sxm2-32gb',
    label: 'V100 SXM2 32 GB',
    driverNames: ['Tesla V100-SXM2-32GB', 'Tesla V100-SXM3-32GB'],
    aliases: ['v100-32gb'],
    smiTotalBytes: 32510 * MiB,
    cudaTotalBytes: gibibytes(31.74),
  },
  {
    ...v100,
    ...card,
    id: 'v100-pcie-32gb',
    label: 'V100 PCIe 32 GB',
    driverNames: ['Tesla V100-PCIE-32GB'],
    aliases: [],
    smiTotalBytes: 32510 * MiB,
    cudaTotalBytes: gibibytes(31.74),
  },
  {
    ...v100,
    ...sxm,
    id: 'v100-sxm2-16gb',
    label: 'V100 SXM2 16 GB',
    driverNames: ['Tesla V100-SXM2-16GB'],
    aliases: ['v100', 'v100-16gb', 'nvidia-tesla-v100'],
    smiTotalBytes: 16160 * MiB,
    cudaTotalBytes: gibibytes(15.77),
  },
  {
    ...v100,
    ...card,
    id: 'v100-pcie-16gb',
    label: 'V100 PCIe 16 GB',
    driverNames: ['Tesla V100-PCIE-16GB'],
    aliases: ['v100-pcie'],
    smiTotalBytes: 16160 * MiB,
    cudaTotalBytes: gibibytes(15.77),
  },
  {
    id: 't4-16gb',
    label: 'T4',
    vendor: 'nvidia',
    driverNames: ['Tesla T4'],
    aliases: ['t4', 'nvidia-tesla-t4', 'nvidia-t4'],
    smiTotalBytes: 15360 * MiB,
    cudaTotalBytes: gibibytes(14.58),
    multiprocessors: 40,
    memoryBytesPerSecond: 320 * GB,
    flopsPerSecond: densePeaks({ float16: 65, int8: 130 }),
    computeCapability: '7.5',
    link: 'pcie',
    pcie: pcie(3),
    powerWatts: 70,
    source:
      "NVIDIA's T4 datasheet, cited from memory (bandwidth, dense FLOPS, power); nvidia-smi total as printed; CUDA total 14.58 to 14.75 GiB in logs, older drivers show 15109 MiB",
  },
];
