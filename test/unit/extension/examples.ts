import { GiB } from '../../../src/core/units.ts';
import type { ProbedGpu, ProbeRecord } from '../../../src/protocol/agent.ts';

/** `GPU-<index>`, of 140 GiB of which 9 are used. */
export function probedGpu(index: number, name: string, more: Partial<ProbedGpu> = {}): ProbedGpu {
  return {
    index,
    uuid: `GPU-${index}`,
    name,
    memoryTotalBytes: 140 * GiB,
    memoryUsedBytes: 9 * GiB,
    powerLimitWatts: 700,
    ...more,
  };
}

export function probeOf(gpus: readonly ProbedGpu[], more: Partial<ProbeRecord> = {}): ProbeRecord {
  return {
    type: 'probe',
    hostname: 'gpu-01',
    python: '3.12.3',
    os: 'Linux 6.8',
    cpuCount: 16,
    memoryTotalBytes: 128 * GiB,
    freeDiskBytes: null,
    gpuSource: 'nvml',
    driver: '580.95',
    cuda: '13.0',
    gpus,
    engines: [],
    ...more,
  };
}
