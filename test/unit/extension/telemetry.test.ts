import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { busiestGpu, isFresh } from '../../../src/extension/telemetry/busiestGpu.ts';
import { LineBatches } from '../../../src/extension/telemetry/lineBatches.ts';
import type { TelemetryColumn, TelemetryLine } from '../../../src/protocol/agent.ts';
import { seriesOffsetMs } from '../../../src/protocol/telemetryClock.ts';
import { keptRows } from '../../../src/protocol/telemetryHistory.ts';
import { startedWallMs, telemetryHeader, telemetryLines } from '../../webview/examples.ts';

describe('the busiest GPU', () => {
  const columns: readonly TelemetryColumn[] = ['smActivePercent', 'utilizationPercent', 'memoryUsedBytes'];
  const host = (name: string, ...gpus: (readonly (number | null)[])[]) => ({
    host: name,
    header: telemetryHeader(gpus.length, { gpuColumns: columns }),
    newest: {
      type: 'telemetry',
      seq: 0,
      monotonicMs: 0,
      wallMs: 0,
      gpus,
      host: [],
    } as const,
  });

  it('is that with the most SM activity of all hosts, or kernel time where that is all there is', () => {
    const found = busiestGpu([host('a', [10, 99, 0], [40, 99, 0]), host('b', [null, 55, 3e9])]);
    expect(found).toMatchObject({ host: 'b', gpu: { index: 0 }, busyPercent: 55, memoryUsedBytes: 3e9 });
  });

  it('is the fullest where none is busier, and none where nothing was sampled', () => {
    expect(busiestGpu([host('a', [0, 0, 1e9], [0, 0, 2e9])])?.gpu.index).toBe(1);
    expect(busiestGpu([{ host: 'a', header: telemetryHeader(1), newest: null }])).toBeUndefined();
    expect(busiestGpu([])).toBeUndefined();
  });

  it('is of now for as long as samples come, and a little longer', () => {
    expect([isFresh(1000, 100, 6300), isFresh(1000, 100, 6301)]).toEqual([true, false]);
    expect(isFresh(1000, 60_000, 180_000)).toBe(true);
    expect(isFresh(Number.NEGATIVE_INFINITY, 100, 0)).toBe(false);
  });
});

describe('news on their way to a page', () => {
  beforeEach(() => vi.useFakeTimers());
  afterEach(() => vi.useRealTimers());
  const line = (seq: number): TelemetryLine => telemetryLines(1, seq, seq + 1)[0] as TelemetryLine;

  it('go together, five times a second at most, however many hosts have some', () => {
    const flushed: ReadonlyMap<string, readonly TelemetryLine[]>[] = [];
    const batches = new LineBatches((news) => flushed.push(news));
    for (let ms = 0; ms < 2000; ms += 10) {
      for (const host of ['a', 'b', 'c']) batches.add(host, [line(ms)]);
      vi.advanceTimersByTime(10);
    }
    expect(flushed.length).toBeGreaterThan(5);
    expect(flushed.length).toBeLessThanOrEqual(11);
    expect(flushed[0]?.size).toBe(3);
    const lines = flushed.flatMap((news) => [...news.values()].flat()).length;
    expect(lines).toBeGreaterThan(3 * 170);
  });

  it('wait for nothing where there were none before, and say a state without lines', () => {
    const flushed: ReadonlyMap<string, readonly TelemetryLine[]>[] = [];
    const batches = new LineBatches((news) => flushed.push(news));
    batches.add('a', []);
    vi.advanceTimersByTime(20);
    expect(flushed).toEqual([new Map([['a', []]])]);
    batches.add('a', [line(1)]);
    batches.clear();
    vi.advanceTimersByTime(1000);
    expect(flushed).toHaveLength(1);
  });
});

describe('what is kept of a host', () => {
  it('is two hours, less where that were too many numbers', () => {
    expect(keptRows(telemetryHeader(8, { intervalMs: 1000 }))).toBe(7200);
    expect(keptRows(telemetryHeader(8, { intervalMs: 100 }))).toBeGreaterThan(69_000);
    const many = keptRows(telemetryHeader(64, { intervalMs: 100 }));
    expect(many * 65 * telemetryHeader(8).gpuColumns.length).toBeLessThanOrEqual(9_200_000);
  });
});

describe('the clock of a stream', () => {
  it('is the client’s by the monotonic clocks, whatever the host’s wall clock is set to', () => {
    const clock = { monotonicOffsetMs: startedWallMs - 5000 + 40, wallOffsetMs: -3_600_000, errorMs: 1 };
    expect(seriesOffsetMs(clock, telemetryHeader(1))).toBe(40);
    expect(seriesOffsetMs(clock, null)).toBe(-3_600_000);
  });
});
