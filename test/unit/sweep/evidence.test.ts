import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { parseLog } from '../../../src/core/log/parseLog.ts';
import type { CellTelemetry } from '../../../src/core/sweep/cellResult.ts';
import { summariseEngineMetrics } from '../../../src/core/sweep/engineMetricsSummary.ts';
import {
  flagsBeside,
  isSameFlag,
  memoryBeside,
  speedBeside,
} from '../../../src/core/sweep/memoryBesideMeasured.ts';
import { summariseTelemetry, type TelemetrySamples } from '../../../src/core/sweep/telemetrySummary.ts';
import { type WhyInput, whyOf } from '../../../src/core/sweep/why.ts';
import { readTelemetryLine } from '../../../src/protocol/agentGuard.ts';
import { madeCell } from './madeCells.ts';

const links = { pcieBytesPerSecond: 63e9, nvlinkBytesPerSecond: 450e9 };
const limits = { ...links, smClockMHz: 1980 };

/** A sample a second from second 0 on, of one GPU. */
function stream(rows: readonly (readonly (number | null)[])[], columns: readonly string[]): TelemetrySamples {
  return {
    gpuColumns: columns,
    hostColumns: ['cpuPercent'],
    gpus: [{ index: 0, ...links }],
    samples: rows.map((row, at) => ({ wallMs: 1000 * at, gpus: [row], host: [10] })),
  };
}

describe('telemetry of a cell', () => {
  it('has energy by the trapezoidal rule, exact at the ends of the window', () => {
    // 100 W, then 10 W more each second: from 1.5 to 4.5 s the mean is 130 W.
    const ramp = stream(
      Array.from({ length: 10 }, (_, at) => [100 + 10 * at]),
      ['powerWatts'],
    );
    const summary = summariseTelemetry([ramp], [{ fromMs: 1500, toMs: 4500 }], undefined, 390);
    expect(summary?.energyJoules).toBeCloseTo(3 * 130, 9);
    expect(summary?.meanWatts).toBeCloseTo(130, 9);
    expect(summary?.joulesPerOutputToken).toBeCloseTo(1, 9);
    expect(summary?.hostCpu).toBeCloseTo(0.1, 9);
  });

  it('has no energy over a gap, and takes what was not read at a tick for unknown, never for 0', () => {
    const slow = stream([[100], [null], [null], [110], [null], [120]], ['powerWatts']);
    expect(
      summariseTelemetry([slow], [{ fromMs: 0, toMs: 5000 }], undefined, null)?.energyJoules,
    ).toBeCloseTo(315 + 230, 6);
    const gap = stream([[100], [null], [null], [null], [110], [120]], ['powerWatts']);
    const summary = summariseTelemetry([gap], [{ fromMs: 0, toMs: 5000 }], undefined, null);
    expect(summary?.energyJoules).toBeUndefined();
    expect(summary?.meanWatts).toBeCloseTo(105, 9);
  });

  it("is of the cell's GPUs and windows alone, over streams that a resume cut", () => {
    const two = (offset: number): TelemetrySamples => ({
      gpuColumns: ['smActivePercent', 'throttleReasons'],
      hostColumns: [],
      gpus: [
        { index: 0, ...links },
        { index: 1, ...links },
      ],
      samples: Array.from({ length: 10 }, (_, at) => ({
        wallMs: offset + 1000 * at,
        gpus: [
          [20, 0],
          [80, at % 2 === 0 ? 0x04 : 0x01],
        ],
        host: [],
      })),
    });
    const summary = summariseTelemetry(
      [two(0), two(100_000)],
      [
        { fromMs: 2000, toMs: 6000 },
        { fromMs: 102_000, toMs: 106_000 },
      ],
      [1],
      null,
    );
    expect(summary).toMatchObject({ gpus: 1, samples: 8, smActive: 0.8, throttled: { 'power cap': 0.5 } });
    expect(summariseTelemetry([two(0)], [{ fromMs: 50_000, toMs: 60_000 }], undefined, null)).toBeUndefined();
  });

  it('of a real H200 under load is busy and far above its idle power', () => {
    const file = new URL('../../fixtures/telemetry/h200-agent-2026-11-23.jsonl', import.meta.url);
    const lines = readFileSync(fileURLToPath(file), 'utf8').split('\n');
    const records = lines.flatMap((line) => {
      const read = readTelemetryLine(line);
      return read.kind === 'record' ? [read.record] : [];
    });
    const header = records.find((record) => record.type === 'telemetry-header');
    const samples = records.flatMap((record) => (record.type === 'telemetry' ? [record] : []));
    if (header?.type !== 'telemetry-header') throw new Error('no header');
    const busy = samples.filter(({ gpus }) => (gpus[0]?.[2] ?? 0) > 50);
    const [first, last] = [busy[0], busy.at(-1)];
    if (first === undefined || last === undefined) throw new Error('never busy');
    const summary = summariseTelemetry(
      [{ ...header, gpus: [{ index: 0, ...links }], samples }],
      [{ fromMs: first.wallMs, toMs: last.wallMs }],
      undefined,
      null,
    );
    expect(summary?.smActive).toBeGreaterThan(0.4);
    expect(summary?.meanWatts).toBeGreaterThan(300);
    expect(summary?.meanWatts).toBeLessThan(760);
    expect(summary?.energyJoules).toBeCloseTo(
      ((summary?.meanWatts ?? 0) * (last.wallMs - first.wallMs)) / 1000,
      3,
    );
  });
});

describe("the engine's metrics of a cell", () => {
  it('are counted by what grew in the windows, over all copies, and never below zero after a restart', () => {
    const sample = (wallMs: number, instance: number, preemptions: number, waiting: number) => ({
      wallMs,
      engineKey: 'k',
      instance,
      running: 8,
      waiting,
      kvUsage: 0.9 + 0.01 * instance,
      preemptions,
      prefixCacheHits: preemptions * 10,
      prefixCacheQueries: preemptions * 40,
    });
    const samples = [
      sample(0, 0, 5, 0),
      sample(1000, 0, 5, 2),
      sample(1000, 1, 7, 2),
      sample(2000, 0, 9, 4),
      sample(2000, 1, 0, 4),
    ];
    const summary = summariseEngineMetrics(samples, 'k', [{ fromMs: 1000, toMs: 2000 }]);
    expect(summary).toMatchObject({
      preemptions: 4,
      waiting: 6,
      running: 16,
      kvUsageMost: 0.91,
      prefixHits: 0.25,
    });
    expect(summariseEngineMetrics(samples, 'other', [{ fromMs: 0, toMs: 9000 }])).toBeUndefined();
  });
});

describe('why a cell is as fast as it is', () => {
  const base: CellTelemetry = { fromWallMs: 0, toWallMs: 1, samples: 10, gpus: 1 };
  const why = (telemetry: Partial<CellTelemetry>, more: Partial<WhyInput> = {}) =>
    whyOf({
      cell: madeCell('c', [100]),
      telemetry: { ...base, ...telemetry },
      metrics: undefined,
      limits,
      predicted: undefined,
      ...more,
    });
  const busyGpu = { smActive: 0.95, dramActive: 0.7, tensorActive: 0.1, hostCpu: 0.1 };

  it('is what its telemetry shows, with the figure', () => {
    expect(why(busyGpu)).toMatchObject({
      bound: 'hbm',
      evidence: [expect.stringContaining('70.0 %'), expect.anything()],
    });
    expect(why({ smActive: 0.9, dramActive: 0.3, tensorActive: 0.7 }).bound).toBe('compute');
    expect(
      why({ ...busyGpu, dramActive: 0.2, pcieTxBytesPerSecond: 1e9, pcieRxBytesPerSecond: 50e9 }).bound,
    ).toBe('pcie');
    expect(
      why({ ...busyGpu, dramActive: 0.2, nvlinkTxBytesPerSecond: 300e9, nvlinkRxBytesPerSecond: 1 }),
    ).toMatchObject({
      bound: 'nvlink',
      evidence: [expect.stringContaining('66.7 % of its 450 GB/s'), expect.anything()],
    });
    expect(
      why({ smActive: 0.2, dramActive: 0.1, tensorActive: 0.05, hostCpu: 0.4 }, { predicted: 'launch' }),
    ).toMatchObject({
      bound: 'host',
      evidence: [
        expect.stringMatching(/active 20\.0 %.*as the estimate says/),
        expect.anything(),
        expect.anything(),
      ],
    });
  });

  it('names first what makes the rest meaningless: the client, then a GPU that slows itself down, then the cache', () => {
    const client = {
      loopLagMs: { p99: 40 },
      cpuSeconds: 1,
      events: 1,
      eventsPerSecond: 1,
      bound: true,
      boundBecause: ['CPU 98 %'],
    };
    const bound = madeCell('c', [100], {}, { client });
    const metrics = { samples: 5, kvUsage: 0.97, kvUsageMost: 1, waiting: 12, preemptions: 3 };
    const slow = { ...busyGpu, throttled: { 'heat (hardware)': 0.3 } };
    expect(why(slow, { cell: bound, metrics })).toMatchObject({
      bound: 'client',
      evidence: expect.arrayContaining([expect.stringContaining('CPU 98 %')]),
    });
    expect(why(slow, { metrics }).bound).toBe('throttled');
    expect(why(busyGpu, { metrics })).toMatchObject({
      bound: 'kv',
      evidence: expect.arrayContaining([expect.stringMatching(/3.* preemptions/)]),
    });
    expect(why({ ...busyGpu, throttled: { 'power cap': 0.3 } }).bound).toBe('hbm');
  });

  it('without activity counters is by the estimate, and says so; with counters that show nothing it is not known', () => {
    const estimated = whyOf({
      cell: madeCell('c', [100]),
      telemetry: undefined,
      metrics: undefined,
      limits,
      predicted: 'bandwidth',
    });
    expect(estimated).toMatchObject({
      bound: 'hbm',
      evidence: [expect.stringContaining('By the estimate alone'), expect.anything()],
    });
    expect(why({ smActive: 0.8, dramActive: 0.2, tensorActive: 0.2 }, { predicted: 'bandwidth' }).bound).toBe(
      'unknown',
    );
    expect(why({ ...busyGpu }, { predicted: 'compute' }).evidence.join(' ')).toContain(
      'The estimate, otherwise, expects arithmetic',
    );
  });
});

describe('predicted beside measured', () => {
  const log = readFileSync(
    fileURLToPath(new URL('../../fixtures/logs/vllm-0.26-h200-llama31-8b.log', import.meta.url)),
    'utf8',
  );
  const [start] = parseLog(log);

  it('has the memory terms that the log of a real start says', () => {
    if (start === undefined) throw new Error('no start in the log');
    const gib = 1024 ** 3;
    const term = (id: string, value: number) => ({
      term: id,
      bytes: value * gib,
      lowBytes: 0.9 * value * gib,
      highBytes: 1.1 * value * gib,
    });
    const rows = memoryBeside([term('weights', 15), term('available-kv', 111), term('graphs', 1)], start);
    expect(rows.map((row) => row.term)).toEqual(['weights', 'available-kv']);
    expect(rows[0]?.measuredBytes).toBeCloseTo(start.weightsBytes ?? 0, 0);
    for (const { predictedBytes, measuredBytes } of rows)
      expect(Math.abs(measuredBytes / predictedBytes - 1)).toBeLessThan(0.02);
  });

  it('has speeds of usable cells of a closed loop alone', () => {
    const figure = (value: number) => ({ value, low: 0.9 * value, high: 1.1 * value });
    const predicted = {
      kvTokens: 1000,
      ttftMs: figure(90),
      tpotMs: figure(9),
      systemTokensPerSecond: figure(110),
      bound: 'bandwidth',
    } as const;
    const begun = { kvTokens: 990, startupSeconds: 61, expectedStartSeconds: 120 };
    expect(speedBeside(madeCell('c', [100]), predicted, begun)).toEqual({
      ttftMs: { predicted: 90, low: 81, high: expect.closeTo(99, 9), measured: 100 },
      tpotMs: { predicted: 9, low: expect.closeTo(8.1, 9), high: expect.closeTo(9.9, 9), measured: 10 },
      systemTokensPerSecond: { predicted: 110, low: 99, high: expect.closeTo(121, 9), measured: 100 },
      kvTokens: { predicted: 1000, low: 1000, high: 1000, measured: 990 },
      startupSeconds: { predicted: 120, low: 120, high: 120, measured: 61 },
    });
    const open = madeCell('c', [100], { concurrency: null, requestsPerSecond: 3 });
    expect(Object.keys(speedBeside(open, predicted, begun) ?? {})).toEqual(['kvTokens', 'startupSeconds']);
  });
});

describe('flags as an engine ran with them', () => {
  const file = new URL(
    '../../fixtures/runs/vllm-0.26-h100-2026-11-25/chat/engine-9fe6339dabe327f2.log',
    import.meta.url,
  );

  it('stand beside those that the estimate resolved, where the log says them', () => {
    const [start] = parseLog(readFileSync(fileURLToPath(file), 'utf8'));
    if (start === undefined) throw new Error('no start');
    const beside = flagsBeside({ 'max-model-len': 4096, 'max-num-seqs': 256, 'no-such-flag': 1 }, start);
    expect(beside).toEqual([
      { flag: 'max-model-len', predicted: 4096, logged: 4096 },
      { flag: 'max-num-seqs', predicted: 256, logged: 64 },
    ]);
    expect(beside.map(isSameFlag)).toEqual([true, false]);
    expect(isSameFlag({ flag: 'enforce-eager', predicted: true, logged: true })).toBe(true);
  });
});
