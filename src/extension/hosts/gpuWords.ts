/** What a GPU, its processes and the engines beside it are said to be: figures and names, in no language. */
import { findDevice } from '../../core/device/catalogue.ts';
import { findEngine } from '../../core/engine/engines.ts';
import { formatSignificant, GiB } from '../../core/units.ts';
import type { ProbedGpu, ProbeRecord } from '../../protocol/agent.ts';
import type { GpuProcess } from '../../protocol/agentTelemetry.ts';
import { biggestFirst } from '../../protocol/processHistory.ts';
import type { GpuNow } from '../telemetry/busiestGpu.ts';

/** `0: H200`; a driver's name where the catalogue does not have it. */
export function gpuLabel({ index, name }: ProbedGpu): string {
  return `${index}: ${findDevice(name)?.label ?? name}`;
}

/** `98 % · 131/140 GiB · 612 W` while it is watched; else the memory at the probe. What is not known is left out. */
export function gpuFigures(gpu: ProbedGpu, now: GpuNow | undefined): string {
  const used = now?.memoryUsedBytes ?? gpu.memoryUsedBytes;
  const total = formatSignificant(gpu.memoryTotalBytes / GiB);
  const { busyPercent = null, powerWatts = null } = now ?? {};
  return [
    ...(busyPercent === null ? [] : [`${Math.round(busyPercent)} %`]),
    used === null ? `${total} GiB` : `${formatSignificant(used / GiB)}/${total} GiB`,
    ...(powerWatts === null ? [] : [`${Math.round(powerWatts)} W`]),
  ].join(' · ');
}

/** How a GPU reaches the others, in the words of `nvidia-smi topo`: `GPU 1: NVLink × 18 (switch), PHB`. `position` in the probe's `gpus`. */
export function gpuLinks({ gpus, topology = [] }: ProbeRecord, position: number): readonly string[] {
  return topology.flatMap(({ from, to, path, nvlinks, throughSwitch }) => {
    if (from !== position && to !== position) return [];
    const other = gpus[from === position ? to : from];
    if (other === undefined) return [];
    const ways = [
      ...(nvlinks === null || nvlinks === 0
        ? []
        : [`NVLink × ${nvlinks}${throughSwitch ? ' (switch)' : ''}`]),
      ...(path === null ? [] : [path]),
    ];
    return ways.length === 0 ? [] : [`GPU ${other.index}: ${ways.join(', ')}`];
  });
}

/** `PCIe 5 × 16 · NVLink × 18 · compute capability 9.0`: what is known of it. */
export function gpuHardware({ links, computeCapability }: ProbedGpu): string {
  const { pcieGeneration, pcieLanes, nvlinks } = links ?? {};
  return [
    ...(pcieGeneration == null || pcieLanes == null ? [] : [`PCIe ${pcieGeneration} × ${pcieLanes}`]),
    ...(nvlinks == null || nvlinks === 0 ? [] : [`NVLink × ${nvlinks}`]),
    ...(computeCapability == null ? [] : [`sm_${computeCapability.replace('.', '')}`]),
  ].join(' · ');
}

/** Its number for a CUDA program of this user; null: such a program does not see it; undefined: not known, or divided by MIG. */
export function cudaOrdinal({ cudaView, gpus }: ProbeRecord, { uuid }: ProbedGpu): number | null | undefined {
  if (cudaView === undefined || gpus.some(({ mig }) => mig?.parentUuid === uuid)) return undefined;
  return cudaView.devices.find((device) => device.uuid === uuid)?.ordinal ?? null;
}

/** Where a driver is installed and does not work: what it says. Undefined where there is a GPU, or just none. */
export function driverTrouble({ gpus, gpuDetail = '' }: ProbeRecord): string | undefined {
  if (gpus.length > 0) return undefined;
  return gpuDetail.split('; ').find((rung) => /\(NVML code \d+\)/.test(rung));
}

/** On a GPU of the probe, by its position there; the biggest first. */
export function processesOn({ processes = [] }: ProbeRecord, position: number): readonly GpuProcess[] {
  return biggestFirst(processes.filter(({ gpu }) => gpu === position).flatMap((on) => on.processes));
}

export interface FoundEngine {
  /** `vLLM 0.26.0`. */
  readonly label: string;
  /** `path · /usr/bin/vllm`, or the image. */
  readonly place: string;
}

/** Programs, then images of containers. */
export function enginesFound({ engines, containerImages = [] }: ProbeRecord): readonly FoundEngine[] {
  const label = (name: string) => findEngine(name)?.label ?? name;
  return [
    ...engines.map(({ name, version, path, foundIn }) => ({
      label: version === null ? label(name) : `${label(name)} ${version}`,
      place: foundIn === undefined ? path : `${foundIn} · ${path}`,
    })),
    ...containerImages.map(({ engine, runtime, image, sizeText }) => ({
      label: label(engine),
      place: [runtime, image, sizeText].filter((part) => part !== '').join(' · '),
    })),
  ];
}
