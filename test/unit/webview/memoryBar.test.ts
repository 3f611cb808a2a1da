import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allDevices } from '../../../src/core/device/catalogue.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { knownModelNames } from '../../../src/core/model/known.ts';
import { GiB } from '../../../src/core/units.ts';
import { bandWords, rankGroups, segmentsOf } from '../../../webview/calculator/memoryBar.ts';
import { areOnOneGpu, mayShareGpu } from '../../../webview/calculator/stack.ts';
import { createFormatter } from '../../../webview/common/format.ts';
import { requestFor } from '../../webview/examples.ts';

describe('the memory bar', () => {
  it('accounts for every byte of the GPU, and for every byte that is needed beyond it', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...knownModelNames()),
        fc.constantFrom(...allDevices().map(({ id }) => id)),
        fc.integer({ min: 5, max: 100 }),
        (model, device, percent) => {
          const found = estimate(requestFor(model, device, { 'gpu-memory-utilization': percent / 100 }), {
            fixes: false,
          });
          for (const rank of found.perRank) {
            const segments = segmentsOf(rank);
            const bytes = (kinds: readonly string[]) =>
              segments.filter(({ kind }) => kinds.includes(kind)).reduce((sum, one) => sum + one.bytes, 0);
            const needed = bytes(['charged', 'kv', 'uncharged']);
            expect(segments.every((one) => one.bytes > 0)).toBe(true);
            expect(needed + bytes(['spare'])).toBeCloseTo(Math.max(needed, rank.totalBytes), -1);
            expect(bytes(['charged', 'kv'])).toBeCloseTo(
              rank.requestedBytes + Math.max(0, -rank.availableKvBytes),
              -1,
            );
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  it('says a band in GiB, each side where they differ', () => {
    const format = createFormatter('en-US');
    const words = (bytes: number, low: number, high: number) =>
      bandWords({ bytes: bytes * GiB, lowBytes: low * GiB, highBytes: high * GiB }, format);
    expect(words(15, 15, 15)).toBe('');
    expect(words(15, 14.8, 15.2)).toBe('±0.20');
    expect(words(1, 0.4, 1.2)).toBe('−0.60/+0.20');
    expect(words(15, 15, 15.5)).toBe('+0.50');
  });

  it('folds ranks whose figures are the same under one name', () => {
    const found = estimate(
      { ...requestFor('Llama-3.1-8B-Instruct', 'h200', { 'tensor-parallel-size': 4 }), gpuCount: 4 },
      { fixes: false },
    );
    expect(rankGroups(found.perRank).map(({ name, count }) => [name, count])).toEqual([['ranks 0–3', 4]]);
    const stages = estimate(
      {
        ...requestFor('Llama-3.1-8B-Instruct', 'h200', {
          'tensor-parallel-size': 2,
          'pipeline-parallel-size': 2,
        }),
        gpuCount: 4,
      },
      { fixes: false },
    );
    const groups = rankGroups(stages.perRank);
    expect(groups.reduce((total, { count }) => total + count, 0)).toBe(4);
    expect(groups.map(({ name }) => name)).toEqual(['ranks 0–1', 'ranks 2–3']);
  });

  it('puts deployments on one GPU unless their variables name others', () => {
    const on = (device: string, gpus?: string) => {
      const request = requestFor('Llama-3.1-8B-Instruct', device);
      return gpus === undefined
        ? request
        : {
            ...request,
            deployment: { ...request.deployment, environment: { CUDA_VISIBLE_DEVICES: gpus } },
          };
    };
    expect(mayShareGpu(on('h200'), on('h200'))).toBe(true);
    expect(mayShareGpu(on('h200'), on('l4'))).toBe(false);
    expect(mayShareGpu(on('h200', '0'), on('h200', '1, 2'))).toBe(false);
    expect(mayShareGpu(on('h200', '0,1'), on('h200', '1'))).toBe(true);
    expect(mayShareGpu(on('h200', '0'), on('h200'))).toBe(true);
    expect(areOnOneGpu([on('h200', '0'), on('h200', ' 0')])).toBe(true);
    expect(areOnOneGpu([on('h200', '0'), on('h200', '0,1')])).toBe(false);
    expect(areOnOneGpu([on('h200', '0'), on('h200')])).toBe(false);
    expect(areOnOneGpu([on('h200', '0')])).toBe(false);
  });
});
