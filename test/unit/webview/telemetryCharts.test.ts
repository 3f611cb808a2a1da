import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { TelemetryHeader, TelemetryLine } from '../../../src/protocol/agent.ts';
import { readRecording } from '../../../src/protocol/telemetryRecording.ts';
import { createFormatter } from '../../../webview/common/format.ts';
import { hostContent } from '../../../webview/telemetry/hostChart.ts';
import { metricContent } from '../../../webview/telemetry/metricCharts.ts';
import { type LineChartId, lineCharts } from '../../../webview/telemetry/metrics.ts';
import { Replay } from '../../../webview/telemetry/replay.ts';
import { allGpus } from '../../../webview/telemetry/shownGpu.ts';
import { TelemetryState } from '../../../webview/telemetry/state.ts';
import { throttleContent } from '../../../webview/telemetry/throttleLanes.ts';
import {
  hostState,
  startedWallMs,
  telemetryHeader,
  telemetryLines,
  telemetrySnapshot,
} from '../../webview/examples.ts';

const format = createFormatter('en-US');

interface Host {
  readonly gpus?: number;
  readonly header?: Partial<TelemetryHeader>;
  readonly lines?: readonly TelemetryLine[];
  readonly state?: object;
}

function stateOf(...hosts: readonly Host[]): TelemetryState {
  const state = new TelemetryState();
  state.receive(
    {
      ...telemetrySnapshot(1, 0),
      hosts: hosts.map(({ gpus = 1, header = {}, lines, state: more = {} }, i) => ({
        ...hostState,
        host: `gpu-0${i + 1}`,
        ...more,
        lines: [telemetryHeader(gpus, header), ...(lines ?? telemetryLines(gpus, 0, 400))],
      })),
    },
    startedWallMs,
  );
  return state;
}

const contentOf = (
  state: TelemetryState,
  id: LineChartId,
  chosen: ReadonlyMap<string, boolean> = new Map(),
) => metricContent(id, allGpus(state), state.window, 400, format, chosen);
const drawn = (state: TelemetryState, id: LineChartId, chosen?: ReadonlyMap<string, boolean>) =>
  contentOf(state, id, chosen)
    .chart.series.filter(({ hidden }) => hidden !== true)
    .map(({ label }) => label);

describe('the charts of one GPU', () => {
  const state = stateOf({});

  it('show all that is sampled of it', () => {
    expect(Object.fromEntries(lineCharts.map((id) => [id, drawn(state, id)]))).toEqual({
      memory: ['used', 'free'],
      busy: ['SM', 'tensor', 'DRAM', 'any kernel'],
      power: ['power'],
      clocks: ['SM clock', 'memory clock'],
      temperature: ['GPU'],
      pcie: ['GPU→host', 'host→GPU'],
      nvlink: ['out of the GPU', 'into the GPU'],
    });
  });

  it('hold memory against the total, less what the driver reserves', () => {
    const { rows, chart } = contentOf(state, 'memory');
    expect(chart.marks?.map(({ label }) => label)).toEqual(['total 140 GiB, 614 MiB reserved']);
    const [used, free] = rows;
    expect((used?.last ?? 0) + (free?.last ?? 0)).toBeCloseTo(140.4 - 0.6, 3);
    // What is least free is when most is used.
    expect((used?.max ?? 0) + (free?.min ?? 0)).toBeCloseTo(140.4 - 0.6, 3);
  });

  it('hold power, clock and heat against their limits', () => {
    const marks = (id: LineChartId) => contentOf(state, id).chart.marks?.map(({ label }) => label);
    expect(marks('power')).toEqual(['limit 700 W']);
    expect(marks('clocks')).toEqual(['SM at most 1,980 MHz']);
    expect(marks('temperature')).toEqual(['slows down at 92.0 °C']);
  });

  it('take the peak of NVLinks whose speed the driver does not say from the data sheet, and say so', () => {
    const { lines } = readRecording(
      readFileSync(
        new URL('../../fixtures/telemetry/h100x2-copies-2026-11-25.jsonl', import.meta.url),
        'utf8',
      ),
    );
    const [header, ...rest] = lines;
    if (header?.type !== 'telemetry-header') throw new Error('no header');
    const { chart, rows } = contentOf(stateOf({ header, lines: rest }), 'nvlink');
    expect([chart.left.label, chart.left.unit]).toEqual(['% of the link’s peak', '%']);
    expect(chart.marks?.map(({ label }) => label)).toEqual([
      'peak 450 GB/s each way, NVLink 4 by its data sheet',
    ]);
    // 387.7 GB/s were copied.
    expect(Math.max(...rows.map(({ max }) => max))).toBeCloseTo(87, 0);
    // Without links there is no such peak.
    const [gpu] = header.gpus;
    if (gpu?.links === undefined) throw new Error('no GPU');
    const bare = { ...header, gpus: [{ ...gpu, links: { ...gpu.links, nvlinks: 0 } }] };
    expect(contentOf(stateOf({ header: bare, lines: rest }), 'nvlink').chart.left.label).toBe('GB/s');
  });

  it('show links as share of their peak where it is known, else in GB/s', () => {
    const share = contentOf(state, 'pcie');
    expect([share.chart.left.label, share.rows[1]?.unit]).toEqual(['% of the link’s peak', '%']);
    expect(share.chart.marks?.[0]?.label).toBe('peak 63.0 GB/s each way');
    const gpus = telemetryHeader(1).gpus.map(({ links: _, ...gpu }) => gpu);
    const plain = contentOf(stateOf({ header: { gpus } }), 'pcie');
    expect([plain.chart.left.label, plain.rows[1]?.unit, plain.chart.marks]).toEqual(['GB/s', 'GB/s', []]);
    expect(share.rows[1]?.max).toBeCloseTo(((plain.rows[1]?.max ?? 0) * 100) / 63, 3);
  });

  it('say what is not sampled, and draw nothing of it', () => {
    const gpuColumns = telemetryHeader(1).gpuColumns.slice(0, 2);
    const { summary, chart } = contentOf(stateOf({ header: { gpuColumns } }), 'nvlink');
    expect(summary).toMatch(/^Not known: nothing of out of the GPU, into the GPU was sampled/);
    expect(chart.series).toEqual([]);
  });
});

describe('the charts of several GPUs', () => {
  it('have a line of each in the first metric only where there are more than four; the legend has the others', () => {
    expect(drawn(stateOf({ gpus: 2 }), 'busy')).toHaveLength(6);
    const state = stateOf({ gpus: 6 });
    expect(drawn(state, 'busy')).toEqual([0, 1, 2, 3, 4, 5].map((gpu) => `GPU ${gpu} SM`));
    expect(contentOf(state, 'busy').chart.series).toHaveLength(24);
    expect(contentOf(state, 'busy').rows).toHaveLength(24);
  });

  it('follow the legend', () => {
    const chosen = new Map([
      ['gpu-01/0/sm', false],
      ['gpu-01/1/kernel', true],
    ]);
    const labels = drawn(stateOf({ gpus: 2 }), 'busy', chosen);
    expect(labels).not.toContain('GPU 0 SM');
    expect(labels).toContain('GPU 1 any kernel');
  });

  it('have a line a host, of its most, where there are very many', () => {
    const state = stateOf({ gpus: 8 }, { gpus: 8 });
    expect(drawn(state, 'power')).toEqual(['gpu-01, most of 8 GPUs', 'gpu-02, most of 8 GPUs']);
    const all = telemetryLines(8, 0, 400).flatMap((line) =>
      line.type === 'telemetry' ? line.gpus.flatMap((row) => row[5] ?? []) : [],
    );
    expect(contentOf(state, 'power').rows[0]?.max).toBeCloseTo(Math.max(...all), 2);
  });

  it('have no more points together than a frame can draw, however wide they are', () => {
    const { chart } = metricContent(
      'busy',
      allGpus(stateOf({ gpus: 8 })),
      stateOf({ gpus: 8 }).window,
      2000,
      format,
    );
    const points = chart.series.reduce((sum, series) => sum + series.points.length, 0);
    expect(points).toBeLessThanOrEqual(6000);
  });
});

describe('several hosts on one time axis', () => {
  it('stand where their clocks say, and gaps name the host', () => {
    const late = { clockOffsetMs: -20_000, clockErrorMs: 0.4 };
    const state = stateOf(
      { lines: telemetryLines(1, 0, 600) },
      { lines: telemetryLines(1, 0, 600), state: late },
    );
    const [first, second] = contentOf(state, 'power').chart.series;
    expect((first?.points[0]?.x ?? 0) - (second?.points[0]?.x ?? 0)).toBe(20_000);
    expect(contentOf(state, 'power').chart.regions?.map(({ label }) => label)).toEqual([
      'gap: gpu-01: driver busy',
      'gap: gpu-02: driver busy',
    ]);
  });

  it('show a host that is lost as a gap that grows beside the others', () => {
    const state = stateOf(
      { lines: telemetryLines(1, 0, 400) },
      { lines: telemetryLines(1, 0, 300), state: { connection: 'stale' } },
    );
    const { regions } = contentOf(state, 'power').chart;
    expect(regions).toEqual([
      {
        from: startedWallMs + 299 * 200,
        to: startedWallMs + 399 * 200,
        label: 'gap: gpu-02: the connection is lost',
      },
    ]);
  });

  it('go on with time while all of them are lost, but not away from what was sampled', () => {
    const state = stateOf({ state: { connection: 'stale' } });
    const last = startedWallMs + 399 * 200;
    state.nowMs = last + 60_000;
    expect(state.window.toMs).toBe(last + 60_000);
    expect(contentOf(state, 'power').summary).toMatch(
      /1 gap of 1 min 00 s in all: the connection is lost\.$/,
    );
    state.nowMs = last + 3_600_000;
    expect(state.window.toMs).toBe(last + state.windowMs / 2);
  });
});

describe('a host that came back', () => {
  it('has one gap, with the cause that ended the stream before', () => {
    const back = telemetryHeader(1, { startedWallMs: startedWallMs + 30_000, startedMonotonicMs: 7 });
    const lost: TelemetryLine = {
      type: 'telemetry-gap',
      fromMonotonicMs: 5000 + 99 * 200,
      toMonotonicMs: 5000 + 30_000,
      missedTicks: 51,
      cause: 'the connection was lost',
    };
    const again = telemetryLines(1, 0, 50).map((line) =>
      line.type === 'telemetry' ? { ...line, monotonicMs: line.monotonicMs - 4993 } : line,
    );
    const state = stateOf({ lines: [...telemetryLines(1, 0, 100), lost, back, ...again] });
    const [host] = state.hosts.values();
    expect(host?.gaps.map(({ cause }) => cause)).toEqual(['the connection was lost']);
    expect(contentOf(state, 'power').rows[0]?.count).toBe(150);
  });
});

describe('a recording', () => {
  const opened = () => {
    const state = new TelemetryState();
    state.chosenWindowMs = 60_000;
    const [host] = telemetrySnapshot(1, 400).hosts;
    if (host === undefined) throw new Error('no host');
    state.receive(
      {
        ...telemetrySnapshot(1, 400),
        windowMs: 79_800,
        recording: { name: 'x.jsonl', notes: [] },
        hosts: [{ ...host, connection: 'recording' }],
      },
      startedWallMs,
    );
    return state;
  };

  it('shows all of itself, whatever window was last chosen for live hosts', () => {
    expect(opened().window).toEqual({ fromMs: startedWallMs, toMs: startedWallMs + 79_800 });
  });

  it('plays from its beginning to its end, as fast as it is told to', () => {
    const state = opened();
    const replay = new Replay(state);
    replay.toggle(0);
    expect(state.window.toMs).toBe(startedWallMs);
    replay.advance(1000);
    expect(state.window.toMs).toBe(startedWallMs + 10_000);
    replay.speed = 1;
    replay.advance(2000);
    expect(state.window.toMs).toBe(startedWallMs + 11_000);
    replay.advance(3_600_000);
    expect(state.window.toMs).toBe(startedWallMs + 79_800);
    expect([replay.advance(3_601_000), replay.isPlaying, replay.advance(3_602_000)]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('says the figures of the window’s end', () => {
    const state = opened();
    const [host] = state.hosts.values();
    if (host === undefined) throw new Error('no host');
    expect(state.shownAtMs).toBeNull();
    state.zoomTo(startedWallMs, startedWallMs + 10_000);
    host.shownAtMs = state.shownAtMs;
    const then = telemetryLines(1, 50, 51)[0];
    if (then?.type !== 'telemetry') throw new Error('no record');
    expect(host.now(0, 'powerWatts')).toBeCloseTo(then.gpus[0]?.[5] ?? Number.NaN, 3);
    host.shownAtMs = startedWallMs - 1;
    expect(host.now(0, 'powerWatts')).toBeNull();
  });
});

describe('throttle lanes', () => {
  const at = telemetryHeader(1).gpuColumns.indexOf('throttleReasons');
  const slowed = (gpus: number, bitsOf: (seq: number, gpu: number) => number | null) =>
    stateOf({
      gpus,
      lines: telemetryLines(gpus, 0, 400).map((line) =>
        line.type === 'telemetry'
          ? { ...line, gpus: line.gpus.map((row, gpu) => row.with(at, bitsOf(line.seq, gpu))) }
          : line,
      ),
    });
  const lanes = (state: TelemetryState) => throttleContent(allGpus(state), state.window, 400, format);

  it('are a lane a GPU and reason, as long as it lasted', () => {
    const state = slowed(2, (seq, gpu) => (gpu === 1 && seq >= 100 && seq < 200 ? 0x44 : 0x01));
    const { chart, rows, summary } = lanes(state);
    expect(chart.series.map(({ label }) => label)).toEqual(['GPU 1: power cap', 'GPU 1: heat (hardware)']);
    const xs = (chart.series[0]?.points ?? []).map(({ x }) => x);
    expect([Math.min(...xs), Math.max(...xs)]).toEqual([startedWallMs + 20_000, startedWallMs + 40_000]);
    expect(chart.left.ticks?.map((tick) => chart.left.format(tick))).toEqual([
      'GPU 1: power cap',
      'GPU 1: heat (hardware)',
    ]);
    expect(rows[0]?.mean).toBeCloseTo((100 * 20) / 300, 3);
    expect(summary).toMatch(/^1 of 2 GPUs were slowed down: GPU 1: power cap for 6\.67 % of the time/);
  });

  it('end at a gap: what was not sampled is not known', () => {
    const lines = telemetryLines(1, 400, 600).map((line) =>
      line.type === 'telemetry' ? { ...line, gpus: line.gpus.map((row) => row.with(at, 4)) } : line,
    );
    const { chart } = lanes(stateOf({ lines }));
    expect(chart.series[0]?.points.filter(({ y }) => Number.isNaN(y))).toHaveLength(2);
  });

  it('say so where no GPU was slowed down, and where it is not known', () => {
    expect(lanes(slowed(1, () => 0)).summary).toBe('No GPU was slowed down in this time.');
    expect(lanes(slowed(1, () => null)).summary).toMatch(/^Not known/);
  });
});

describe('the CPU of the hosts', () => {
  const host = (cpu: number): Host => ({
    header: { hostColumns: ['cpuPercent'] },
    lines: telemetryLines(1, 0, 400).map((line) =>
      line.type === 'telemetry' ? { ...line, host: [cpu + (line.seq % 10)] } : line,
    ),
  });
  const shown = (state: TelemetryState, chosen?: ReadonlyMap<string, boolean>) =>
    hostContent([...state.hosts.values()], state.window, 400, format, chosen);

  it('is a line a host, with the busiest in words', () => {
    const one = shown(stateOf(host(20)));
    expect(one?.summary).toBe('CPU 29.0 % at the end, 20.0 to 29.0 in all.');
    expect(one?.chart.series.map(({ label }) => label)).toEqual(['CPU']);
    const two = shown(stateOf(host(20), host(60)), new Map([['gpu-01/host', false]]));
    expect(two?.summary).toMatch(/^gpu-02, the busiest of 2, 69\.0 % at the end/);
    expect(two?.chart.series.map(({ label, hidden }) => [label, hidden])).toEqual([
      ['gpu-01', true],
      ['gpu-02', false],
    ]);
    expect(two?.rows.map(({ mean }) => Math.round(mean))).toEqual([25, 65]);
  });

  it('is no chart where nobody samples it, and not known in a time without samples', () => {
    expect(shown(stateOf({}))).toBeUndefined();
    const state = stateOf(host(20));
    state.zoomTo(startedWallMs - 20_000, startedWallMs - 10_000);
    expect(shown(state)?.summary).toMatch(/^Not known/);
  });
});
