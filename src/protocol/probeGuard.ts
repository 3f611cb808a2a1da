/** Guards of what a probe answers. */

import * as z from 'zod';
import type { ProbedGpu, ProbeRecord } from './agent.ts';
import type {
  CudaView,
  GpuConnection,
  GpuLinks,
  MigInstance,
  RemovedRecord,
  SlurmFacts,
} from './agentProbe.ts';
import type { GpuProcess } from './agentTelemetry.ts';

const count = z.number().int().nonnegative();
const maybe = z.number().nullable();
const maybeText = z.string().nullable();

const links: z.ZodType<GpuLinks> = z.object({
  pcieGeneration: maybe,
  pcieLanes: maybe,
  pcieBytesPerSecond: maybe,
  nvlinks: maybe,
  nvlinkBytesPerSecond: maybe,
});

const mig: z.ZodType<MigInstance> = z.object({
  parentUuid: z.string(),
  gpuInstance: count,
  computeInstance: count,
});

export const probedGpu: z.ZodType<ProbedGpu> = z.object({
  index: count,
  uuid: z.string(),
  name: z.string(),
  memoryTotalBytes: z.number(),
  memoryUsedBytes: maybe,
  powerLimitWatts: maybe,
  memoryReservedBytes: z.exactOptional(maybe),
  computeCapability: z.exactOptional(maybeText),
  smClockMaxMHz: z.exactOptional(maybe),
  slowdownCelsius: z.exactOptional(maybe),
  links: z.exactOptional(links),
  mig: z.exactOptional(mig),
});

export const gpuProcess: z.ZodType<GpuProcess> = z.object({
  pid: count,
  user: maybeText,
  name: maybeText,
  memoryBytes: maybe,
  own: z.boolean().nullable(),
  run: z.exactOptional(z.string()),
});

const cudaView: z.ZodType<CudaView> = z.object({
  visibleDevices: maybeText,
  order: z.enum(['pci', 'fastest-first']),
  devices: z.array(
    z.object({
      ordinal: count,
      uuid: z.string(),
      name: z.string(),
      totalBytes: maybe,
      freeBytes: maybe,
    }),
  ),
  note: z.string(),
});

const connection: z.ZodType<GpuConnection> = z.object({
  from: count,
  to: count,
  path: z.enum(['PIX', 'PXB', 'PHB', 'NODE', 'SYS', 'internal']).nullable(),
  nvlinks: maybe,
  throughSwitch: z.boolean(),
});

const slurm: z.ZodType<SlurmFacts> = z.object({
  version: maybeText,
  partitions: z.array(
    z.object({
      name: z.string(),
      isDefault: z.boolean(),
      state: z.string(),
      timeLimit: z.string(),
      nodes: count,
      gres: maybeText,
    }),
  ),
});

const program = { name: z.string(), version: maybeText, path: z.string() };

export const probe: z.ZodType<ProbeRecord> = z.object({
  type: z.literal('probe'),
  hostname: z.string(),
  python: z.string(),
  os: z.string(),
  cpuCount: z.number(),
  memoryTotalBytes: maybe,
  freeDiskBytes: maybe,
  gpuSource: z.string(),
  driver: maybeText,
  cuda: maybeText,
  gpus: z.array(probedGpu),
  engines: z.array(z.object({ ...program, foundIn: z.exactOptional(z.string()) })),
  gpuDetail: z.exactOptional(z.string()),
  cudaView: z.exactOptional(cudaView),
  topology: z.exactOptional(z.array(connection)),
  processes: z.exactOptional(z.array(z.object({ gpu: count, processes: z.array(gpuProcess) }))),
  benchmarkTools: z.exactOptional(z.array(z.object({ ...program, foundIn: z.string() }))),
  containerImages: z.exactOptional(
    z.array(
      z.object({
        engine: z.string(),
        runtime: z.enum(['docker', 'podman']),
        image: z.string(),
        sizeText: z.string(),
      }),
    ),
  ),
  slurm: z.exactOptional(slurm.nullable()),
  models: z.exactOptional(z.array(z.object({ id: z.string(), sizeBytes: z.number(), path: z.string() }))),
  disks: z.exactOptional(
    z.array(z.object({ use: z.string(), path: z.string(), freeBytes: z.number(), totalBytes: z.number() })),
  ),
  problems: z.exactOptional(z.array(z.object({ part: z.string(), message: z.string() }))),
});

export const uninstalled: z.ZodType<RemovedRecord> = z.object({
  type: z.literal('uninstalled'),
  removed: z.array(z.string()),
  kept: z.array(z.object({ path: z.string(), why: z.string() })),
});
