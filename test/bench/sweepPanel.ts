/** The sweep panel in a real browser with a run of 10,000 cells: from the message to pixels, and what a key, a sort, a scroll and a record cost then. */
import { type Browser, chromium, type Page } from 'playwright-core';
import { cellInterval } from '../../src/core/sweep/repeats.ts';
import type { CellResult } from '../../src/core/sweep/run.ts';
import { sentResults } from '../../src/extension/panels/slimCells.ts';
import type { SweepDelta } from '../../src/protocol/panel.ts';
import { cellResult, loadResult, runResults, sweepSnapshot } from '../webview/examples.ts';
import { type PanelServer, servePanels } from '../webview/panelServer.ts';
import { type EditorTheme, themes } from '../webview/themes.ts';

const cellCount = 10_000;
const openGoalMs = 1000;
const repeats = 5;

async function main(): Promise<void> {
  const server = await servePanels();
  const browser = await chromium.launch({
    executablePath: process.env['LOADLINE_CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--no-first-run'],
  });
  try {
    for (const trials of [1, 3]) await benchManyCells(browser, server, trials);
  } finally {
    await browser.close();
    await server.close();
  }
}

/** 200 starts of 50 concurrencies, each with its interval. */
function manyCells(trialsEach: number): readonly CellResult[] {
  return Array.from({ length: cellCount }, (_, at) => {
    const [start, level] = [Math.floor(at / 50), 1 + (at % 50)];
    const trials = Array.from({ length: trialsEach }, (_, trial) =>
      loadResult(level, { systemTokensPerSecond: (100 + start + trial) * level }),
    );
    const interval = cellInterval(trials);
    return cellResult(level, {
      cell: `cell-${at}`,
      label: `max-num-seqs ${8 * (start + 1)}, concurrency ${level}`,
      flags: { 'max-num-seqs': 8 * (start + 1), 'max-model-len': 8192 },
      trials,
      ...(interval === undefined ? {} : { interval }),
    });
  });
}

async function benchManyCells(browser: Browser, server: PanelServer, trials: number): Promise<void> {
  const results = runResults({ cells: manyCells(trials) });
  // As the extension sends them.
  const text = JSON.stringify(sweepSnapshot(sentResults(results)));
  const opened: { readonly wallMs: number; readonly cpuMs: number }[] = [];
  let page: Page | undefined;
  for (let again = 0; again < repeats; again++) {
    await page?.context().close();
    page = await openPage(browser, server);
    const cpu = await cpuClock(page);
    const wallMs = await page.evaluate(untilDrawn, { text, wanted: '.cells tbody tr[data-key]' });
    opened.push({ wallMs, cpuMs: await cpu() });
  }
  if (page === undefined) return;
  const nodes = await page.evaluate(() => document.querySelectorAll('*').length);
  const { cells: _, ...head } = results;
  const delta: SweepDelta = {
    type: 'delta',
    results: head,
    cells: [cellResult(1, { cell: 'cell-0', label: 'changed' })],
    progress: null,
    connection: null,
    others: [],
  };
  const recordCpu = await cpuClock(page);
  await page.evaluate(untilDrawn, {
    text: JSON.stringify(delta),
    wanted: '.cells tr[data-key="cell-0"] [title="changed"]',
  });
  const record = await recordCpu();
  const typed = await page.evaluate(afterInput, 'concurrency>=45');
  await page.evaluate(afterInput, '');
  const sorted = await page.evaluate(afterClick, '.cells th:nth-child(5) button');
  const scrolled = await page.evaluate(whileScrolling);
  console.log(
    `sweep panel, ${cellCount} cells, ${trials === 1 ? 'a trial' : `${trials} trials`} each (${(text.length / 1e6).toFixed(0)} MB): open from the message in ${opened.map(({ cpuMs }) => cpuMs.toFixed(0)).join(', ')} ms of CPU (goal ${openGoalMs}), ${opened.map(({ wallMs }) => wallMs.toFixed(0)).join(', ')} ms by the clock, ${nodes} elements in the page; a record more ${record.toFixed(0)} ms of CPU, a key in the filter ${typed.toFixed(0)} ms, a sort ${sorted.toFixed(0)} ms, slowest frame of a scroll ${scrolled.toFixed(0)} ms`,
  );
}

/** CPU milliseconds of the page's main thread since the call: what other programs of the machine take does not count. */
async function cpuClock(page: Page): Promise<() => Promise<number>> {
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable', { timeDomain: 'threadTicks' });
  const spent = async () => {
    const { metrics } = await session.send('Performance.getMetrics');
    return 1000 * (metrics.find(({ name }) => name === 'TaskDuration')?.value ?? Number.NaN);
  };
  const started = await spent();
  return async () => (await spent()) - started;
}

async function openPage(browser: Browser, server: PanelServer): Promise<Page> {
  const page = await (await browser.newContext({ viewport: { width: 1100, height: 1400 } })).newPage();
  await page.addInitScript((theme: EditorTheme) => {
    const ready = new Promise<void>((resolve) => {
      Object.assign(window, {
        acquireVsCodeApi: () => ({
          postMessage: ({ type }: { type: string }) => {
            if (type === 'ready') resolve();
          },
          getState: () => undefined,
          setState: () => {},
        }),
      });
    });
    Object.assign(window, { benchReady: ready });
    document.addEventListener(
      'readystatechange',
      () => {
        for (const [name, value] of Object.entries(theme.variables))
          document.documentElement.style.setProperty(`--vscode-${name}`, value);
      },
      { once: true },
    );
  }, themes.dark as EditorTheme);
  await page.goto(server.url('sweep', 'dark'));
  await page.evaluate(() => (window as unknown as { readonly benchReady: Promise<void> }).benchReady);
  return page;
}

/** In the page: from the message's text until what is wanted is there and the charts behind it are drawn. */
async function untilDrawn({
  text,
  wanted,
}: {
  readonly text: string;
  readonly wanted: string;
}): Promise<number> {
  const frame = () => new Promise((next) => requestAnimationFrame(next));
  const started = performance.now();
  window.postMessage(JSON.parse(text), '*');
  while (document.querySelector(wanted) === null) await frame();
  // The chart is drawn in the frame after the page.
  await frame();
  await frame();
  return performance.now() - started;
}

async function afterInput(value: string): Promise<number> {
  const field = document.querySelector<HTMLInputElement>('#filter');
  if (field === null) return Number.NaN;
  const started = performance.now();
  field.value = value;
  field.dispatchEvent(new Event('input'));
  await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
  return performance.now() - started;
}

async function afterClick(selector: string): Promise<number> {
  const started = performance.now();
  document.querySelector<HTMLButtonElement>(selector)?.click();
  await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
  return performance.now() - started;
}

async function whileScrolling(): Promise<number> {
  const scroller = document.querySelector('.windowed');
  let slowest = 0;
  for (let step = 1; step <= 40; step++) {
    const started = performance.now();
    scroller?.scrollTo(0, step * 5000);
    await new Promise((next) => requestAnimationFrame(() => requestAnimationFrame(next)));
    slowest = Math.max(slowest, (performance.now() - started) / 2);
  }
  return slowest;
}

void main();
