import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { GiB } from '../../../src/core/units.ts';
import {
  cudaOrdinal,
  driverTrouble,
  enginesFound,
  gpuFigures,
  gpuHardware,
  gpuLabel,
  gpuLinks,
  processesOn,
} from '../../../src/extension/hosts/gpuWords.ts';
import type { ProbedGpu, ProbeRecord } from '../../../src/protocol/agent.ts';
import { probedGpu, probeOf } from './examples.ts';

describe('a GPU in the view', () => {
  const h200 = probedGpu(0, 'NVIDIA H200');
  const now = {
    host: 'gpu-01',
    gpu: h200,
    recorded: false,
    busyPercent: 97.6,
    memoryUsedBytes: 131 * GiB,
    powerWatts: 612.3,
  };

  it('is named as people do, and as the driver does where the catalogue does not have it', () => {
    expect(gpuLabel(h200)).toBe('0: H200');
    expect(gpuLabel(probedGpu(3, 'Voodoo 2'))).toBe('3: Voodoo 2');
  });

  it('says what is known now, else what the probe found; what is not known is not there', () => {
    expect(gpuFigures(h200, now)).toBe('98 % · 131/140 GiB · 612 W');
    expect(gpuFigures(h200, { ...now, busyPercent: null, powerWatts: null })).toBe('131/140 GiB');
    expect(gpuFigures(h200, undefined)).toBe('9.00/140 GiB');
    expect(gpuFigures({ ...h200, memoryUsedBytes: null }, undefined)).toBe('140 GiB');
  });
});

describe('two H100s as they were probed', () => {
  const file = new URL('../../fixtures/telemetry/h100x2-probe-2026-11-25.json', import.meta.url);
  const probe = JSON.parse(readFileSync(file, 'utf8')) as ProbeRecord;
  const [first, second] = probe.gpus as [ProbedGpu, ProbedGpu];

  it('say how each reaches the other, and what they are', () => {
    expect(gpuLinks(probe, 0)).toEqual(['GPU 1: NVLink × 18 (switch), PHB']);
    expect(gpuLinks(probe, 1)).toEqual(['GPU 0: NVLink × 18 (switch), PHB']);
    expect(gpuHardware(first)).toBe('PCIe 5 × 16 · NVLink × 18 · sm_90');
    expect(gpuHardware(probedGpu(0, 'Voodoo 2'))).toBe('');
  });

  it('have the number that a CUDA program gives them, or none where it is kept from seeing them', () => {
    expect([cudaOrdinal(probe, first), cudaOrdinal(probe, second)]).toEqual([0, 1]);
    const [, other] = probe.cudaView?.devices ?? [];
    if (probe.cudaView === undefined || other === undefined) throw new Error('no view of CUDA');
    const cudaView = { ...probe.cudaView, visibleDevices: '1', devices: [{ ...other, ordinal: 0 }] };
    const hidden = { ...probe, cudaView };
    expect([cudaOrdinal(hidden, first), cudaOrdinal(hidden, second)]).toEqual([null, 0]);
    const slice = {
      ...second,
      uuid: 'MIG-1',
      mig: { parentUuid: first.uuid, gpuInstance: 1, computeInstance: 0 },
    };
    expect(cudaOrdinal({ ...hidden, gpus: [first, slice] }, first)).toBeUndefined();
    const { cudaView: _, ...older } = probe;
    expect(cudaOrdinal(older, first)).toBeUndefined();
  });
});

describe('a host on which no GPU is found', () => {
  it('says what its driver said, where one is there and does not work', () => {
    const gpuDetail =
      "nvml: the driver's library and its kernel module differ in version: reboot (NVML code 18); nvidia-smi: nvidia-smi is not in PATH";
    expect(driverTrouble(probeOf([], { gpuDetail }))).toMatch(/^nvml: .* reboot \(NVML code 18\)$/);
    expect(
      driverTrouble(probeOf([], { gpuDetail: 'nvml: libnvidia-ml.so.1 was not found' })),
    ).toBeUndefined();
    expect(driverTrouble(probeOf([probedGpu(0, 'NVIDIA H200')], { gpuDetail }))).toBeUndefined();
  });
});

describe('what is found beside the GPUs', () => {
  it('are processes by GPU, the biggest first', () => {
    const process = (pid: number, memoryBytes: number | null) => ({
      pid,
      user: null,
      name: null,
      memoryBytes,
      own: null,
    });
    const probe = probeOf([], {
      processes: [
        { gpu: 1, processes: [process(1, null), process(2, 5), process(3, 9)] },
        { gpu: 0, processes: [process(4, 1)] },
      ],
    });
    expect(processesOn(probe, 1).map(({ pid }) => pid)).toEqual([3, 2, 1]);
    expect(processesOn(probeOf([]), 0)).toEqual([]);
  });

  it('are engines with their versions, in programs and in images', () => {
    const probe = probeOf([], {
      engines: [
        { name: 'vllm', version: '0.26.0', path: '/v/bin/vllm', foundIn: 'venv' },
        { name: 'llama-server', version: null, path: '/usr/bin/llama-server' },
      ],
      containerImages: [
        { engine: 'vllm', runtime: 'docker', image: 'vllm/vllm-openai:v0.11.0', sizeText: '22 GB' },
      ],
    });
    expect(enginesFound(probe)).toEqual([
      { label: 'vLLM 0.26.0', place: 'venv · /v/bin/vllm' },
      { label: 'llama-server', place: '/usr/bin/llama-server' },
      { label: 'vLLM', place: 'docker · vllm/vllm-openai:v0.11.0 · 22 GB' },
    ]);
  });
});
