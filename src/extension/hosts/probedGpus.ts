/** What a probe says to estimates: its GPUs by kind, and the engines that a deployment there would start with. */
import { findDevice } from '../../core/device/catalogue.ts';
import type { ProbedGpu, ProbeRecord } from '../../protocol/agent.ts';
import type { LiveGpu, LiveTarget } from '../../protocol/lsp.ts';

/**
 * One target for each kind of GPU, in CUDA's order where the probe knows it. Kinds that the catalogue does not have are left
 * out, and so is a recording: it is no live GPU.
 */
export function liveTargetsOf(host: string, probe: ProbeRecord, probedAtMs: number): readonly LiveTarget[] {
  if (isRecorded(probe)) return [];
  const byKind = new Map<string, { readonly gpu: string; readonly gpus: LiveGpu[] }>();
  for (const { name, ...gpu } of gpusOf(probe)) {
    const device = findDevice(name);
    if (device === undefined) continue;
    const kind = byKind.get(device.id) ?? { gpu: name, gpus: [] };
    kind.gpus.push(gpu);
    byKind.set(device.id, kind);
  }
  const engines = enginesOf(probe);
  return [...byKind.values()].map((kind) => ({ host, ...kind, engines, probedAtMs }));
}

/** Whether estimates can be made for a GPU of the probe. */
export function isTarget(probe: ProbeRecord, { name }: ProbedGpu): boolean {
  return !isRecorded(probe) && findDevice(name) !== undefined;
}

export function isRecorded({ gpuSource }: ProbeRecord): boolean {
  return gpuSource.startsWith('recorded:');
}

/** Without CUDA's view only the names count: what NVML shows as total is not what CUDA sees. */
function gpusOf({ cudaView, gpus }: ProbeRecord): readonly (LiveGpu & { readonly name: string })[] {
  if (cudaView !== undefined)
    return cudaView.devices.map(({ ordinal, uuid, name, totalBytes, freeBytes }) => ({
      ordinal,
      uuid,
      name,
      cudaTotalBytes: totalBytes,
      freeBytes,
    }));
  return gpus.map(({ index, uuid, name }) => ({
    ordinal: index,
    uuid,
    name,
    cudaTotalBytes: null,
    freeBytes: null,
  }));
}

/** One of a name: the one in PATH, which a command line starts, else the first that was found. */
function enginesOf({ engines }: ProbeRecord): LiveTarget['engines'] {
  const found = new Map<string, string>();
  for (const inPath of [true, false])
    for (const { name, version, foundIn } of engines)
      if ((foundIn === 'path') === inPath && version !== null && !found.has(name)) found.set(name, version);
  return [...found].map(([name, version]) => ({ name, version }));
}
