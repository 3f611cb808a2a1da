/** What runs in the page of the telemetry bench: each function stands alone, as it is sent there as text. */
import type { EditorTheme } from '../webview/themes.ts';

interface BenchFrame {
  /** Of the callback: script and drawing. */
  readonly ms: number;
  /** Canvases drawn in it. */
  readonly charts: number;
  /** Of the figure of the last of them. */
  readonly chart: string;
}
declare global {
  interface Window {
    bench: {
      isReady: boolean;
      readonly frames: BenchFrame[];
      /** Of the newest sample, when the first chart with it had been drawn; milliseconds. */
      readonly ages: number[];
    };
    Chart: new (
      canvas: HTMLCanvasElement,
      config: object,
    ) => {
      readonly data: { readonly datasets: { data: { x: number; y: number }[] }[] };
      update(): void;
      stop(): void;
      destroy(): void;
    };
  }
}

/** Before the page's own script: a fake editor, and a clock around every frame. */
export function benchPage(theme: EditorTheme): void {
  const bench: Window['bench'] = { isReady: false, frames: [], ages: [] };
  window.bench = bench;
  const root = () => {
    for (const [name, value] of Object.entries(theme.variables))
      document.documentElement.style.setProperty(`--vscode-${name}`, value);
  };
  document.addEventListener('readystatechange', root, { once: true });
  Object.assign(window, {
    acquireVsCodeApi: () => ({
      postMessage: ({ type }: { type: string }) => {
        if (type === 'ready') bench.isReady = true;
      },
      getState: () => undefined,
      setState: () => {},
    }),
  });
  let cleared = 0;
  let chart = '';
  const { clearRect } = CanvasRenderingContext2D.prototype;
  CanvasRenderingContext2D.prototype.clearRect = function (...box: [number, number, number, number]) {
    cleared += 1;
    chart = this.canvas.closest('section')?.id ?? '';
    clearRect.apply(this, box);
  };
  let newestMs = Number.NaN;
  window.addEventListener('message', ({ data }) => {
    for (const { lines } of data.hosts ?? [])
      for (const line of lines) if (line.type === 'telemetry') newestMs = line.wallMs;
  });
  const request = window.requestAnimationFrame.bind(window);
  window.requestAnimationFrame = (callback) =>
    request((time) => {
      cleared = 0;
      const started = performance.now();
      callback(time);
      const ms = performance.now() - started;
      if (ms > 0.05) bench.frames.push({ ms, charts: cleared, chart });
      if (cleared > 0 && !Number.isNaN(newestMs)) {
        bench.ages.push(Date.now() - newestMs);
        newestMs = Number.NaN;
      }
    });
}

/** Two hours of 8 GPUs at 10 Hz. Gives the number of samples. */
export async function fillTwoHours(protocol: number): Promise<number> {
  const startedWallMs = Date.now() - 7_200_000;
  const columns =
    'memoryUsedBytes utilizationPercent smActivePercent tensorActivePercent dramActivePercent powerWatts smClockMHz memoryClockMHz temperatureCelsius pcieTxBytesPerSecond pcieRxBytesPerSecond nvlinkTxBytesPerSecond nvlinkRxBytesPerSecond throttleReasons';
  const row = (seq: number, gpu: number) => {
    const load = Math.abs(Math.sin(seq / 300 + gpu)) * 0.9 + 0.1 * Math.random();
    const part = [8e10 + 5e10 * load, 100 * load, 90 * load, 45 * load, 65 * load, 120 + 500 * load];
    return [
      ...part,
      1980 - 200 * load,
      3201,
      40 + 30 * load,
      8e9 * load,
      2e10 * load,
      2e11 * load,
      2e11 * load,
      load > 0.97 ? 4 : 0,
    ];
  };
  const record = (seq: number) => ({
    type: 'telemetry',
    seq,
    monotonicMs: seq * 100,
    wallMs: startedWallMs + seq * 100,
    gpus: Array.from({ length: 8 }, (_, gpu) => row(seq, gpu)),
    host: [],
  });
  const state = {
    host: 'gpu-01',
    connection: 'live',
    message: null,
    clockOffsetMs: 0,
    clockErrorMs: 0,
    recordingFile: null,
  };
  const header = {
    type: 'telemetry-header',
    schema: 1,
    source: 'nvml',
    recorded: false,
    hostname: 'gpu-01',
    intervalMs: 100,
    startedWallMs,
    startedMonotonicMs: 0,
    gpus: Array.from({ length: 8 }, (_, index) => ({
      index,
      uuid: `GPU-${index}`,
      name: 'NVIDIA H200',
      memoryTotalBytes: 150e9,
      memoryUsedBytes: null,
      powerLimitWatts: 700,
    })),
    gpuColumns: columns.split(' '),
    hostColumns: [],
  };
  const rows = 71_000;
  const settle = () =>
    new Promise<void>((resolve) => {
      let left = 14;
      const next = () => (left-- > 0 ? requestAnimationFrame(next) : resolve());
      next();
    });
  Object.assign(window, {
    benchPost: (from: number, to: number) => {
      const lines = Array.from({ length: to - from }, (_, i) => record(from + i));
      window.postMessage({ type: 'delta', hosts: [{ ...state, lines }] }, '*');
    },
    benchSettle: settle,
  });
  window.postMessage(
    {
      type: 'snapshot',
      protocol,
      hosts: [{ ...state, lines: [header] }],
      windowMs: 7_200_000,
      recording: null,
      locale: 'en-US',
    },
    '*',
  );
  const { benchPost } = window as unknown as { benchPost(from: number, to: number): void };
  for (let from = 0; from < rows; from += 1000) {
    benchPost(from, from + 1000);
    await new Promise((next) => requestAnimationFrame(next));
  }
  await settle();
  return rows;
}

/** One more sample, drawn in all charts. */
export async function oneMore(seq: number): Promise<void> {
  const { benchPost, benchSettle } = window as unknown as {
    benchPost(from: number, to: number): void;
    benchSettle(): Promise<void>;
  };
  benchPost(seq, seq + 1);
  await benchSettle();
}

/** Milliseconds of script and drawing of one update of chart.js as it comes, with a point more a line. */
export async function defaultChart(size: {
  readonly lines: number;
  readonly points: number;
}): Promise<number> {
  const box = document.createElement('div');
  box.style.width = '500px';
  const canvas = document.createElement('canvas');
  box.append(canvas);
  document.body.append(box);
  const data = (line: number) =>
    Array.from({ length: size.points }, (_, x) => ({ x, y: 100 * Math.abs(Math.sin(x / 300 + line)) }));
  const chart = new window.Chart(canvas, {
    type: 'line',
    data: {
      datasets: Array.from({ length: size.lines }, (_, line) => ({ label: `${line}`, data: data(line) })),
    },
    options: { scales: { x: { type: 'linear' } } },
  });
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  await frame();
  await frame();
  const times: number[] = [];
  for (let round = 0; round < 2; round++) {
    for (const { data: points } of chart.data.datasets) points.push({ x: size.points + round, y: 50 });
    window.bench.frames.splice(0);
    const started = performance.now();
    chart.update();
    const updated = performance.now() - started;
    await frame();
    await frame();
    times.push(updated + (window.bench.frames.find(({ charts }) => charts > 0)?.ms ?? 0));
  }
  chart.destroy();
  return Math.min(...times);
}

/** A snapshot of many hosts (`protocol` given), or one delta of all of them; then everything is drawn. */
export async function manyHosts(what: {
  readonly hosts: number;
  readonly gpus: number;
  readonly protocol: number | null;
  readonly from: number;
  readonly to: number;
}): Promise<void> {
  const columns =
    'memoryUsedBytes utilizationPercent smActivePercent tensorActivePercent dramActivePercent powerWatts smClockMHz memoryClockMHz temperatureCelsius pcieTxBytesPerSecond pcieRxBytesPerSecond nvlinkTxBytesPerSecond nvlinkRxBytesPerSecond throttleReasons';
  const keep = window as unknown as { benchStarted?: number };
  keep.benchStarted ??= Date.now() - 400_000;
  const startedWallMs = keep.benchStarted;
  const hosts = Array.from({ length: what.hosts }, (_, host) => {
    const header = {
      type: 'telemetry-header',
      schema: 1,
      source: 'nvml',
      recorded: false,
      hostname: `gpu-${host}`,
      intervalMs: 1000,
      startedWallMs,
      startedMonotonicMs: 0,
      gpus: Array.from({ length: what.gpus }, (_unused, index) => ({
        index,
        uuid: `GPU-${host}-${index}`,
        name: 'NVIDIA H200',
        memoryTotalBytes: 150e9,
        memoryUsedBytes: null,
        powerLimitWatts: 700,
      })),
      gpuColumns: columns.split(' '),
      hostColumns: [],
    };
    const record = (seq: number) => ({
      type: 'telemetry',
      seq,
      monotonicMs: seq * 1000,
      wallMs: startedWallMs + seq * 1000,
      gpus: header.gpus.map((_gpu, gpu) => {
        const load = Math.abs(Math.sin(seq / 30 + gpu + host));
        const part = [8e10 + 5e10 * load, 100 * load, 90 * load, 45 * load, 65 * load, 120 + 500 * load];
        return [
          ...part,
          1980,
          3201,
          40 + 30 * load,
          8e9 * load,
          2e10 * load,
          2e11 * load,
          2e11 * load,
          load > 0.97 ? 4 : 0,
        ];
      }),
      host: [],
    });
    const lines = Array.from({ length: what.to - what.from }, (_unused, i) => record(what.from + i));
    return {
      host: `gpu-${host}`,
      connection: 'live',
      message: null,
      clockOffsetMs: 0,
      clockErrorMs: 0.4,
      recordingFile: null,
      lines: what.protocol === null ? lines : [header, ...lines],
    };
  });
  const message =
    what.protocol === null
      ? { type: 'delta', hosts }
      : {
          type: 'snapshot',
          protocol: what.protocol,
          hosts,
          windowMs: 300_000,
          recording: null,
          locale: 'en-US',
        };
  window.postMessage(message, '*');
  for (let left = 16; left > 0; left--) await new Promise((next) => requestAnimationFrame(next));
}
