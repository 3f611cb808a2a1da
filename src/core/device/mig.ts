import { GiB } from '../units.ts';
import type { DensePeaks, Device, MigProfile } from './device.ts';

/** `GiB` and multiprocessors as `nvidia-smi mig -lgip` prints them. */
function profile(
  name: string,
  gibibytes: number,
  multiprocessors: number,
  memoryShare: number,
  instances: number,
): MigProfile {
  return { name, memoryBytes: Math.round(gibibytes * GiB), multiprocessors, memoryShare, instances };
}

// Names and shares: NVIDIA's MIG user guide, supported profiles. Sizes: `-lgip` prints, each as noted.

/** Print of an A100-SXM4-40GB (39.38 to 39.50 GiB for the largest by driver). */
export const a100Profiles40gb: readonly MigProfile[] = [
  profile('1g.5gb', 4.75, 14, 1 / 8, 7),
  profile('1g.10gb', 9.75, 14, 2 / 8, 4),
  profile('2g.10gb', 9.75, 28, 2 / 8, 3),
  profile('3g.20gb', 19.62, 42, 4 / 8, 2),
  profile('4g.20gb', 19.62, 56, 4 / 8, 1),
  profile('7g.40gb', 39.38, 98, 1, 1),
];

/** Print of an A100-SXM4-80GB. */
export const a100Profiles80gb: readonly MigProfile[] = [
  profile('1g.10gb', 9.5, 14, 1 / 8, 7),
  profile('1g.20gb', 19.5, 14, 2 / 8, 4),
  profile('2g.20gb', 19.5, 28, 2 / 8, 3),
  profile('3g.40gb', 39.25, 42, 4 / 8, 2),
  profile('4g.40gb', 39.25, 56, 4 / 8, 1),
  profile('7g.80gb', 79, 98, 1, 1),
];

/** Print of an A30 (23.44 to 23.50 GiB for the largest by driver). */
export const a30Profiles: readonly MigProfile[] = [
  profile('1g.6gb', 5.81, 14, 1 / 4, 4),
  profile('2g.12gb', 11.69, 28, 2 / 4, 2),
  profile('4g.24gb', 23.44, 56, 1, 1),
];

/** Print of an H100 80GB HBM3. */
export const h100Profiles80gb: readonly MigProfile[] = [
  profile('1g.10gb', 9.75, 16, 1 / 8, 7),
  profile('1g.20gb', 19.62, 26, 2 / 8, 4),
  profile('2g.20gb', 19.62, 32, 2 / 8, 3),
  profile('3g.40gb', 39.5, 60, 4 / 8, 2),
  profile('4g.40gb', 39.5, 64, 4 / 8, 1),
  profile('7g.80gb', 79.25, 132, 1, 1),
];

/** Print of an H100 PCIe. */
export const h100ProfilesPcie: readonly MigProfile[] = [
  profile('1g.10gb', 9.75, 14, 1 / 8, 7),
  profile('1g.20gb', 19.62, 14, 2 / 8, 4),
  profile('2g.20gb', 19.62, 30, 2 / 8, 3),
  profile('3g.40gb', 39.5, 46, 4 / 8, 2),
  profile('4g.40gb', 39.5, 62, 4 / 8, 1),
  profile('7g.80gb', 79.25, 114, 1, 1),
];

/** Print of an H100 NVL from 2g on; the 1g slices as on the H200, in proportion. */
export const h100Profiles94gb: readonly MigProfile[] = [
  profile('1g.12gb', 10.75, 16, 1 / 8, 7),
  profile('1g.24gb', 21.62, 26, 2 / 8, 4),
  profile('2g.24gb', 21.62, 32, 2 / 8, 3),
  profile('3g.47gb', 46.38, 60, 4 / 8, 2),
  profile('4g.47gb', 46.38, 64, 4 / 8, 1),
  profile('7g.94gb', 93.12, 132, 1, 1),
];

/** User guide; sizes in proportion to an H100 NVL's, multiprocessors as on the H200. */
export const h100Profiles96gb: readonly MigProfile[] = [
  profile('1g.12gb', 10.9, 16, 1 / 8, 7),
  profile('1g.24gb', 21.9, 26, 2 / 8, 4),
  profile('2g.24gb', 21.9, 32, 2 / 8, 3),
  profile('3g.48gb', 47, 60, 4 / 8, 2),
  profile('4g.48gb', 47, 64, 4 / 8, 1),
  profile('7g.96gb', 94.5, 132, 1, 1),
];

/** Recorded on an H200, driver 580.159.04. */
export const h200Profiles: readonly MigProfile[] = [
  profile('1g.18gb', 16, 16, 1 / 8, 7),
  profile('1g.35gb', 32.5, 26, 2 / 8, 4),
  profile('2g.35gb', 32.5, 32, 2 / 8, 3),
  profile('3g.71gb', 69.75, 60, 4 / 8, 2),
  profile('4g.71gb', 69.75, 64, 4 / 8, 1),
  profile('7g.141gb', 140, 132, 1, 1),
];

/** Print of a GH200 144G up to 2g (mig-parted 139); larger ones are shares of the whole. */
export const gh200Profiles144gb: readonly MigProfile[] = [
  profile('1g.18gb', 17.5, 16, 1 / 8, 7),
  profile('1g.36gb', 35.25, 26, 2 / 8, 4),
  profile('2g.36gb', 35.25, 32, 2 / 8, 3),
  profile('3g.72gb', 71, 60, 4 / 8, 2),
  profile('4g.72gb', 71, 64, 4 / 8, 1),
  profile('7g.144gb', 142.4, 132, 1, 1),
];

/** Print of a B200 up to 2g (mig-parted 166, 187: a 1g.23gb has 20.5 to 22 GiB by driver); larger ones are shares of the whole. */
export const b200Profiles: readonly MigProfile[] = [
  profile('1g.23gb', 20.5, 18, 1 / 8, 7),
  profile('1g.45gb', 44.25, 30, 2 / 8, 4),
  profile('2g.45gb', 44.25, 36, 2 / 8, 3),
  profile('3g.90gb', 89, 70, 4 / 8, 2),
  profile('4g.90gb', 89, 72, 4 / 8, 1),
  profile('7g.180gb', 178.3, 148, 1, 1),
];

/** Print of a GB200 up to 2g (gpu-operator 1303, mig-parted 227: some name the 1g slice 1g.23gb); larger ones are shares of the whole. */
export const gb200Profiles: readonly MigProfile[] = [
  profile('1g.24gb', 20, 18, 1 / 8, 7),
  profile('1g.23gb', 22, 18, 1 / 8, 7),
  profile('1g.47gb', 45.5, 32, 2 / 8, 4),
  profile('2g.47gb', 45.5, 38, 2 / 8, 3),
  profile('3g.95gb', 92, 74, 4 / 8, 2),
  profile('4g.95gb', 92, 76, 4 / 8, 1),
  profile('7g.189gb', 184.3, 152, 1, 1),
];

/** Print of an RTX PRO 6000 Blackwell (23.12 to 23.62 GiB for a 1g.24gb by driver). */
export const rtxPro6000Profiles: readonly MigProfile[] = [
  profile('1g.24gb', 23.12, 46, 1 / 4, 4),
  profile('2g.48gb', 47.38, 94, 2 / 4, 2),
  profile('4g.96gb', 94.9, 188, 1, 1),
];

/**
 * A MIG slice as a GPU of its own: its memory, its part of the bandwidth and of the multiprocessors, no links to others and no
 * price. CUDA's total is what `-lgip` prints, within a percent; profiles whose size is a share of the whole are wider off.
 */
export function migSlice(device: Device, slice: MigProfile): Device {
  const part = slice.multiprocessors / device.multiprocessors;
  const { smiTotalBytes: _s, fabric: _f, bridge: _b, migProfiles: _m, ...rest } = device;
  const { dollarsPerHour: _d, priceSource: _p, powerWatts: _w, ...whole } = rest;
  return {
    ...whole,
    id: `${device.id}:mig-${slice.name}`,
    label: `${device.label} MIG ${slice.name}`,
    driverNames: device.driverNames.map((name) => `${name} MIG ${slice.name}`),
    aliases: [],
    cudaTotalBytes: Math.min(slice.memoryBytes, device.cudaTotalBytes),
    cudaTotalUncertainBytes: Math.round(slice.memoryBytes / 100),
    multiprocessors: slice.multiprocessors,
    memoryBytesPerSecond: device.memoryBytesPerSecond * slice.memoryShare,
    flopsPerSecond: scaled(device.flopsPerSecond, part),
    link: 'pcie',
    // A process sees one slice, and slices have no path to each other (-lgip: P2P No).
    gpusPerNode: 1,
    source: `MIG ${slice.name}: size and multiprocessors as nvidia-smi mig -lgip prints them, bandwidth and FLOPS in proportion; the whole GPU: ${device.source}`,
  };
}

function scaled(peaks: DensePeaks, part: number): DensePeaks {
  return Object.fromEntries(Object.entries(peaks).map(([type, peak]) => [type, peak * part]));
}
