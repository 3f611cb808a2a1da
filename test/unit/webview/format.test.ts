import { describe, expect, it } from 'vitest';
import { logarithmicTicks, timeTicks } from '../../../webview/common/chartTicks.ts';
import { createFormatter } from '../../../webview/common/format.ts';

describe('numbers for a person', () => {
  const english = createFormatter('en-US');

  it('have three significant figures and thousands separated', () => {
    expect([0.01234, 1.5, 15.04, 999.4, 12345.6, 0].map(english.significant)).toEqual([
      '0.0123',
      '1.50',
      '15.0',
      '999',
      '12,346',
      '0',
    ]);
    expect([20, 0.5, 2500].map(english.tick)).toEqual(['20', '0.5', '2,500']);
  });

  it('follow the locale, and English where the locale is none', () => {
    expect(createFormatter('de-DE').significant(1.5)).toBe('1,50');
    expect(createFormatter('de-DE').count(8192)).toBe('8.192');
    expect(createFormatter('no such locale').count(8192)).toBe('8,192');
  });

  it('say that they are not known, never 0', () => {
    expect([english.bytes(Number.NaN), english.count(Number.POSITIVE_INFINITY)]).toEqual([
      'not known',
      'not known',
    ]);
  });

  it('carry their units', () => {
    expect(english.bytes(15 * 2 ** 30)).toBe('15.0 GiB');
    expect(english.milliseconds(1200)).toBe('1.20 s');
    expect([45, 125, 6600].map(english.duration)).toEqual(['45 s', '2 min 05 s', '1 h 50 min']);
  });
});

describe('ticks', () => {
  it('of time stand on round seconds and are few', () => {
    expect(timeTicks(10_500, 70_500, 4)).toEqual([15_000, 30_000, 45_000, 60_000]);
    expect(timeTicks(0, 7_200_000, 5).length).toBeLessThanOrEqual(6);
  });

  it('of doublings are powers of two within the axis', () => {
    expect(logarithmicTicks(256, 8192, 8)).toEqual([256, 512, 1024, 2048, 4096, 8192]);
    expect(logarithmicTicks(1, 1024, 4)).toEqual([1, 8, 64, 512]);
    expect(logarithmicTicks(0, 0, 4)).toEqual([]);
  });
});
