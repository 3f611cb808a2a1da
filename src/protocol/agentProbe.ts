/** What a probe finds beside the GPUs themselves. Every part is bounded in time; what fails is in `problems`, and the rest stands. */

import type { GpuProcess } from './agentTelemetry.ts';

/** An instance of a GPU in MIG mode. */
export interface MigInstance {
  readonly parentUuid: string;
  readonly gpuInstance: number;
  readonly computeInstance: number;
}

/** The link of a GPU to the host, and what its bytes per second can be at most, both ways each. */
export interface GpuLinks {
  readonly pcieGeneration: number | null;
  readonly pcieLanes: number | null;
  readonly pcieBytesPerSecond: number | null;
  readonly nvlinks: number | null;
  readonly nvlinkBytesPerSecond: number | null;
}

/** The GPUs that a CUDA program started by this user would have, in its order. */
export interface CudaView {
  /** CUDA_VISIBLE_DEVICES as it is set; null: not set. */
  readonly visibleDevices: string | null;
  /** `pci` or `fastest-first`, CUDA's default, which is the bus order where all GPUs are alike. */
  readonly order: 'pci' | 'fastest-first';
  readonly devices: readonly CudaDevice[];
  /** How the totals are derived, and what is not certain. */
  readonly note: string;
}

export interface CudaDevice {
  readonly ordinal: number;
  readonly uuid: string;
  readonly name: string;
  /** What cudaMemGetInfo gives as total: NVML's total less what the driver reserves. null where NVML does not tell. */
  readonly totalBytes: number | null;
  readonly freeBytes: number | null;
}

/** Between two GPUs, by position in `gpus`. */
export interface GpuConnection {
  readonly from: number;
  readonly to: number;
  /** As `nvidia-smi topo -m` has it. null: not known. */
  readonly path: 'PIX' | 'PXB' | 'PHB' | 'NODE' | 'SYS' | 'internal' | null;
  /** Active NVLinks straight between them; where there is a switch, links to it. null: not known. */
  readonly nvlinks: number | null;
  readonly throughSwitch: boolean;
}

export interface ProbedTool {
  readonly name: string;
  readonly version: string | null;
  readonly path: string;
  /** `path`, `venv`, `conda`, or `python` for a package without a command. */
  readonly foundIn: string;
}

export interface ContainerImage {
  readonly engine: string;
  readonly runtime: 'docker' | 'podman';
  /** `repository:tag`. */
  readonly image: string;
  readonly sizeText: string;
}

export interface SlurmFacts {
  readonly version: string | null;
  readonly partitions: readonly SlurmPartition[];
}

export interface SlurmPartition {
  readonly name: string;
  readonly isDefault: boolean;
  readonly state: string;
  readonly timeLimit: string;
  readonly nodes: number;
  /** Generic resources of its nodes (`gpu:h100:8`); null: none. */
  readonly gres: string | null;
}

/** A model in the Hugging Face cache. */
export interface CachedModel {
  readonly id: string;
  readonly sizeBytes: number;
  readonly path: string;
}

export interface DiskSpace {
  /** `home`, `models`, `temporary`. */
  readonly use: string;
  readonly path: string;
  readonly freeBytes: number;
  readonly totalBytes: number;
}

export interface ProbeProblem {
  /** `gpus`, `topology`, `containers`, `slurm` … */
  readonly part: string;
  readonly message: string;
}

/** On a GPU of the probe, by position in `gpus`. */
export interface ProbedProcesses {
  readonly gpu: number;
  readonly processes: readonly GpuProcess[];
}

export interface RemovedRecord {
  readonly type: 'uninstalled';
  /** Files and folders that went. */
  readonly removed: readonly string[];
  /** What stays, and why. */
  readonly kept: readonly { readonly path: string; readonly why: string }[];
}
