import { GB, GiB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';
import { densePeaks, gibibytes, nvlink, pcie } from '../figures.ts';
import { b200Profiles, gb200Profiles } from '../mig.ts';

const sxm = { vendor: 'nvidia', link: 'nvlink', fabric: nvlink(5, 900) } as const;

/** Blackwell, data centre, and the GB10 of the DGX Spark. */
export const blackwellDataCentre: readonly Device[] = [
  {
    ...sxm,
    id: 'gb300-288gb',
    label: 'GB300',
    driverNames: ['NVIDIA GB300'],
    aliases: ['gb300'],
    gpusPerNode: 4,
    smiTotalBytes: 284208 * MiB,
    cudaTotalBytes: gibibytes(276.6),
    cudaTotalUncertainBytes: Math.round(0.5 * GiB),
    multiprocessors: 152,
    memoryBytesPerSecond: 8000 * GB,
    flopsPerSecond: densePeaks({ half: 2500, fp8: 5000, fp4: 15000, int8: 165 }),
    computeCapability: '10.3',
    pcie: pcie(5),
    powerWatts: 1400,
    source:
      'aiconfigurator systems table (bandwidth, dense FLOPS, link, power, nvidia-smi total); CUDA total from the nvidia-smi total less what a B300 hides; multiprocessors taken as the GB200 ones',
  },
  {
    ...sxm,
    id: 'b300-sxm-270gb',
    label: 'B300',
    driverNames: ['NVIDIA B300 SXM6 AC'],
    aliases: ['b300', 'b300-sxm', 'nvidia-b300'],
    smiTotalBytes: 275040 * MiB,
    cudaTotalBytes: gibibytes(267.69),
    multiprocessors: 148,
    memoryBytesPerSecond: 7750 * GB,
    flopsPerSecond: densePeaks({ half: 2250, fp8: 4500, fp4: 14000, int8: 153.5 }),
    computeCapability: '10.3',
    pcie: pcie(6),
    powerWatts: 1100,
    source:
      'aiconfigurator systems table (bandwidth, dense FLOPS, link, power); totals as nvidia-smi and logs print them; multiprocessors taken as the B200 ones',
  },
  {
    ...sxm,
    id: 'gb200-186gb',
    label: 'GB200',
    driverNames: ['NVIDIA GB200'],
    aliases: ['gb200'],
    gpusPerNode: 4,
    smiTotalBytes: 189471 * MiB,
    cudaTotalBytes: gibibytes(184.3),
    cudaTotalUncertainBytes: Math.round(0.3 * GiB),
    multiprocessors: 152,
    memoryBytesPerSecond: 8000 * GB,
    flopsPerSecond: densePeaks({ half: 2500, fp8: 5000, fp4: 10000, int8: 5000 }),
    computeCapability: '10.0',
    pcie: pcie(5),
    powerWatts: 1200,
    migProfiles: gb200Profiles,
    source:
      'aiconfigurator systems table (bandwidth, dense FLOPS, link, power, nvidia-smi total); CUDA total from it less what a B200 hides; multiprocessors as PyTorch prints them',
  },
  {
    ...sxm,
    id: 'b200-sxm-180gb',
    label: 'B200',
    driverNames: ['NVIDIA B200'],
    aliases: ['b200', 'b200-sxm', 'b200-180gb'],
    smiTotalBytes: 183359 * MiB,
    cudaTotalBytes: gibibytes(178.36),
    multiprocessors: 148,
    memoryBytesPerSecond: 7700 * GB,
    flopsPerSecond: densePeaks({ tf32: 1125, half: 2250, fp8: 4500, fp4: 9000, int8: 4500 }),
    computeCapability: '10.0',
    pcie: pcie(6),
    powerWatts: 1000,
    migProfiles: b200Profiles,
    source:
      'aiconfigurator systems table (7.7 to 8.0 TB/s, dense FLOPS, link, power); totals and multiprocessors as nvidia-smi, PyTorch and logs print them',
  },
  {
    id: 'gb10-128gb',
    label: 'GB10 (DGX Spark)',
    vendor: 'nvidia',
    driverNames: ['NVIDIA GB10'],
    aliases: ['gb10', 'dgx-spark'],
    gpusPerNode: 1,
    cudaTotalBytes: gibibytes(121.69),
    cudaTotalUncertainBytes: Math.round(2 * GiB),
    multiprocessors: 48,
    memoryBytesPerSecond: 273 * GB,
    flopsPerSecond: densePeaks({ half: 125, fp8: 250, fp4: 500 }),
    computeCapability: '12.1',
    link: 'pcie',
    source:
      'CUDA total from a log; the memory is shared with the CPU, so nvidia-smi shows none and less may be free. FP4: half of the 1 PFLOP with sparsity that NVIDIA prints, FP8 and half from it by halving; bandwidth and multiprocessors not verified',
  },
];
