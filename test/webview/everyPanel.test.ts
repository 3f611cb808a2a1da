import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calculatorSnapshot, requestFor, sweepSnapshot, telemetrySnapshot } from './examples.ts';
import { startPanels } from './panelPage.ts';
import { type Panel, panels } from './panelServer.ts';
import { themeNames, themes } from './themes.ts';

let browser: Awaited<ReturnType<typeof startPanels>>;
beforeAll(async () => {
  browser = await startPanels();
});
afterAll(() => browser?.stop());

const snapshots: Readonly<Record<Panel, unknown>> = {
  calculator: calculatorSnapshot(requestFor('Llama-3.1-8B-Instruct', 'h200', { 'max-model-len': 8192 })),
  telemetry: telemetrySnapshot(2),
  sweep: sweepSnapshot(),
};

describe.each(panels)('the %s panel', (panel) => {
  it.each(themeNames)('breaks no accessibility rule and draws its charts in %s', async (theme) => {
    const opened = await browser.open(panel, [snapshots[panel]], { theme });
    expect(await opened.violations()).toEqual([]);
    const figures = await opened.page.locator('section.figure:has(canvas)').all();
    expect(figures.length).toBeGreaterThan(0);
    for (const figure of figures) {
      const id = await figure.getAttribute('id');
      const series = themes[theme].variables['charts-blue'] ?? '';
      expect(await opened.pixelsOf(`#${id} canvas`, series), `${id} in ${theme}`).toBeGreaterThan(100);
    }
    await opened.close();
  });

  it('redraws its charts when the theme changes', async () => {
    const opened = await browser.open(panel, [snapshots[panel]], { theme: 'dark' });
    const canvas = `section.figure:has(canvas) canvas`;
    const lightBlue = themes.light.variables['charts-blue'] ?? '';
    expect(await opened.pixelsOf(canvas, lightBlue)).toBe(0);
    await opened.setTheme('light');
    expect(await opened.pixelsOf(canvas, lightBlue)).toBeGreaterThan(100);
    await opened.close();
  });

  it('says of each chart what it shows, in a sentence and as a table behind the key t', async () => {
    const opened = await browser.open(panel, [snapshots[panel]]);
    const figures = await opened.page.locator('section.figure:has(canvas)').all();
    for (const figure of figures) {
      const canvas = figure.locator('canvas');
      expect(await canvas.getAttribute('role')).toBe('img');
      expect(await canvas.getAttribute('aria-label')).toBe(await figure.locator('h2').textContent());
      const summary = figure.locator(`#${await canvas.getAttribute('aria-describedby')}`);
      expect((await summary.textContent())?.length).toBeGreaterThan(20);
    }
    await opened.page.keyboard.press('t');
    for (const figure of figures) {
      expect(await figure.locator('tbody tr').count()).toBeGreaterThan(0);
      expect(await figure.locator('.twin').isVisible()).toBe(true);
      expect(await figure.locator('canvas').isVisible()).toBe(false);
    }
    expect(await opened.violations()).toEqual([]);
    await opened.page.keyboard.press('t');
    expect(await figures[0]?.locator('canvas').isVisible()).toBe(true);
    await opened.close();
  });

  it('turns only the chart that has the focus', async () => {
    const opened = await browser.open(panel, [snapshots[panel]]);
    await opened.page.locator('section.figure:has(canvas) button:has-text("Table")').first().focus();
    await opened.page.keyboard.press('t');
    expect(await opened.page.locator('.twin:visible').count()).toBe(1);
    await opened.close();
  });

  it('copies a chart’s data separated by tabs, with a header', async () => {
    const opened = await browser.open(panel, [snapshots[panel]]);
    await opened.page
      .getByRole('button', { name: /^Copy data of/ })
      .first()
      .click();
    const copied = (await opened.posted()).find(({ type }) => type === 'copy') as unknown as { text: string };
    const [header, ...lines] = copied.text.split('\n').map((line) => line.split('\t'));
    expect(lines.length).toBeGreaterThan(0);
    expect(lines.every((line) => line.length === header?.length)).toBe(true);
    await opened.close();
  });

  it('saves a chart as a picture with its title, and its data as CSV', async () => {
    const opened = await browser.open(panel, [snapshots[panel]]);
    const figure = opened.page.locator('section.figure:has(canvas)').first();
    await figure.getByRole('button', { name: /as CSV$/ }).click();
    await figure.getByRole('button', { name: /as PNG$/ }).click();
    const saved = (await opened.posted()).filter(({ type }) => type === 'save') as unknown as readonly {
      name: string;
      base64: string;
    }[];
    const [csv, png] = saved.map(({ name, base64 }) => ({ name, bytes: Buffer.from(base64, 'base64') }));
    const columns = await figure.locator('thead th').count();
    const lines = csv?.bytes.toString().trim().split('\r\n') ?? [];
    expect(csv?.name).toMatch(/^[\p{L}\p{N}].*\.csv$/u);
    expect(lines.length).toBeGreaterThan(1);
    expect(lines[0]?.match(/(".*?"|[^,]+)(,|$)/g)?.length).toBe(columns);
    expect(png?.name).toBe(csv?.name.replace('.csv', '.png'));
    expect(png?.bytes.subarray(1, 4).toString()).toBe('PNG');
    const height = await figure.locator('canvas').evaluate((canvas) => (canvas as HTMLCanvasElement).height);
    expect(png?.bytes.readUInt32BE(20)).toBeGreaterThan(height);
    await opened.close();
  });

  it.each([
    ['320 px', { width: 320 }],
    // Zoomed to 200 % a window of 700 px has room for 350.
    ['200 % zoom', { width: 350 }],
  ] as const)('needs no sideways scrolling at %s', async (_, size) => {
    const opened = await browser.open(panel, [snapshots[panel]], size);
    expect(await opened.overflow()).toBe(0);
    expect(await opened.violations()).toEqual([]);
    await opened.close();
  });

  it('reaches everything by the keyboard, with the focus to be seen', async () => {
    const opened = await browser.open(panel, [snapshots[panel]]);
    const wanted = await opened.page.evaluate(
      () =>
        [...document.querySelectorAll('button, select, input, summary, [tabindex="0"]')].filter(
          (one) =>
            one instanceof HTMLElement &&
            one.checkVisibility() &&
            one.tabIndex >= 0 &&
            !(one as HTMLButtonElement).disabled,
        ).length,
    );
    const reached = new Set<string>();
    for (let presses = 0; presses < wanted; presses++) {
      await opened.page.keyboard.press('Tab');
      const { place, outline } = await opened.page.evaluate(() => {
        const all = [...document.querySelectorAll('*')];
        const focused = document.activeElement ?? document.body;
        return { place: String(all.indexOf(focused)), outline: getComputedStyle(focused).outlineStyle };
      });
      reached.add(place);
      expect(outline).not.toBe('none');
    }
    expect(reached.size).toBe(wanted);
    await opened.close();
  });

  it('heals by asking again when the page is loaded anew', async () => {
    const opened = await browser.open(panel, [snapshots[panel]]);
    const before = await opened.page.locator('h1').textContent();
    await opened.page.reload();
    await opened.page.waitForFunction(() =>
      window.__loadlineFake.posted.some(({ type }) => type === 'ready'),
    );
    await opened.drawn();
    expect(await opened.page.locator('h1').textContent()).toBe(before);
    expect(await opened.colours('section.figure:has(canvas) canvas')).toBeGreaterThan(10);
    await opened.close();
  });

  it('says what it waits for until the first message', async () => {
    const opened = await browser.open(panel, []);
    expect(await opened.page.locator('.empty').textContent()).toMatch(/^Waiting for/);
    expect(await opened.violations()).toEqual([]);
    await opened.close();
  });

  it('says so where panel and extension are of different versions', async () => {
    const opened = await browser.open(panel, [{ ...(snapshots[panel] as object), protocol: 99 }]);
    expect(await opened.page.locator('.notice').first().textContent()).toMatch(/different versions\. Reload/);
    await opened.close();
  });
});

describe('the bundles', () => {
  it('hold chart.js in one shared chunk, and neither node nor zod', () => {
    const { inputs, outputs } = browser.server.metafile;
    expect(Object.keys(inputs).filter((file) => /node_modules\/(?!chart\.js|@kurkle)/.test(file))).toEqual(
      [],
    );
    const withCharts = Object.entries(outputs).filter(([, { inputs: parts }]) =>
      Object.keys(parts).some((file) => file.includes('node_modules/chart.js/')),
    );
    expect(withCharts).toHaveLength(1);
    for (const [file, { bytes }] of Object.entries(outputs)) expect(bytes, file).toBeLessThanOrEqual(250_000);
  });
});
