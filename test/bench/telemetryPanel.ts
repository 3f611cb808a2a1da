/** The telemetry panel in a real browser: what a redraw costs, what many hosts cost, and how old a sample is when it is seen. */
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Browser, chromium, type Page } from 'playwright-core';
import { TimeSeries } from '../../src/core/series/timeSeries.ts';
import { LineBatches } from '../../src/extension/telemetry/lineBatches.ts';
import { bucketsOf } from '../../src/extension/telemetry/slices.ts';
import type { TelemetryLine } from '../../src/protocol/agent.ts';
import { type FromTelemetry, panelProtocol, type ToTelemetry } from '../../src/protocol/panel.ts';
import { TelemetryHistory } from '../../src/protocol/telemetryHistory.ts';
import { openAgent } from '../../src/remote/agentClient.ts';
import { connect } from '../../src/remote/connect.ts';
import { startLoopbackSshd } from '../tools/loopbackSshd.ts';
import { telemetryHeader, telemetryLines } from '../webview/examples.ts';
import { type PanelServer, servePanels } from '../webview/panelServer.ts';
import { type EditorTheme, themes } from '../webview/themes.ts';
import { benchPage, defaultChart, fillTwoHours, manyHosts, oneMore } from './telemetryPage.ts';

const redrawGoalMs = 16;
const fasterGoal = 50;
const pixelGoalMs = 300;

async function main(): Promise<void> {
  benchSnapshot();
  const server = await servePanels();
  const browser = await chromium.launch({
    executablePath: process.env['LOADLINE_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
  try {
    await benchRedraws(browser, server);
    await benchManyHosts(browser, server);
    await benchSampleToPixel(browser, server);
  } finally {
    await browser.close();
    await server.close();
  }
}

/** What a page is given of two hours of 8 GPUs at 10 Hz, and what the extension spends on it. */
function benchSnapshot(): void {
  const header = telemetryHeader(8, { intervalMs: 100 });
  const history = new TelemetryHistory((columns, rows) => new TimeSeries(columns, rows));
  const [record] = telemetryLines(8, 0, 1);
  if (record?.type !== 'telemetry') return;
  const rows = 72_000;
  // CPU time: other work on the machine does not count.
  const ingesting = process.cpuUsage();
  history.ingest([header]);
  for (let seq = 0; seq < rows; seq++)
    history.ingest([{ ...record, seq, monotonicMs: header.startedMonotonicMs + seq * 100 }]);
  const perRecord = process.cpuUsage(ingesting).user / rows;
  const buckets = bucketsOf(header, 1);
  const slicing = process.cpuUsage();
  const slice = history.slice(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, buckets);
  const sliceMs = process.cpuUsage(slicing).user / 1000;
  const { times, mean, low, high, counts } = slice ?? {};
  const bytes = [times, mean, low, high, counts].reduce(
    (sum, values) => sum + (ArrayBuffer.isView(values) ? values.byteLength : 0),
    0,
  );
  console.log(
    `telemetry kept by the extension, 8 GPUs over 2 h at 10 Hz: ${perRecord.toFixed(0)} µs of CPU a record; a snapshot of ${buckets} buckets is ${(bytes / 1e6).toFixed(1)} MB, made in ${sliceMs.toFixed(0)} ms of CPU`,
  );
}

async function openPanel(browser: Browser, server: PanelServer): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 2000 } })).newPage();
  await page.addInitScript(benchPage, themes.dark as EditorTheme);
  await page.goto(server.url('telemetry', 'dark'));
  await page.waitForFunction(() => window.bench.isReady);
  return page;
}

/** 8 charts of 8 GPUs over 2 h at 10 Hz. */
async function benchRedraws(browser: Browser, server: PanelServer): Promise<void> {
  const page = await openPanel(browser, server);
  const rows = await page.evaluate(fillTwoHours, panelProtocol);
  for (let tick = 0; tick < 3; tick++) await page.evaluate(oneMore, rows + tick);
  await page.evaluate(() => window.bench.frames.splice(0));
  for (let tick = 3; tick < 28; tick++) await page.evaluate(oneMore, rows + tick);
  const frames = await page.evaluate(() => window.bench.frames);
  const drawn = frames.filter(({ charts }) => charts > 0);
  const times = drawn.map(({ ms }) => ms).sort((a, b) => a - b);
  const p50 = quantile(times, 0.5);
  const slowest = [...new Set(drawn.map(({ chart }) => chart))]
    .map((chart) => {
      const own = drawn.flatMap((frame) => (frame.chart === chart ? [frame.ms] : [])).sort((a, b) => a - b);
      return { chart, best: own[0] ?? Number.NaN, p50: quantile(own, 0.5) };
    })
    .sort((a, b) => b.p50 - a.p50)[0];
  const most = Math.max(...drawn.map(({ charts }) => charts));
  console.log(
    `telemetry panel, 8 charts of 8 GPUs over 2 h at 10 Hz (${rows} samples each): ${drawn.length} redraws, p50 ${p50.toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms, ${times.filter((ms) => ms >= redrawGoalMs).length} of ${redrawGoalMs} ms or more (goal 0); at most ${most} chart a frame (goal 1)`,
  );
  console.log(
    `  the slowest of the charts, ${slowest?.chart}: p50 ${slowest?.p50.toFixed(1)} ms, undisturbed ${slowest?.best.toFixed(1)} ms`,
  );
  const chartJs = await readFile('node_modules/chart.js/dist/chart.umd.js', 'utf8');
  await page.evaluate(chartJs);
  const points = 7200;
  const defaults = await page.evaluate(defaultChart, { lines: 8, points });
  console.log(
    `  chart.js with its defaults, 8 lines of ${points} samples (a tenth): ${defaults.toFixed(0)} ms a redraw, ${(defaults / p50).toFixed(0)} times the panel's (goal ${fasterGoal}, with ten times the samples in the panel)`,
  );
  await page.context().close();
}

async function benchManyHosts(browser: Browser, server: PanelServer): Promise<void> {
  const page = await openPanel(browser, server);
  const [hosts, gpus, seconds] = [32, 8, 10];
  await page.evaluate(manyHosts, { hosts, gpus, protocol: panelProtocol, from: 0, to: 300 });
  await page.evaluate(() => window.bench.frames.splice(0));
  for (let second = 0; second < seconds; second++)
    await page.evaluate(manyHosts, { hosts, gpus, protocol: null, from: 300 + second, to: 301 + second });
  const frames = await page.evaluate(() => window.bench.frames);
  const tiles = await page.locator('.tile').count();
  const times = frames.map(({ ms }) => ms).sort((a, b) => a - b);
  const total = times.reduce((sum, ms) => sum + ms, 0);
  console.log(
    `telemetry panel, ${hosts} hosts x ${gpus} GPUs at 1 Hz: ${tiles} tiles live, ${(total / seconds).toFixed(0)} ms of drawing a second, frames p50 ${quantile(times, 0.5).toFixed(1)} ms, p95 ${quantile(times, 0.95).toFixed(1)} ms, most ${quantile(times, 1).toFixed(1)} ms`,
  );
  await page.context().close();
}

/** The agent behind a real sshd on loopback, with a recorded device at 10 Hz, to the canvas. */
async function benchSampleToPixel(browser: Browser, server: PanelServer): Promise<void> {
  const page = await openPanel(browser, server);
  const sshd = await startLoopbackSshd();
  try {
    const archive = join(tmpdir(), `loadline-bench-${process.pid}.pyz`);
    execFileSync('python3', ['src/agent/build.py', archive]);
    const bytes = await readFile(archive);
    const nobody = async () => undefined;
    const log = { info: () => {}, warn: console.error, error: console.error };
    const host = await connect(sshd.alias, {
      prompter: {
        acceptUnknownHostKey: async () => false,
        passphrase: nobody,
        password: nobody,
        keyboardInteractive: nobody,
      },
      log,
      configFile: sshd.configFile,
      trustStoreFile: join(sshd.folder, 'trusted.json'),
    });
    const agent = await openAgent(
      host,
      { bytes, sha256: createHash('sha256').update(bytes).digest('hex') },
      log,
    );
    const state = {
      host: sshd.alias,
      connection: 'live',
      message: null,
      clockOffsetMs: 0,
      clockErrorMs: 0,
      recordingFile: null,
    } as const;
    const post = (message: ToTelemetry) =>
      void page.evaluate((data) => window.postMessage(data, '*'), message as unknown as FromTelemetry);
    post({
      type: 'snapshot',
      protocol: panelProtocol,
      hosts: [],
      windowMs: 60_000,
      recording: null,
      locale: 'en-US',
    });
    const batches = new LineBatches((waiting) =>
      post({ type: 'delta', hosts: [...waiting.values()].map((lines) => ({ ...state, lines })) }),
    );
    const request = {
      intervalMs: 100,
      device: { kind: 'recorded', name: 'h200-2026-11-static-batch' },
      durationMs: 8000,
    } as const;
    const sent: TelemetryLine[] = [];
    for await (const line of agent.sample(request)) {
      sent.push(line);
      batches.add(sshd.alias, [line]);
    }
    const ages = (await page.evaluate(() => window.bench.ages)).slice(10).sort((a, b) => a - b);
    console.log(
      `sample to pixel over a loopback sshd at 10 Hz (${ages.length} redraws with news): newest sample p50 ${quantile(ages, 0.5).toFixed(0)} ms old, p95 ${quantile(ages, 0.95).toFixed(0)} ms (goal ${pixelGoalMs})`,
    );
    await host.dispose();
  } finally {
    await sshd.stop();
    await page.context().close();
  }
}

function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN;
}

await main();
