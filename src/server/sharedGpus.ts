/** Deployments of one document that name the same GPU of a machine: what they ask of it together. */
import type { Device } from '../core/device/device.ts';
import { findEngine } from '../core/engine/engines.ts';
import { type AnalysedDeployment, type DocumentAnalysis, isKnown } from './documentAnalysis.ts';

export interface GpuShare {
  /** Number or UUID, as written. */
  readonly gpu: string;
  readonly device: Device;
  /** Two at least, in the order of the document. */
  readonly deployments: readonly AnalysedDeployment[];
  /** What all of them ask for of this GPU, bytes. */
  readonly requestedBytes: number;
  /** What CUDA sees of it, bytes. */
  readonly totalBytes: number;
}

/** In the order in which the GPUs are named. A deployment that is not known leaves its GPUs out: no sum would be right. */
export function gpuShares({ deployments }: DocumentAnalysis): GpuShare[] {
  const byGpu = new Map<string, AnalysedDeployment[]>();
  for (const deployment of deployments) {
    // A program with one batch ends: the next finds the GPU free.
    if (findEngine(deployment.located.deployment.engine)?.isServer === false) continue;
    for (const gpu of new Set(deployment.located.hint?.gpuIds ?? [])) {
      byGpu.set(gpu, [...(byGpu.get(gpu) ?? []), deployment]);
    }
  }
  return [...byGpu].flatMap(([gpu, sharing]) => {
    const device = sharing[0]?.request?.device;
    if (sharing.length < 2 || device === undefined) return [];
    if (!sharing.every((one) => isKnown(one.estimate) && one.request?.device.id === device.id)) return [];
    const ranks = sharing.flatMap((one) => rankOn(one, gpu) ?? []);
    if (ranks.length < sharing.length) return [];
    const requestedBytes = ranks.reduce((sum, rank) => sum + rank.requestedBytes, 0);
    return [{ gpu, device, deployments: sharing, requestedBytes, totalBytes: ranks[0]?.totalBytes ?? 0 }];
  });
}

/** The rank that runs on a GPU: ranks take the visible ones in their order. Undefined where it uses fewer. */
function rankOn({ estimate, located }: AnalysedDeployment, gpu: string) {
  return isKnown(estimate) ? estimate.perRank[located.hint?.gpuIds?.indexOf(gpu) ?? -1] : undefined;
}
