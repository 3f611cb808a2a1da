import type { ProbedGpu, TelemetryColumn, TelemetryHeader, TelemetryRecord } from '../../protocol/agent.ts';
import type { GpuProcess } from '../../protocol/agentTelemetry.ts';

/** What a host's newest record says of one GPU. null: not known. */
export interface GpuNow {
  readonly host: string;
  readonly gpu: ProbedGpu;
  readonly recorded: boolean;
  readonly busyPercent: number | null;
  readonly memoryUsedBytes: number | null;
  readonly powerWatts: number | null;
}

export interface WatchedHost {
  readonly host: string;
  /** Of the newest record. */
  readonly header: TelemetryHeader | null;
  readonly newest: TelemetryRecord | null;
  /** On a GPU, by its position in the header; undefined where nobody has looked yet. */
  processes?(gpu: number): readonly GpuProcess[] | undefined;
}

/** How long after a sample nothing has to come before it is no longer what is now: a driver may answer nobody. */
const lateMs = 5000;

/** Whether a sample that came at a time is still of now. */
export function isFresh(arrivedMs: number, intervalMs: number, nowMs: number): boolean {
  return nowMs - arrivedMs <= 3 * intervalMs + lateMs;
}

/** The busiest of all GPUs; where none of them says how busy it is, the fullest. undefined: nothing has been sampled. */
export function busiestGpu(hosts: readonly WatchedHost[]): GpuNow | undefined {
  return hosts.flatMap(gpusNow).reduce<GpuNow | undefined>((most, one) => {
    if (most === undefined) return one;
    const [a, b] = [one.busyPercent ?? -1, most.busyPercent ?? -1];
    if (a !== b) return a > b ? one : most;
    return share(one) > share(most) ? one : most;
  }, undefined);
}

/** Every GPU of a host, as its newest record has it. */
export function gpusNow({ host, header, newest }: WatchedHost): readonly GpuNow[] {
  if (newest === null || header === null) return [];
  const column = (name: TelemetryColumn) => header.gpuColumns.indexOf(name);
  return header.gpus.flatMap((gpu, i) => {
    const values = newest.gpus[i];
    if (values === undefined) return [];
    const at = (name: TelemetryColumn) => values[column(name)] ?? null;
    return [
      {
        host,
        gpu,
        recorded: header.recorded,
        busyPercent: at('smActivePercent') ?? at('utilizationPercent'),
        memoryUsedBytes: at('memoryUsedBytes'),
        powerWatts: at('powerWatts'),
      },
    ];
  });
}

function share({ gpu, memoryUsedBytes }: GpuNow): number {
  return (memoryUsedBytes ?? 0) / gpu.memoryTotalBytes;
}
