import { describe, expect, it } from 'vitest';
import { throttleWords } from '../../../src/core/device/slowdown.ts';
import { createFormatter } from '../../../webview/common/format.ts';
import { HostTelemetry } from '../../../webview/telemetry/hostTelemetry.ts';
import { ageMs, footWords, headlineWords, isStale } from '../../../webview/telemetry/hostWords.ts';
import { metricContent } from '../../../webview/telemetry/metricCharts.ts';
import { type LineChartId, lineCharts } from '../../../webview/telemetry/metrics.ts';
import { phaseWords } from '../../../webview/telemetry/phaseRegions.ts';
import { allGpus } from '../../../webview/telemetry/shownGpu.ts';
import { restored, TelemetryState } from '../../../webview/telemetry/state.ts';
import {
  hostState,
  startedWallMs,
  telemetryHeader,
  telemetryLines,
  telemetrySnapshot,
} from '../../webview/examples.ts';

const format = createFormatter('en-US');
const sampled = (gpuCount: number, from: number, to: number) => {
  const host = new HostTelemetry(hostState);
  host.take([telemetryHeader(gpuCount), ...telemetryLines(gpuCount, from, to)], startedWallMs);
  return host;
};
describe('the samples of a host', () => {
  it('takes each record once, however often it comes', () => {
    const host = sampled(1, 0, 10);
    host.take(telemetryLines(1, 5, 15), startedWallMs);
    expect(host.series?.end).toBe(15);
  });

  it('follows the monotonic clock, whatever the wall clock is set to meanwhile', () => {
    const host = sampled(1, 0, 2);
    const [record] = telemetryLines(1, 2, 3);
    if (record?.type !== 'telemetry') throw new Error('no record');
    host.take([{ ...record, wallMs: 0 }], startedWallMs);
    expect(host.series?.lastTime).toBe(startedWallMs + 400);
  });

  it('breaks the lines at a gap and keeps its cause', () => {
    const host = sampled(1, 490, 550);
    expect(host.gaps).toMatchObject([{ cause: 'driver busy' }]);
    const line = host.series?.line(0, 0, Number.MAX_SAFE_INTEGER, 1000);
    expect(line?.y.filter((value) => Number.isNaN(value))).toHaveLength(1);
  });

  it('breaks them too where samples stop without a word', () => {
    const host = sampled(1, 0, 10);
    host.take(telemetryLines(1, 40, 50), startedWallMs);
    expect(host.gaps).toMatchObject([{ cause: 'no samples came' }]);
  });

  it('goes on over a restart of the same device, with a gap; starts anew for another one', () => {
    const restart = { startedWallMs: startedWallMs + 60_000, startedMonotonicMs: 0 };
    const same = sampled(1, 0, 10);
    same.take([telemetryHeader(1, restart)], startedWallMs);
    expect(same.gaps).toMatchObject([{ cause: 'sampling was restarted' }]);
    expect(same.series?.end).toBe(11);
    const other = sampled(1, 0, 10);
    other.take([telemetryHeader(2, restart)], startedWallMs);
    expect(other.series?.end).toBe(0);
  });

  it('ignores records before a header', () => {
    const host = new HostTelemetry(hostState);
    host.take(telemetryLines(1, 0, 5), startedWallMs);
    expect(host.series).toBeUndefined();
  });
});

describe('the time axis', () => {
  const opened = () => {
    const state = new TelemetryState();
    state.receive(telemetrySnapshot(1), startedWallMs);
    return state;
  };

  it('ends at the newest sample while it is live, in the client’s time', () => {
    const state = opened();
    const newest = startedWallMs + 999 * 200;
    expect(state.window).toEqual({ fromMs: newest - 300_000, toMs: newest });
    const [line] = telemetryLines(1, 1000, 1001);
    state.receive(
      { type: 'delta', hosts: [{ ...hostState, clockOffsetMs: 7, lines: line ? [line] : [] }] },
      0,
    );
    expect(state.window.toMs).toBe(newest + 200 + 7);
  });

  it('stands still while it is paused, and data goes on', () => {
    const state = opened();
    const before = state.window;
    state.togglePause();
    state.receive({ type: 'delta', hosts: [{ ...hostState, lines: telemetryLines(1, 1000, 1100) }] }, 0);
    expect(state.window).toMatchObject(before);
    state.togglePause();
    expect(state.window.toMs).toBe(before.toMs + 100 * 200);
  });

  it('zooms to a drag in either direction, not to a click', () => {
    const state = opened();
    state.zoomTo(startedWallMs + 5000, startedWallMs + 1000);
    expect(state.window).toMatchObject({ fromMs: startedWallMs + 1000, toMs: startedWallMs + 5000 });
    state.zoomTo(startedWallMs, startedWallMs + 20);
    expect(state.window).toMatchObject({ fromMs: startedWallMs + 1000 });
    state.zoomBy(0.5);
    expect(state.window).toMatchObject({ fromMs: startedWallMs + 2000, toMs: startedWallMs + 4000 });
    state.moveBy(-0.5);
    expect(state.window).toMatchObject({ fromMs: startedWallMs + 1000, toMs: startedWallMs + 3000 });
    state.goLive();
    expect(state.view.kind).toBe('live');
  });

  it('keeps window and hidden GPUs over a reload, and nothing that is none', () => {
    expect(
      restored({ windowMs: 900_000, hidden: ['gpu-01/0', 3], chosenLines: [['a', true], ['b']] }),
    ).toEqual({
      windowMs: 900_000,
      hidden: ['gpu-01/0'],
      chosenLines: [['a', true]],
    });
    expect(restored({ windowMs: 12, hidden: 'x' })).toEqual({ windowMs: null, hidden: [], chosenLines: [] });
    expect(restored(undefined)).toEqual({ windowMs: null, hidden: [], chosenLines: [] });
  });
});

describe('what the panel says', () => {
  const state = new TelemetryState();
  state.receive(telemetrySnapshot(2, 620), startedWallMs);
  const gpus = allGpus(state);
  const content = (id: LineChartId, width = 400) => metricContent(id, gpus, state.window, width, format);

  it('draws at most twice as many points a line as the plot is wide', () => {
    for (const id of lineCharts)
      for (const { points } of content(id, 60).chart.series) expect(points.length).toBeLessThanOrEqual(120);
  });

  it('hatches gaps with their cause, and says them in the sentence', () => {
    expect(content('memory').chart.regions).toMatchObject([{ label: 'gap: driver busy' }]);
    expect(content('memory').summary).toMatch(/1 gap of 8 s in all: driver busy\.$/);
  });

  it('falls back to utilisation where SM activity is not known, and says so', () => {
    const coarse = new TelemetryState();
    const [column] = [telemetryHeader(1).gpuColumns.indexOf('smActivePercent')];
    const lines = telemetryLines(1, 0, 20).map((line) =>
      line.type === 'telemetry'
        ? {
            ...line,
            gpus: line.gpus.map((row) =>
              row.map((value, i) => (i >= column && i < column + 3 ? null : value)),
            ),
          }
        : line,
    );
    const snapshot = telemetrySnapshot(1, 0);
    coarse.receive({ ...snapshot, hosts: [{ ...hostState, lines: [telemetryHeader(1), ...lines] }] }, 0);
    const found = metricContent('busy', allGpus(coarse), coarse.window, 400, format);
    expect(found.chart.series.map(({ label }) => label)).toEqual(['any kernel']);
    expect(found.summary).toContain('SM, tensor and DRAM activity are not known here');
  });

  it('counts busy GPUs and names those slowed down, with the reason', () => {
    expect(headlineWords(gpus, gpus[0]?.host.arrivedMs ?? 0, format)).toMatch(
      /^\d of 2 GPUs busy \(10 % or more\), drawing [\d,]+ W together\./,
    );
    expect(throttleWords(0x01)).toEqual([]);
    expect(throttleWords(0x44)).toEqual(['power cap', 'heat (hardware)']);
    expect(throttleWords(null)).toBeNull();
  });

  it('claims nothing of now for hosts that send nothing any more', () => {
    const now = gpus[0]?.host.arrivedMs ?? 0;
    expect(headlineWords(gpus, now + 60_000, format)).toBe(
      'What the GPUs do now is not known: figures are those of the newest sample.',
    );
    const lost = sampled(1, 0, 10);
    lost.state = { ...hostState, host: 'gpu-02', connection: 'stale' };
    const [shown] = gpus;
    if (shown === undefined) throw new Error('no GPU');
    expect(headlineWords([shown, { ...shown, host: lost }], now, format)).toMatch(
      /^\d of 1 GPU busy .* Of 1 more it is not known now\.$/,
    );
  });

  it('says in the foot that a device is recorded, its rate, its clock and its age', () => {
    const host = sampled(1, 0, 10);
    host.state = { ...hostState, clockOffsetMs: 40, clockErrorMs: 1.5 };
    const now = startedWallMs + 1800 + 40 + 3000;
    expect(footWords(host, ageMs(host, now), format)).toBe(
      'gpu-01: live · recorded device h200-static-batch, not live hardware · every 200 ms · clock 40.0 ms apart ± 1.50 ms · newest sample 3 s old',
    );
    expect([isStale(host, now), isStale(host, now - 2000)]).toEqual([true, false]);
  });
});

describe('several hosts', () => {
  const away = 90_000;
  const opened = () => {
    const state = new TelemetryState();
    const lines = [telemetryHeader(1), ...telemetryLines(1, 0, 400)];
    // The second host's clock is behind the client's.
    const behind = { ...telemetryHeader(1), startedWallMs: startedWallMs - away };
    state.receive(
      {
        ...telemetrySnapshot(1),
        hosts: [
          { ...hostState, clockOffsetMs: 0, lines },
          {
            ...hostState,
            host: 'gpu-02',
            clockOffsetMs: away,
            lines: [behind, ...telemetryLines(1, 0, 300)],
            phases: [{ fromMs: startedWallMs - away + 10_000, toMs: null, label: 'concurrency 8' }],
          },
        ],
      },
      startedWallMs,
    );
    return state;
  };

  it('stand on one time axis, the client’s, whatever their clocks say', () => {
    const state = opened();
    const { chart } = metricContent('power', allGpus(state), state.window, 900, format);
    const [first, second] = chart.series;
    expect(chart.series.map(({ label }) => label)).toEqual(['gpu-01 GPU 0', 'gpu-02 GPU 0']);
    expect(first?.points[0]?.x).toBe(startedWallMs);
    expect(second?.points[0]?.x).toBe(startedWallMs);
    // What was sampled at the same moment stands at the same place.
    const at = (points: readonly { x: number; y: number }[] | undefined) =>
      points?.find(({ x }) => x === startedWallMs + 20_000)?.y;
    expect(at(first?.points)).toBe(at(second?.points));
    expect(state.window.toMs).toBe(startedWallMs + 399 * 200);
  });

  it('are shaded with what a run does there, to the edge while it goes on, and it is said in words', () => {
    const state = opened();
    const { chart } = metricContent('power', allGpus(state), state.window, 900, format);
    expect(chart.regions).toEqual([
      { from: startedWallMs + 10_000, to: state.window.toMs, label: 'gpu-02: concurrency 8', kind: 'span' },
    ]);
    expect(phaseWords([...state.hosts.values()], state.window)).toBe(
      'A run in this time: gpu-02: concurrency 8.',
    );
    expect(phaseWords([...state.hosts.values()], { fromMs: 0, toMs: 1 })).toBe('');
  });

  it('keep their phases over news that say nothing of them', () => {
    const state = opened();
    state.receive({ type: 'delta', hosts: [{ ...hostState, host: 'gpu-02', lines: [] }] }, startedWallMs);
    expect(state.hosts.get('gpu-02')?.phases).toHaveLength(1);
  });
});
