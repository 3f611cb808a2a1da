import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TimeSeries } from '../../../src/core/series/timeSeries.ts';
import { bucketsOf } from '../../../src/extension/telemetry/slices.ts';
import type { TelemetryLine } from '../../../src/protocol/agent.ts';
import { TelemetryHistory, type TelemetrySlice } from '../../../src/protocol/telemetryHistory.ts';
import { HostTelemetry } from '../../../webview/telemetry/hostTelemetry.ts';
import { hostState, startedWallMs, telemetryHeader, telemetryLines } from '../../webview/examples.ts';

const all = [Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY] as const;

function historyOf(lines: readonly TelemetryLine[]): TelemetryHistory {
  const history = new TelemetryHistory((columns, rows) => new TimeSeries(columns, rows));
  history.ingest(lines);
  return history;
}

/** A page that was opened when all of it had been sampled. */
function pageOf(slice: TelemetrySlice | undefined): HostTelemetry {
  if (slice === undefined) throw new Error('nothing was sampled');
  const page = new HostTelemetry(hostState);
  page.restore(slice, startedWallMs);
  return page;
}

function bytesOf({ times, mean, low, high, counts }: TelemetrySlice): number {
  return [times, mean, low, high, counts].reduce((sum, one) => sum + (one as Float32Array).byteLength, 0);
}

describe('two hours of a host', () => {
  const gpus = 8;
  const header = telemetryHeader(gpus, { intervalMs: 100 });
  const row = Array.from({ length: gpus }, (_, gpu) => header.gpuColumns.map((__, column) => column + gpu));
  const records = Array.from(
    { length: 72_000 },
    (_, seq): TelemetryLine => ({
      type: 'telemetry',
      seq,
      monotonicMs: header.startedMonotonicMs + seq * 100,
      wallMs: 0,
      // One sample stands out.
      gpus: seq === 31_337 ? row.map((values) => values.map((value) => value + 1000)) : row,
      host: [],
    }),
  );
  const history = historyOf([header, ...records]);
  const slice = history.slice(...all, bucketsOf(header, 1)) as TelemetrySlice;

  it('at 10 Hz with 8 GPUs are all kept, and reach a page in 2 MB with every peak', () => {
    expect(history.series?.end).toBe(72_000);
    expect(bytesOf(slice)).toBeLessThan(2.1e6);
    const page = pageOf(slice);
    const line = page.series?.line(0, ...all, 1000);
    expect(Math.max(...(line?.y ?? []))).toBe(1000);
    const whole = history.series?.statistics(3, ...all);
    const seen = page.series?.statistics(3, ...all);
    expect(seen).toMatchObject({ count: 72_000, min: whole?.min, max: whole?.max });
    expect(seen?.mean).toBeCloseTo(whole?.mean ?? 0, 3);
  });

  it('are asked for in more detail where the window is short, and then known to the sample', () => {
    const page = pageOf(slice);
    const series = page.series;
    const at = startedWallMs + 31_337 * 100;
    const window = { fromMs: at - 30_000, toMs: at + 30_000 };
    expect(series?.wanting({ fromMs: startedWallMs, toMs: startedWallMs + 7_200_000 }, 900)).toBeUndefined();
    const part = series?.wanting(window, 900);
    expect(part).toEqual(window);
    series?.refine(history.slice(window.fromMs, window.toMs, 1800) as TelemetrySlice);
    expect(series?.wanting(window, 900)).toBeUndefined();
    expect(series?.valueAt(0, at)).toBe(1000);
    expect(series?.valueAt(0, at + 100)).toBe(0);
    expect(series?.statistics(0, at - 1000, at + 1000)).toMatchObject({ count: 21, max: 1000, min: 0 });
    // Another part of the past is still there, in buckets.
    expect(series?.statistics(0, startedWallMs, startedWallMs + 60_000)?.max).toBe(0);
  });

  it('go on live: what came before and after the page opened are one line', () => {
    const page = pageOf(slice);
    const next = (seq: number): TelemetryLine => ({
      ...(records[0] as Extract<TelemetryLine, { type: 'telemetry' }>),
      seq,
      monotonicMs: header.startedMonotonicMs + seq * 100,
      gpus: row.map((values) => values.map(() => 7)),
    });
    // The last records come again, as after a reconnection.
    page.take([71_998, 71_999, 72_000, 72_001].map(next), startedWallMs);
    expect(page.series?.end).toBe(2);
    expect(page.series?.lastTime).toBe(startedWallMs + 7_200_100);
    const whole = page.series?.statistics(0, ...all);
    expect(whole).toMatchObject({ count: 72_002, last: 7 });
    const line = page.series?.line(0, startedWallMs + 7_190_000, startedWallMs + 7_300_000, 400);
    expect(line?.x.every((time, i, times) => i === 0 || time >= (times[i - 1] ?? 0))).toBe(true);
    expect(line?.y.at(-1)).toBe(7);
  });

  it('of many hosts together are no more', () => {
    const together = history.slice(...all, bucketsOf(header, 32)) as TelemetrySlice;
    expect(32 * bytesOf(together)).toBeLessThan(9e6);
  });
});

describe('a slice', () => {
  it('of few samples has each of them, gaps, notices and slowdowns too', () => {
    const lines = [telemetryHeader(1), ...telemetryLines(1, 480, 560)];
    const page = pageOf(historyOf(lines).slice(...all, 500));
    const whole = new HostTelemetry(hostState);
    whole.take(lines, startedWallMs);
    expect(page.gaps).toEqual(whole.gaps);
    expect(page.latest).toEqual(whole.latest);
    expect(page.series?.line(0, ...all, 500)).toEqual(whole.series?.line(0, ...all, 500));
    expect(page.slowdowns(0)?.of(0x04, ...all)).toEqual(whole.slowdowns(0)?.of(0x04, ...all));
  });

  it('breaks the line at a gap, in buckets too', () => {
    const page = pageOf(historyOf([telemetryHeader(1), ...telemetryLines(1, 0, 1000)]).slice(...all, 60));
    const line = page.series?.line(0, ...all, 500);
    expect(line?.y.some(Number.isNaN)).toBe(true);
    expect(page.gaps).toMatchObject([{ cause: 'driver busy' }]);
  });

  it('tells of any stretch what the samples say, whatever it is cut into', () => {
    const history = historyOf([telemetryHeader(2), ...telemetryLines(2, 0, 900)]);
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 400 }),
        fc.nat(180_000),
        fc.nat(180_000),
        (buckets, one, other) => {
          const [from, to] = [startedWallMs + Math.min(one, other), startedWallMs + Math.max(one, other)];
          const slice = history.slice(from, to, buckets) as TelemetrySlice;
          const seen = pageOf(slice).series?.statistics(5, slice.fromMs, slice.toMs);
          const truth = history.series?.statistics(5, slice.fromMs, slice.toMs);
          expect(seen?.count).toBe(truth?.count);
          if (seen === undefined || truth === undefined) return;
          expect(seen).toMatchObject({ min: truth.min, max: truth.max });
          expect(seen.mean).toBeCloseTo(truth.mean, 2);
        },
      ),
      { numRuns: 150 },
    );
  });

  it('is none before a header has come', () => {
    expect(historyOf(telemetryLines(1, 0, 5)).slice(...all, 100)).toBeUndefined();
  });
});

it('all that is kept can be written out again, in the order in which it came', () => {
  const restart = telemetryHeader(1, { startedWallMs: startedWallMs + 400_000 });
  const lines = [telemetryHeader(1), ...telemetryLines(1, 490, 550), restart, ...telemetryLines(1, 0, 20)];
  const again = [...historyOf(lines).lines()];
  expect(again.map(({ type }) => type)).toEqual(lines.map(({ type }) => type));
  const second = historyOf(again);
  expect(second.gaps).toEqual(historyOf(lines).gaps);
  expect(second.series?.lastTime).toBe(startedWallMs + 400_000 + 19 * 200);
});

describe('the processes on a GPU', () => {
  const process = (pid: number, memoryBytes: number | null) => ({
    pid,
    user: 'me',
    name: `p${pid}`,
    memoryBytes,
    own: true,
  });
  const at = (seconds: number, gpu: number, ...processes: ReturnType<typeof process>[]): TelemetryLine => ({
    type: 'telemetry-processes',
    monotonicMs: telemetryHeader(2).startedMonotonicMs + seconds * 1000,
    gpu,
    processes,
  });
  const lines = [
    telemetryHeader(2),
    at(1, 0, process(1, null), process(2, 5e9)),
    ...telemetryLines(2, 10, 60),
    at(9, 0),
  ];
  const pids = (of: HostTelemetry | TelemetryHistory, gpu: number, ms: number | null = null) =>
    of.processes(gpu, ms)?.map(({ pid }) => pid);

  it('are those of the newest look, or of a time; not known where nobody looked', () => {
    const history = historyOf(lines);
    expect(pids(history, 0)).toEqual([]);
    expect(pids(history, 0, startedWallMs + 8_000)).toEqual([2, 1]);
    expect(pids(history, 0, startedWallMs)).toBeUndefined();
    expect(pids(history, 1)).toBeUndefined();
  });

  it('reach a page that opens later, and go with the GPUs of another stream', () => {
    const page = pageOf(historyOf(lines).slice(...all, 100));
    expect(pids(page, 0, startedWallMs + 8_000)).toEqual([2, 1]);
    page.take([at(12, 1, process(3, 1))], startedWallMs);
    expect(pids(page, 1)).toEqual([3]);
    page.take([telemetryHeader(3, { startedWallMs: startedWallMs + 60_000 })], startedWallMs);
    expect(pids(page, 1)).toBeUndefined();
  });
});

describe('what is of the host itself', () => {
  const hostColumns = ['cpuPercent', 'memoryUsedBytes'] as const;
  const linesOf = (gpus: number) => [
    telemetryHeader(gpus, { hostColumns }),
    ...telemetryLines(gpus, 0, 100).map((line, seq) =>
      line.type === 'telemetry' ? { ...line, host: [seq, seq === 3 ? null : 2e9] } : line,
    ),
  ];

  it.each([0, 1, 3])('is kept beside %i GPUs, reaches a page and is written out again', (gpus) => {
    const history = historyOf(linesOf(gpus));
    const page = pageOf(history.slice(...all, 500));
    for (const one of [history, page]) {
      const [cpu, memory] = hostColumns.map((name) => one.hostColumn(name) ?? -1);
      expect(one.series?.statistics(cpu ?? -1, ...all)).toMatchObject({ count: 100, max: 99, min: 0 });
      expect(one.series?.statistics(memory ?? -1, ...all)).toMatchObject({ count: 99, last: 2e9 });
      expect(one.hostColumn('networkTxBytesPerSecond')).toBeUndefined();
    }
    expect(page.hostNow('cpuPercent')).toBe(99);
    page.shownAtMs = startedWallMs + 3 * 200;
    expect([page.hostNow('cpuPercent'), page.hostNow('memoryUsedBytes')]).toEqual([3, null]);
    const records = [...history.lines()].flatMap((line) => (line.type === 'telemetry' ? [line.host] : []));
    expect(records).toHaveLength(100);
    expect(records[3]).toEqual([3, null]);
  });
});
