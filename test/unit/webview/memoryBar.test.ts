import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allDevices } from '../../../src/core/device/catalogue.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { knownModelNames } from '../../../src/core/model/known.ts';
import { GiB } from '../../../src/core/units.ts';
import { bandWords, segmentsOf } from '../../../webview/calculator/memoryBar.ts';
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
});
