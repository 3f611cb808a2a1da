import { describe, expect, it } from 'vitest';
import { GiB } from '../../../src/core/units.ts';
import { liveTargetsOf } from '../../../src/extension/hosts/probedGpus.ts';
import { probedGpu, probeOf } from './examples.ts';

describe('the targets that a probed host offers', () => {
  it('are its GPUs by kind as CUDA sees them, with the engine in PATH before others', () => {
    const probe = probeOf(
      [probedGpu(0, 'NVIDIA H200'), probedGpu(1, 'NVIDIA H200'), probedGpu(2, 'NVIDIA L4')],
      {
        cudaView: {
          visibleDevices: null,
          order: 'pci',
          note: '',
          devices: [0, 1, 2].map((ordinal) => ({
            ordinal,
            uuid: `GPU-${ordinal}`,
            name: ordinal < 2 ? 'NVIDIA H200' : 'NVIDIA L4',
            totalBytes: 100 * GiB,
            freeBytes: (90 - ordinal) * GiB,
          })),
        },
        engines: [
          { name: 'vllm', version: '0.11.0', path: '/v/bin/vllm', foundIn: 'venv' },
          { name: 'vllm', version: '0.26.0', path: '/usr/bin/vllm', foundIn: 'path' },
          { name: 'sglang', version: null, path: '/usr/bin/sglang', foundIn: 'path' },
        ],
      },
    );
    const targets = liveTargetsOf('gpu-01', probe, 7);
    expect(targets.map(({ gpu, gpus }) => [gpu, gpus.map(({ freeBytes }) => freeBytes)])).toEqual([
      ['NVIDIA H200', [90 * GiB, 89 * GiB]],
      ['NVIDIA L4', [88 * GiB]],
    ]);
    expect(targets[0]).toMatchObject({
      host: 'gpu-01',
      probedAtMs: 7,
      engines: [{ name: 'vllm', version: '0.26.0' }],
    });
  });

  it('do not take what NVML shows for what CUDA sees, where that is not known', () => {
    const [target] = liveTargetsOf('gpu-01', probeOf([probedGpu(0, 'NVIDIA H200')]), 0);
    expect(target?.gpus).toEqual([{ ordinal: 0, uuid: 'GPU-0', cudaTotalBytes: null, freeBytes: null }]);
  });

  it('are none for a GPU that the catalogue does not have, and none of a recording', () => {
    expect(liveTargetsOf('gpu-01', probeOf([probedGpu(0, 'Voodoo 2')]), 0)).toEqual([]);
    const recorded = probeOf([probedGpu(0, 'NVIDIA H200')], { gpuSource: 'recorded:h200' });
    expect(liveTargetsOf('gpu-01', recorded, 0)).toEqual([]);
  });
});
