import { GB, GiB } from '../../units.ts';
import type { Device } from '../device.ts';
import { densePeaks, gibibytes, infinityFabric, pcie } from '../figures.ts';

const amd = { vendor: 'amd', link: 'nvlink' } as const;

/** AMD Instinct. Totals are what the ROCm runtime reports; its tools print them in other units. */
export const instinct: readonly Device[] = [
  {
    ...amd,
    id: 'mi355x-288gb',
    label: 'MI355X',
    driverNames: ['AMD Instinct MI355X'],
    aliases: ['mi355x', 'mi355x-oam'],
    cudaTotalBytes: gibibytes(287.7),
    cudaTotalUncertainBytes: Math.round(0.5 * GiB),
    multiprocessors: 256,
    memoryBytesPerSecond: 8000 * GB,
    flopsPerSecond: densePeaks({ half: 2516, fp8: 5033, fp4: 10066, int8: 5033 }),
    computeCapability: 'gfx950',
    fabric: infinityFabric(537.6),
    pcie: pcie(5),
    powerWatts: 1400,
    source:
      "AMD's MI355X datasheet, cited from memory (bandwidth, dense FLOPS, link, power); runtime's total from 288 GiB less what an MI300X hides",
  },
  {
    ...amd,
    id: 'mi325x-256gb',
    label: 'MI325X',
    driverNames: ['AMD Instinct MI325X'],
    aliases: ['mi325x', 'mi325x-oam'],
    cudaTotalBytes: gibibytes(255.7),
    cudaTotalUncertainBytes: Math.round(0.5 * GiB),
    multiprocessors: 304,
    memoryBytesPerSecond: 6000 * GB,
    flopsPerSecond: densePeaks({ tf32: 653.7, half: 1307.4, fp8: 2614.9, int8: 2614.9 }),
    computeCapability: 'gfx942',
    fabric: infinityFabric(448),
    pcie: pcie(5),
    powerWatts: 1000,
    source:
      "AMD's MI325X datasheet, cited from memory (bandwidth, dense FLOPS, link, power); runtime's total from 256 GiB less what an MI300X hides",
  },
  {
    ...amd,
    id: 'mi300x-192gb',
    label: 'MI300X',
    driverNames: ['AMD Instinct MI300X', 'AMD Instinct MI300X OAM', 'AMD Instinct MI300X VF'],
    aliases: ['mi300x'],
    smiTotalBytes: gibibytes(191.98),
    cudaTotalBytes: gibibytes(191.69),
    multiprocessors: 304,
    memoryBytesPerSecond: 5300 * GB,
    flopsPerSecond: densePeaks({ tf32: 653.7, half: 1307.4, fp8: 2614.9, int8: 2614.9 }),
    computeCapability: 'gfx942',
    fabric: infinityFabric(448),
    pcie: pcie(5),
    powerWatts: 750,
    source:
      "AMD's MI300X datasheet, cited from memory (bandwidth, dense FLOPS, link, power); rocm-smi total 196592 MiB; runtime's total from a log",
  },
  {
    ...amd,
    id: 'mi250x-64gb',
    label: 'MI250X (one of two dies)',
    driverNames: ['AMD Instinct MI250X', 'AMD Instinct MI250X/MI250'],
    aliases: ['mi250x'],
    cudaTotalBytes: gibibytes(63.98),
    cudaTotalUncertainBytes: Math.round(0.3 * GiB),
    multiprocessors: 110,
    memoryBytesPerSecond: 1638 * GB,
    flopsPerSecond: densePeaks({ half: 191.5, int8: 191.5 }),
    computeCapability: 'gfx90a',
    fabric: infinityFabric(200),
    pcie: pcie(4),
    source:
      "half of AMD's MI250X datasheet, cited from memory (bandwidth, dense FLOPS): the runtime shows each die as a GPU of its own; total from 64 GiB, link not verified",
  },
  {
    vendor: 'amd',
    id: 'mi210-64gb',
    label: 'MI210',
    driverNames: ['AMD Instinct MI210'],
    aliases: ['mi210'],
    cudaTotalBytes: gibibytes(63.98),
    cudaTotalUncertainBytes: Math.round(0.3 * GiB),
    multiprocessors: 104,
    memoryBytesPerSecond: 1638 * GB,
    flopsPerSecond: densePeaks({ half: 181, int8: 181 }),
    computeCapability: 'gfx90a',
    link: 'pcie',
    bridge: infinityFabric(150),
    pcie: pcie(4),
    powerWatts: 300,
    source:
      "AMD's MI210 datasheet, cited from memory (bandwidth, dense FLOPS, power); runtime's total from 64 GiB",
  },
];
