import { describe, expect, it } from 'vitest';
import { GiB } from '../../../src/core/units.ts';
import {
  driverTrouble,
  enginesFound,
  gpuFigures,
  gpuLabel,
  processesOn,
} from '../../../src/extension/hosts/gpuWords.ts';
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
