/** A GPU as the driver reports it. Every figure cites its source; not known is left out, never 0. */
export interface Device {
  /** Stable id, lower case: `h200-sxm-141gb`. A MIG slice of it: `h200-sxm-141gb:mig-3g.71gb`. */
  readonly id: string;
  /** As people say it: `H200`. */
  readonly label: string;
  readonly vendor: 'nvidia' | 'amd';
  /** Names as nvidia-smi (AMD: rocm-smi and the ROCm runtime) reports them, exact. */
  readonly driverNames: readonly string[];
  /** Short forms accepted wherever an id is: `h200`. */
  readonly aliases: readonly string[];
  /** Memory that nvidia-smi shows, bytes. */
  readonly smiTotalBytes?: number;
  /** `cudaMemGetInfo` total, bytes: what engines compute with. */
  readonly cudaTotalBytes: number;
  /** Half width of the band around `cudaTotalBytes`, where it was derived and never seen printed. */
  readonly cudaTotalUncertainBytes?: number;
  /** Multiprocessors; AMD: compute units. */
  readonly multiprocessors: number;
  /** Peak memory bandwidth, bytes per second (GB = 10^9). */
  readonly memoryBytesPerSecond: number;
  /** Dense peak per second, no sparsity: operations by element type, sums in float32 where the card is slower then. */
  readonly flopsPerSecond: DensePeaks;
  /** CUDA's `major.minor`; AMD: the architecture, `gfx942`. */
  readonly computeCapability: string;
  /** `nvlink`: all GPUs of a node talk over the vendor's own links (`fabric`). `pcie`: over the bus. */
  readonly link: 'nvlink' | 'pcie';
  readonly fabric?: DeviceLink;
  /** NVLink bridges that can be bought for it and join pairs; nothing counts on them. */
  readonly bridge?: DeviceLink;
  readonly pcie?: PcieLink;
  /** Most of them in one machine. Left out where machines with eight are common. */
  readonly gpusPerNode?: number;
  /** Default power limit. */
  readonly powerWatts?: number;
  /** How MIG can cut it. Left out where it cannot, or the cuts are not known. */
  readonly migProfiles?: readonly MigProfile[];
  /** Editable list price of one GPU hour, US dollars, where one is known. */
  readonly dollarsPerHour?: number;
  /** Where that price is from: `p5.48xlarge, us-east-1, 2026-08`. */
  readonly priceSource?: string;
  readonly source: string;
}

export interface DensePeaks {
  readonly tf32?: number;
  readonly bfloat16?: number;
  readonly float16?: number;
  readonly fp8?: number;
  readonly fp4?: number;
  readonly int8?: number;
}

export interface DeviceLink {
  /** `NVLink 4`, `Infinity Fabric`. */
  readonly name: string;
  /** One GPU to all others together, one direction. */
  readonly bytesPerSecond: number;
}

export interface PcieLink {
  readonly generation: 3 | 4 | 5 | 6;
  readonly lanes: 8 | 16;
  /** One direction, after line coding. */
  readonly bytesPerSecond: number;
}

export interface MigProfile {
  /** `3g.71gb`, as in `nvidia-smi mig -lgip`. */
  readonly name: string;
  /** Memory of the slice as `-lgip` prints it; CUDA sees that within a percent. */
  readonly memoryBytes: number;
  readonly multiprocessors: number;
  /** Part of the memory's slices, and so of its bandwidth: 1/8, 2/8, 4/8, 1. */
  readonly memoryShare: number;
  /** How many of them one GPU holds. */
  readonly instances: number;
}
