import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TimeSeries } from '../../src/core/series/timeSeries.ts';
import type { FromTelemetry } from '../../src/protocol/panel.ts';
import { TelemetryHistory, type TelemetrySlice } from '../../src/protocol/telemetryHistory.ts';
import { hostState, startedWallMs, telemetryHeader, telemetryLines, telemetrySnapshot } from './examples.ts';
import { type PanelPage, startPanels } from './panelPage.ts';
import { themes } from './themes.ts';

let browser: Awaited<ReturnType<typeof startPanels>>;
beforeAll(async () => {
  browser = await startPanels();
});
afterAll(() => browser?.stop());

const open = (gpuCount = 2) => browser.open('telemetry', [telemetrySnapshot(gpuCount)]);
const delta = (from: number, to: number) => ({
  type: 'delta',
  hosts: [{ ...hostState, lines: telemetryLines(2, from, to) }],
});
const blue = themes.dark.variables['charts-blue'] ?? '';
const memoryOf = (panel: PanelPage, gpu: number) =>
  panel.page.locator('.tile').nth(gpu).locator('dd').first().textContent();
/** Of a chart whose figures change with every window. */
const summary = (panel: PanelPage) => panel.page.locator('#power .summary').textContent();

describe('the telemetry panel', () => {
  it('moves with the newest sample, holds still on space, and catches up', async () => {
    const panel = await open();
    const before = await summary(panel);
    await panel.page.keyboard.press('Space');
    expect(await panel.page.getByRole('button', { name: 'Resume' }).getAttribute('aria-pressed')).toBe(
      'true',
    );
    await panel.send(delta(1000, 1180));
    expect(await summary(panel)).toBe(before);
    await panel.page.keyboard.press('Space');
    await panel.drawn();
    expect(await summary(panel)).not.toBe(before);
    await panel.close();
  });

  it('zooms by a drag, in every chart at once, and goes live by a double click', async () => {
    const panel = await open();
    const box = await panel.page.locator('#memory canvas').boundingBox();
    if (box === null) throw new Error('no chart');
    const across = (part: number) => [box.x + box.width * part, box.y + box.height / 2] as const;
    await panel.page.mouse.move(...across(0.5));
    await panel.page.mouse.down();
    await panel.page.mouse.move(...across(0.6), { steps: 3 });
    expect(await panel.page.locator('#memory .selection').isVisible()).toBe(true);
    const before = await summary(panel);
    await panel.page.mouse.up();
    await panel.drawn();
    expect(await summary(panel)).not.toBe(before);
    expect(await panel.page.getByRole('button', { name: 'Live' }).isEnabled()).toBe(true);
    await panel.page.locator('#busy canvas').dblclick();
    await panel.drawn();
    expect(await summary(panel)).toBe(before);
    await panel.close();
  });

  it('does by buttons what the mouse does', async () => {
    const panel = await open();
    const before = await summary(panel);
    await panel.page.getByRole('button', { name: 'Less time, more detail' }).click();
    await panel.page.getByRole('button', { name: 'Earlier' }).click();
    await panel.drawn();
    expect(await summary(panel)).not.toBe(before);
    await panel.page.getByRole('button', { name: 'Live' }).click();
    await panel.drawn();
    expect(await summary(panel)).toBe(before);
    await panel.close();
  });

  it('shows what was sampled before it was opened, asks for more detail of what it looks at, and shades what a run did', async () => {
    const history = new TelemetryHistory((columns, rows) => new TimeSeries(columns, rows));
    history.ingest([telemetryHeader(2), ...telemetryLines(2, 0, 900)]);
    // As JSON has them: typed arrays do not get into the page of a test.
    const slice = (from: number, to: number, buckets: number) => {
      const { times, mean, low, high, counts, ...rest } = history.slice(from, to, buckets) as TelemetrySlice;
      const plain = (values: ArrayLike<number>) => Array.from(values);
      return {
        ...rest,
        times: plain(times),
        mean: plain(mean),
        low: plain(low),
        high: plain(high),
        counts: plain(counts),
      };
    };
    const past = slice(Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, 20);
    const phases = [{ fromMs: startedWallMs + 20_000, toMs: startedWallMs + 90_000, label: 'concurrency 8' }];
    const panel = await browser.open('telemetry', [
      { ...telemetrySnapshot(2), hosts: [{ ...hostState, lines: [], past, phases }] },
    ]);
    expect(await memoryOf(panel, 0)).toBe('97.0 of 140 GiB');
    expect(await panel.page.getByText('A run in this time: concurrency 8.').isVisible()).toBe(true);
    const coarse = await summary(panel);
    const asked = (await panel.posted()).find(({ type }) => type === 'detail') as
      | Extract<FromTelemetry, { readonly type: 'detail' }>
      | undefined;
    expect(asked).toMatchObject({ host: 'gpu-01', toMs: startedWallMs + 899 * 200 });
    if (asked === undefined) throw new Error('nothing was asked');
    await panel.send({
      type: 'detail',
      host: 'gpu-01',
      slice: slice(asked.fromMs, asked.toMs, asked.buckets),
    });
    await panel.drawn();
    // The mean of a bucket is not its last sample.
    expect(await summary(panel)).not.toBe(coarse);
    await panel.close();
  });

  it('leaves a gap empty but for its hatching', async () => {
    const panel = await open(1);
    expect(await summary(panel)).toMatch(/1 gap of 8 s in all: driver busy\.$/);
    // Columns of pixels between the first and the last that the line is drawn in: some have none of it.
    const empty = await panel.page.evaluate((colour) => {
      const canvas = document.querySelector<HTMLCanvasElement>('#memory canvas');
      const context = canvas?.getContext('2d');
      if (!canvas || !context) return -1;
      const wanted = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16));
      const columns: boolean[] = [];
      for (let x = 0; x < canvas.width; x++) {
        const { data } = context.getImageData(x, 0, 1, canvas.height);
        let hit = false;
        for (let at = 0; at < data.length; at += 4)
          hit ||=
            wanted.every((part, i) => Math.abs((data[at + i] ?? 0) - part) < 40) && (data[at + 3] ?? 0) > 128;
        columns.push(hit);
      }
      const drawn = columns.slice(columns.indexOf(true), columns.lastIndexOf(true));
      return drawn.filter((hit) => !hit).length;
    }, blue);
    expect(empty).toBeGreaterThan(5);
    await panel.close();
  });

  it('takes a GPU out of the charts and remembers it over a reload', async () => {
    const panel = await open();
    await panel.page.locator('.tile input').nth(1).uncheck();
    await panel.page.locator('#window-length').selectOption('60000');
    await panel.drawn();
    expect(await panel.page.locator('#power .legend li').count()).toBe(1);
    await panel.page.reload();
    await panel.page.locator('.tile').nth(1).waitFor();
    await panel.drawn();
    expect(await panel.page.locator('.tile input').nth(1).isChecked()).toBe(false);
    expect(await panel.page.locator('#power .legend li').count()).toBe(1);
    expect(await panel.page.locator('#window-length').inputValue()).toBe('60000');
    await panel.close();
  });

  it('updates at most one chart in a frame, however many messages come', async () => {
    const panel = await open();
    const perFrame = await panel.page.evaluate(
      async (messages) => {
        // Each redraw of a chart clears its whole canvas once.
        let cleared = 0;
        const { clearRect } = CanvasRenderingContext2D.prototype;
        CanvasRenderingContext2D.prototype.clearRect = function (...box: [number, number, number, number]) {
          cleared += 1;
          clearRect.apply(this, box);
        };
        for (const message of messages) window.postMessage(message, '*');
        const counts: number[] = [];
        for (let frame = 0; frame < 20; frame++) {
          await new Promise((next) => requestAnimationFrame(next));
          counts.push(cleared);
          cleared = 0;
        }
        return counts;
      },
      Array.from({ length: 8 }, (_, i) => delta(1000 + i * 5, 1005 + i * 5)),
    );
    expect(Math.max(...perFrame)).toBe(1);
    expect(perFrame.reduce((sum, count) => sum + count, 0)).toBeGreaterThanOrEqual(4);
    await panel.close();
  });

  it('takes lines out of a chart and back by the keyboard, and remembers it', async () => {
    const panel = await open(1);
    const toggle = panel.page.locator('#busy .legend button', { hasText: 'SM' });
    expect(await panel.pixelsOf('#busy canvas', blue)).toBeGreaterThan(100);
    await toggle.focus();
    await panel.page.keyboard.press('Enter');
    await panel.drawn();
    expect(await toggle.getAttribute('aria-pressed')).toBe('false');
    expect(await toggle.evaluate((element) => element === document.activeElement)).toBe(true);
    expect(await panel.pixelsOf('#busy canvas', blue)).toBe(0);
    await panel.page.reload();
    await panel.page.locator('.tile').waitFor();
    await panel.drawn();
    expect(await toggle.getAttribute('aria-pressed')).toBe('false');
    await toggle.press('Space');
    await panel.drawn();
    expect(await panel.pixelsOf('#busy canvas', blue)).toBeGreaterThan(100);
    await panel.close();
  });

  it('says values and time where the pointer is', async () => {
    const panel = await open(1);
    const before = await panel.pixelsOf('#power canvas', themes.dark.variables['foreground'] ?? '');
    await panel.page.locator('#power canvas').hover();
    await panel.drawn();
    expect(await panel.pixelsOf('#power canvas', themes.dark.variables['foreground'] ?? '')).toBeGreaterThan(
      before,
    );
    await panel.close();
  });

  it('says them by the arrow keys too, and lets go of them', async () => {
    const panel = await open(1);
    const canvas = panel.page.locator('#power canvas');
    const said = panel.page.locator('#power p.for-readers');
    await canvas.focus();
    await panel.page.keyboard.press('End');
    const newest = await said.textContent();
    expect(newest).toMatch(/^Time: [\d:]+, power: [\d.]+ W$/);
    await panel.page.keyboard.press('Shift+ArrowLeft');
    const earlier = await said.textContent();
    expect(earlier).toMatch(/^Time: [\d:]+, power: [\d.]+ W$/);
    expect(earlier).not.toBe(newest);
    // Newer samples do not move it.
    await panel.send({ type: 'delta', hosts: [{ ...hostState, lines: telemetryLines(1, 1000, 1020) }] });
    expect(await said.textContent()).toBe(earlier);
    await panel.page.keyboard.press('Escape');
    expect(await said.textContent()).toBe('');
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('keeps the charts in sight beside very many GPUs', async () => {
    const many = await browser.open('telemetry', [telemetrySnapshot(64, 20)]);
    const first = await many.page.locator('#memory').boundingBox();
    expect(first?.y).toBeLessThan(800);
    expect(await many.page.locator('.tile').count()).toBe(64);
    expect(await many.violations()).toEqual([]);
    await many.close();
  });

  it('opens a recording with all of it, and with what of the file could not be used', async () => {
    const snapshot = telemetrySnapshot(1, 1000);
    const [host] = snapshot.hosts;
    const panel = await browser.open('telemetry', [
      {
        ...snapshot,
        windowMs: 199_800,
        recording: { name: 'night.jsonl', notes: ['The last line is torn and was left out.'] },
        hosts: [{ ...host, connection: 'recording' }],
      },
    ]);
    expect(await panel.page.locator('h1').textContent()).toBe('GPU telemetry · night.jsonl');
    expect(await panel.page.locator('.notices').textContent()).toContain('torn');
    expect(await panel.page.locator('.foot').textContent()).toContain('gpu-01: recording');
    expect(await panel.page.locator('.foot button').count()).toBe(0);
    const whole = await summary(panel);
    await panel.page.keyboard.press('Space');
    expect(await panel.page.getByRole('button', { name: 'Stop', exact: true }).isVisible()).toBe(true);
    await panel.page.waitForFunction(
      (before) => document.querySelector('#power .summary')?.textContent !== before,
      whole,
    );
    await panel.page.getByRole('button', { name: 'Stop', exact: true }).click();
    await panel.page.getByRole('button', { name: 'All', exact: true }).click();
    await panel.drawn();
    expect(await summary(panel)).toBe(whole);
    // Its slider goes to any place, and the length of what is shown is what is said.
    const place = panel.page.getByRole('slider', { name: 'Place in the recording' });
    await place.focus();
    await panel.page.keyboard.press('Home');
    await panel.page.keyboard.press('PageUp');
    await panel.drawn();
    expect(await summary(panel)).not.toBe(whole);
    expect(await place.getAttribute('aria-valuetext')).toBe('20 s of 200 s');
    expect(await panel.page.locator('#window-length option:checked').textContent()).toBe('40 s');
    await panel.page.getByRole('button', { name: 'All', exact: true }).click();
    await panel.drawn();
    await panel.page.locator('#power').focus();
    await panel.page.keyboard.press('t');
    const samples = await panel.page.locator('#power tbody td').last().textContent();
    expect(samples).toBe('960');
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('is read at 320 pixels, and moves nothing by itself for those who asked for that', async () => {
    const panel = await browser.open('telemetry', [telemetrySnapshot(8)], { width: 320 });
    expect(await panel.overflow()).toBeLessThanOrEqual(0);
    await panel.page.emulateMedia({ reducedMotion: 'reduce' });
    const moving = await panel.page.evaluate(() => document.getAnimations().length);
    expect(moving).toBe(0);
    await panel.close();
  });
});
