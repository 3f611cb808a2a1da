import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';
import { densePeaks, gibibytes, nvlink, pcie } from '../figures.ts';
import { a30Profiles, a100Profiles40gb, a100Profiles80gb } from '../mig.ts';

const a100 = {
  vendor: 'nvidia',
  multiprocessors: 108,
  flopsPerSecond: densePeaks({ tf32: 156, half: 312, int8: 624 }),
  computeCapability: '8.0',
  pcie: pcie(4),
} as const;

const sxm = { link: 'nvlink', fabric: nvlink(3, 300), powerWatts: 400 } as const;
const card = { link: 'pcie', bridge: nvlink(3, 300) } as const;

/** GA102 with ECC: 46068 MiB in nvidia-smi. */
const ga102 = {
  vendor: 'nvidia',
  computeCapability: '8.6',
  link: 'pcie',
  pcie: pcie(4),
} as const;

/** Ampere, data centre. */
export const ampere: readonly Device[] = [
  {
    ...a100,
    ...sxm,
    id: 'a100-sxm-80gb',
    label: 'A100 SXM 80 GB',
    driverNames: ['NVIDIA A100-SXM4-80GB'],
    aliases: ['a100', 'a100-80gb', 'a100-sxm', 'a100-sxm4-80gb'],
    smiTotalBytes: 81920 * MiB,
    cudaTotalBytes: gibibytes(79.15),
    memoryBytesPerSecond: 2039 * GB,
    migProfiles: a100Profiles80gb,
    source:
      'aiconfigurator systems table (bandwidth, dense FLOPS, link, power); totals as nvidia-smi and logs print them (79.14 to 79.25 GiB seen)',
  },
  {
    ...a100,
    ...card,
    id: 'a100-pcie-80gb',
    label: 'A100 PCIe 80 GB',
    driverNames: ['NVIDIA A100 80GB PCIe'],
    aliases: ['a100-pcie', 'a100-80gb-pcie'],
    smiTotalBytes: 81920 * MiB,
    cudaTotalBytes: gibibytes(79.15),
    memoryBytesPerSecond: 1935 * GB,
    powerWatts: 300,
    migProfiles: a100Profiles80gb,
    source:
      'aiconfigurator systems table (bandwidth, dense FLOPS, power); totals as nvidia-smi and logs print them (79.14 to 79.25 GiB seen)',
  },
  {
    ...a100,
    ...sxm,
    id: 'a100-sxm-40gb',
    label: 'A100 SXM 40 GB',
    driverNames: ['NVIDIA A100-SXM4-40GB', 'A100-SXM4-40GB'],
    aliases: ['a100-40gb', 'nvidia-tesla-a100'],
    smiTotalBytes: 40960 * MiB,
    cudaTotalBytes: gibibytes(39.49),
    memoryBytesPerSecond: 1555 * GB,
    migProfiles: a100Profiles40gb,
    source:
      "CUDA total from a log (39.4 to 39.5 GiB seen); NVIDIA's A100 datasheet, cited from memory (bandwidth, dense FLOPS, link, power)",
  },
  {
    ...a100,
    ...card,
    id: 'a100-pcie-40gb',
    label: 'A100 PCIe 40 GB',
    driverNames: ['NVIDIA A100-PCIE-40GB'],
    aliases: ['a100-40gb-pcie'],
    smiTotalBytes: 40960 * MiB,
    cudaTotalBytes: gibibytes(39.4),
    cudaTotalUncertainBytes: Math.round(0.1 * GiB),
    memoryBytesPerSecond: 1555 * GB,
    powerWatts: 250,
    migProfiles: a100Profiles40gb,
    source:
      "NVIDIA's A100 datasheet, cited from memory (bandwidth, dense FLOPS, power); CUDA total taken as the SXM card's (39.4 to 39.5 GiB seen)",
  },
  {
    id: 'a30-24gb',
    label: 'A30',
    vendor: 'nvidia',
    driverNames: ['NVIDIA A30'],
    aliases: ['a30'],
    smiTotalBytes: 24576 * MiB,
    cudaTotalBytes: gibibytes(23.5),
    cudaTotalUncertainBytes: Math.round(0.15 * GiB),
    multiprocessors: 56,
    memoryBytesPerSecond: 933 * GB,
    flopsPerSecond: densePeaks({ tf32: 82, half: 165, int8: 330 }),
    computeCapability: '8.0',
    link: 'pcie',
    bridge: nvlink(3, 100),
    pcie: pcie(4),
    powerWatts: 165,
    migProfiles: a30Profiles,
    source:
      'aiconfigurator systems table (bandwidth, dense FLOPS, power); CUDA total from the nvidia-smi total less what the A100 40 GB hides, in proportion',
  },
  {
    ...ga102,
    id: 'a40-48gb',
    label: 'A40',
    driverNames: ['NVIDIA A40'],
    aliases: ['a40'],
    smiTotalBytes: 46068 * MiB,
    cudaTotalBytes: gibibytes(44.4),
    multiprocessors: 84,
    memoryBytesPerSecond: 696 * GB,
    flopsPerSecond: densePeaks({ tf32: 74.8, half: 149.7, int8: 299.3 }),
    bridge: nvlink(3, 56.25),
    powerWatts: 300,
    source:
      "NVIDIA's A40 datasheet, cited from memory (bandwidth, dense FLOPS, power); totals as nvidia-smi and logs print them (44.39 to 44.42 GiB)",
  },
  {
    ...ga102,
    id: 'a10-24gb',
    label: 'A10',
    driverNames: ['NVIDIA A10'],
    aliases: ['a10'],
    smiTotalBytes: 23028 * MiB,
    cudaTotalBytes: gibibytes(22.06),
    multiprocessors: 72,
    memoryBytesPerSecond: 600 * GB,
    flopsPerSecond: densePeaks({ tf32: 62.5, half: 125, int8: 250 }),
    powerWatts: 150,
    source:
      "NVIDIA's A10 datasheet, cited from memory (bandwidth, dense FLOPS, power); totals as nvidia-smi and logs print them (22.05 to 22.15 GiB seen)",
  },
  {
    ...ga102,
    id: 'a10g-24gb',
    label: 'A10G',
    driverNames: ['NVIDIA A10G'],
    aliases: ['a10g'],
    smiTotalBytes: 23028 * MiB,
    cudaTotalBytes: gibibytes(22.06),
    multiprocessors: 80,
    memoryBytesPerSecond: 600 * GB,
    flopsPerSecond: densePeaks({ tf32: 35, half: 70, int8: 140 }),
    powerWatts: 300,
    source:
      "NVIDIA's A10G datasheet for AWS, cited from memory (bandwidth, dense FLOPS, power); totals as nvidia-smi and logs print them (22.05 to 22.15 GiB seen)",
  },
  {
    ...ga102,
    id: 'a2-16gb',
    label: 'A2',
    driverNames: ['NVIDIA A2'],
    aliases: ['a2'],
    smiTotalBytes: 15356 * MiB,
    cudaTotalBytes: gibibytes(14.55),
    cudaTotalUncertainBytes: Math.round(0.1 * GiB),
    multiprocessors: 10,
    memoryBytesPerSecond: 200 * GB,
    flopsPerSecond: densePeaks({ tf32: 9, half: 18, int8: 36 }),
    pcie: pcie(4, 8),
    powerWatts: 60,
    source:
      "NVIDIA's A2 datasheet, cited from memory (bandwidth, dense FLOPS, power); CUDA total from the nvidia-smi total less what an A10 hides",
  },
];
