import { GB, MiB } from '../../units.ts';
import type { Device } from '../device.ts';
import { densePeaks, gibibytes, pcie } from '../figures.ts';

const ada = { vendor: 'nvidia', computeCapability: '8.9', link: 'pcie', pcie: pcie(4) } as const;
const with48gb = { smiTotalBytes: 46068 * MiB, cudaTotalBytes: gibibytes(44.4) } as const;

/** Ada, data centre. */
export const adaDataCentre: readonly Device[] = [
  {
    ...ada,
    ...with48gb,
    id: 'l40s-48gb',
    label: 'L40S',
    driverNames: ['NVIDIA L40S'],
    aliases: ['l40s'],
    multiprocessors: 142,
    memoryBytesPerSecond: 864 * GB,
    flopsPerSecond: densePeaks({ tf32: 183, half: 362, fp8: 733, int8: 733 }),
    powerWatts: 350,
    source:
      'aiconfigurator systems table (bandwidth, dense FLOPS, power); totals as nvidia-smi and logs print them (44.39 to 44.42 GiB)',
  },
  {
    ...ada,
    ...with48gb,
    id: 'l40-48gb',
    label: 'L40',
    driverNames: ['NVIDIA L40'],
    aliases: ['l40'],
    multiprocessors: 142,
    memoryBytesPerSecond: 864 * GB,
    flopsPerSecond: densePeaks({ tf32: 90.5, half: 181, fp8: 362, int8: 362 }),
    powerWatts: 300,
    source:
      "NVIDIA's L40 datasheet, cited from memory (bandwidth, dense FLOPS, power); memory totals as the L40S prints them",
  },
  {
    ...ada,
    ...with48gb,
    id: 'l20-48gb',
    label: 'L20',
    driverNames: ['NVIDIA L20'],
    aliases: ['l20'],
    multiprocessors: 92,
    memoryBytesPerSecond: 864 * GB,
    flopsPerSecond: densePeaks({ tf32: 59.8, half: 119.5, fp8: 239, int8: 239 }),
    powerWatts: 275,
    source:
      'totals as nvidia-smi and logs print them (44.39 to 44.42 GiB); bandwidth, dense FLOPS and multiprocessors as resellers print them, not verified',
  },
  {
    ...ada,
    id: 'l4-24gb',
    label: 'L4',
    driverNames: ['NVIDIA L4'],
    aliases: ['l4'],
    smiTotalBytes: 23034 * MiB,
    cudaTotalBytes: gibibytes(22.05),
    multiprocessors: 58,
    memoryBytesPerSecond: 300 * GB,
    flopsPerSecond: densePeaks({ tf32: 60, half: 121, fp8: 242, int8: 242 }),
    powerWatts: 72,
    source:
      'aiconfigurator systems table (bandwidth, dense FLOPS, power); totals as nvidia-smi and logs print them (22.03 to 22.07 GiB); multiprocessors not verified',
  },
];
