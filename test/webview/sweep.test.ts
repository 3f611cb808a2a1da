import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { sentResults } from '../../src/extension/panels/slimCells.ts';
import {
  cellResult,
  hostState,
  loadResult,
  memoryLimitResults,
  mpsResults,
  runResults,
  sweepSnapshot,
  telemetryHeader,
  telemetryLines,
} from './examples.ts';
import { type PanelPage, startPanels } from './panelPage.ts';
import { themeNames, themes } from './themes.ts';

let browser: Awaited<ReturnType<typeof startPanels>>;
beforeAll(async () => {
  browser = await startPanels();
});
afterAll(() => browser?.stop());

const open = (changes: Parameters<typeof sweepSnapshot>[0] = {}) =>
  browser.open('sweep', [sweepSnapshot(changes)]);
const memoryLimit = { results: memoryLimitResults() };
const cells = (panel: PanelPage) => panel.page.getByRole('grid', { name: /^Cells/ });
const cell = (panel: PanelPage, key: string, column: string) =>
  panel.page.locator(`.cells tr[data-key="${key}"] td`).nth(columns.indexOf(column));
/** Of a run that varies the concurrency alone. */
const columns = ['cell', 'level', 'state', 'system', 'per-query', 'ttft-p50', 'ttft-p95', 'tpot-p50'];
const column = async (panel: PanelPage, name: string) =>
  (
    await cells(panel)
      .locator(`tbody tr td:nth-child(${columns.indexOf(name) + 1})`)
      .allInnerTexts()
  ).map((text) => text.split('\n')[0]);
const telemetryOf = (id: string | null) => ({
  type: 'run-telemetry',
  cell: id,
  host: {
    ...hostState,
    connection: 'recording',
    lines: [telemetryHeader(1), ...telemetryLines(1, 0, 1000)],
  },
  engine: [],
  notes: [],
});
/** Where a value stands on the canvas of the plot. */
const spot = (panel: PanelPage, part: number) =>
  panel.page.evaluate((share) => {
    const box = document.querySelector('#throughput canvas')?.getBoundingClientRect();
    return box === undefined ? 0 : box.left + box.width * share;
  }, part);

const running = runResults({
  outcome: 'running',
  answer: null,
  cells: [
    cellResult(1),
    cellResult(2, { state: 'running', trials: [], meetsServiceLevel: null }),
    cellResult(4, { state: 'waiting', trials: [], meetsServiceLevel: null }),
  ],
});

describe('the sweep panel', () => {
  it('gives the answer first, and says simulated in title, chart and table', async () => {
    const panel = await open();
    expect(await panel.page.locator('.verdict').textContent()).toContain(
      'simulated — Up to 32 requests at once stay within TTFT p95 ≤ 500 ms',
    );
    expect(await panel.page.locator('.tag-simulated').isVisible()).toBe(true);
    expect(await panel.page.locator('#throughput h2').textContent()).toContain('(simulated)');
    expect(await cells(panel).locator('caption').textContent()).toContain('(simulated)');
    await panel.close();
  });

  it('says simulated nowhere of a measured run', async () => {
    const panel = await open({ results: runResults({ mode: 'measured' }) });
    expect(
      await panel.page
        .getByText(/simulated/i)
        .filter({ visible: true })
        .count(),
    ).toBe(0);
    await panel.close();
  });

  it('names the tool that wrote another’s results, and how it counts', async () => {
    const origin = {
      tool: 'aiperf',
      version: '0.3.0',
      file: 'profile_export.json',
      notes: ['ITL here is (E2E − TTFT) / (tokens − 1), which we call TPOT.'],
    };
    const panel = await open({ results: runResults({ mode: 'measured', answer: null, origin }) });
    expect(await panel.page.locator('.tag:visible').textContent()).toBe('measured by aiperf');
    expect(await panel.page.locator('.notices').textContent()).toContain('which we call TPOT');
    await panel.close();
  });

  it('shows – with the reason for what the sample can’t certify', async () => {
    const panel = await open();
    const missing = cell(panel, 'cell-2', 'ttft-p95');
    expect(await missing.textContent()).toMatch(/^–/);
    expect(await missing.getAttribute('title')).toMatch(/^the sample is too small to certify this/);
    await panel.close();
  });

  it.each(themeNames)('breaks no accessibility rule with a cell picked, in %s', async (theme) => {
    const panel = await browser.open('sweep', [sweepSnapshot(memoryLimit)], { theme });
    await panel.page.getByRole('button', { name: /^Show cell 6/ }).click();
    await panel.send(telemetryOf('fraction-0.4'));
    expect(await panel.violations()).toEqual([]);
    expect(await panel.colours('#cell-memory canvas')).toBeGreaterThan(10);
    await panel.close();
  });

  it('breaks the caption of its cells at 320 pixels', async () => {
    const panel = await browser.open('sweep', [sweepSnapshot()], { width: 320 });
    const box = await cells(panel).locator('caption').boundingBox();
    expect((box?.x ?? 0) + (box?.width ?? 0)).toBeLessThanOrEqual(320);
    await panel.close();
  });

  it.each(['hc-dark', 'hc-light'] as const)('fills a bar of each gain in a heat map in %s', async (theme) => {
    const panel = await browser.open('sweep', [sweepSnapshot({ results: mpsResults() })], { theme });
    const of = (colour: string) =>
      panel.pixelsOf('#heat canvas', themes[theme].variables[`charts-${colour}`] ?? '');
    const [gain, loss] = [await of('blue'), await of('orange')];
    // −8 % is a fifth of the longest bar, +41 %.
    expect(loss).toBeGreaterThan(500);
    expect(gain).toBeGreaterThan(2 * loss);
    await panel.close();
  });

  it('is read at 320 pixels with everything open', async () => {
    const panel = await browser.open('sweep', [sweepSnapshot(memoryLimit)], { width: 320 });
    await panel.page.getByRole('button', { name: /^Show cell 2/ }).click();
    expect(await panel.overflow()).toBe(0);
    await panel.close();
  });
});

describe('the plot', () => {
  it('is drawn against what is chosen, and remembers it', async () => {
    const panel = await open();
    await panel.page.locator('#x').selectOption('ttft-p95');
    await panel.drawn();
    expect(await panel.page.locator('#throughput h2').textContent()).toContain('against TTFT p95');
    await panel.page.locator('#y').selectOption('tpot-p50');
    await panel.page.reload();
    await panel.drawn();
    expect(await panel.page.locator('#throughput h2').textContent()).toContain(
      'TPOT p50 ms against TTFT p95',
    );
    await panel.close();
  });

  it('picks the cell of a point that is clicked, and rings that of a row', async () => {
    const panel = await open({ results: runResults({ mode: 'measured' }) });
    await panel.page.locator('#x').selectOption('concurrency');
    await panel.drawn();
    const box = await panel.page.locator('#throughput canvas').boundingBox();
    if (box === null) throw new Error('no canvas');
    // A cell that failed stands on the axis, at the right end.
    let found = '';
    for (let x = 0.99; x > 0.8 && found === ''; x -= 0.004) {
      await panel.page.mouse.click(await spot(panel, x), box.y + box.height - 45);
      found = (await panel.page.locator('#detail-title:visible').count()) > 0 ? 'picked' : '';
    }
    expect(await panel.page.locator('#detail-title').textContent()).toBe('concurrency 128');
    expect(await panel.page.locator('tr[aria-selected="true"]').getAttribute('data-key')).toBe('cell-128');
    await panel.close();
  });

  it('maps two dimensions, with the control arm under one engine', async () => {
    const panel = await open({ results: mpsResults() });
    expect(await panel.page.locator('#heat h2').textContent()).toBe(
      'Gain in System tok/s by Concurrency of each engine and Engines',
    );
    expect(await panel.colours('#heat canvas')).toBeGreaterThan(10);
    await panel.page.keyboard.press('t');
    const rows = await panel.page.locator('#heat tbody tr').allInnerTexts();
    expect(rows.find((row) => row.startsWith('8\t1 copy, twice the load (control)'))).toContain('+41 %');
    expect(rows.filter((row) => row.includes('MPS') && row.includes('–'))).toHaveLength(1);
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });
});

describe('the table of cells', () => {
  it('sorts by a column from the keyboard, what is not known last', async () => {
    const panel = await open();
    await cells(panel).getByRole('button', { name: 'TTFT p95 ms' }).focus();
    await panel.page.keyboard.press('Enter');
    const ascending = await column(panel, 'ttft-p95');
    expect(ascending[0]).toBe('43.5');
    expect(ascending.slice(-2)).toEqual(['–', '–']);
    await panel.page.keyboard.press('Enter');
    const descending = await column(panel, 'ttft-p95');
    expect(descending[0]).toBe('894');
    expect(descending.slice(-2)).toEqual(['–', '–']);
    await panel.close();
  });

  it('is one stop of the Tab key, walked by arrows; Enter copies the exact number', async () => {
    const panel = await open();
    await cells(panel).getByRole('button', { name: 'State' }).focus();
    await panel.page.keyboard.press('ArrowDown');
    await panel.page.keyboard.press('ArrowRight');
    await panel.page.keyboard.press('Enter');
    expect((await panel.posted()).at(-1)).toEqual({ type: 'copy', text: String(120 / (1 + 1 / 24)) });
    await panel.close();
  });

  it('keeps focus and order while results come in', async () => {
    const panel = await open({ results: running });
    await cell(panel, 'cell-2', 'state').focus();
    await panel.send(
      sweepSnapshot({ results: { ...running, cells: [cellResult(1), cellResult(2), cellResult(4)] } }),
    );
    expect(await panel.page.evaluate(() => document.activeElement?.closest('tr')?.dataset['key'])).toBe(
      'cell-2',
    );
    expect(await panel.page.evaluate(() => document.activeElement?.textContent?.trim())).toBe(
      'meets the SLO',
    );
    await panel.close();
  });

  it('takes in a cell that changed and leaves the rest', async () => {
    const panel = await open({ results: running });
    const { cells: _, ...head } = running;
    await panel.send({ ...sweepSnapshot(), type: 'delta', results: head, cells: [cellResult(2)] });
    expect(await column(panel, 'state')).toEqual([' meets the SLO', ' meets the SLO', ' waiting']);
    await panel.close();
  });

  it('filters, hides kinds and rows, in the plot too, and remembers it', async () => {
    const panel = await open();
    await panel.page.locator('#filter').fill('concurrency>=16');
    expect(await column(panel, 'level')).toEqual(['16', '32', '48', '64', '128']);
    await panel.page.getByRole('button', { name: 'client-bound 1' }).click();
    await panel.page.getByRole('button', { name: 'Hide concurrency 128' }).click();
    expect(await column(panel, 'level')).toEqual(['16', '32', '64']);
    expect(await cells(panel).locator('caption').textContent()).toContain('3 of 9');
    expect(await panel.page.locator('#throughput .legend').textContent()).not.toContain('client-bound');
    await panel.page.reload();
    await panel.drawn();
    expect(await column(panel, 'level')).toEqual(['16', '32', '64']);
    await panel.page.getByRole('button', { name: 'Show 1 hidden' }).click();
    expect(await column(panel, 'level')).toEqual(['16', '32', '48', '64', '128']);
    await panel.close();
  });

  it('of 10,000 cells has in the page only those in view, and reaches all of them', async () => {
    const many = Array.from({ length: 10_000 }, (_, i) =>
      cellResult(1 + (i % 64), {
        cell: `c${i}`,
        label: `cell ${i}`,
        flags: { 'max-num-seqs': 1 + Math.floor(i / 64) },
        trials: [loadResult(1 + (i % 64), { systemTokensPerSecond: 1000 + i })],
      }),
    );
    const panel = await open(sentResults(runResults({ cells: many })));
    const nodes = () => panel.page.evaluate(() => document.querySelectorAll('*').length);
    expect(await nodes()).toBeLessThan(2_500);
    expect(await cells(panel).getAttribute('aria-rowcount')).toBe('10001');
    await panel.page.getByRole('button', { name: /^Show cell 1:/ }).focus();
    await panel.page.keyboard.press('Control+End');
    expect(await panel.page.evaluate(() => document.activeElement?.closest('tr')?.dataset['key'])).toBe(
      'c9999',
    );
    await panel.page.keyboard.press('PageUp');
    expect(await panel.page.evaluate(() => document.activeElement?.closest('tr')?.dataset['key'])).toBe(
      'c9979',
    );
    await panel.page.locator('.windowed').evaluate((scroller) => scroller.scrollTo(0, 130_000));
    await panel.drawn();
    const first = await panel.page.locator('.windowed tbody tr[data-key]').first().getAttribute('data-key');
    expect(Number(first?.slice(1))).toBeGreaterThan(3_000);
    await cells(panel).getByRole('button', { name: 'System tok/s' }).click();
    await cells(panel).getByRole('button', { name: 'System tok/s' }).click();
    await panel.page.locator('.windowed').evaluate((scroller) => scroller.scrollTo(0, 0));
    await panel.drawn();
    expect(await panel.page.locator('.windowed tbody tr[data-key]').first().getAttribute('data-key')).toBe(
      'c9999',
    );
    expect(await nodes()).toBeLessThan(2_500);
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });
});

describe('the picked cell', () => {
  it('that failed says why, with the log, the prediction and what would help', async () => {
    const panel = await open();
    await panel.page.getByRole('button', { name: /^Show cell 9/ }).focus();
    await panel.page.keyboard.press('Enter');
    const detail = panel.page.locator('.detail');
    const text = await detail.textContent();
    expect(text).toContain('out of memory at capture');
    expect(text).toContain('torch.OutOfMemoryError');
    expect(text).toContain('only 0.30 GiB of KV are left');
    await detail.getByRole('button', { name: 'lower max-num-seqs to 64' }).click();
    expect((await panel.posted()).at(-1)).toEqual({ type: 'remedy', cell: 'cell-128', remedy: 0 });
    await detail.getByRole('button', { name: 'Plan line' }).click();
    expect((await panel.posted()).at(-1)).toEqual({ type: 'plan-line', cell: 'cell-128' });
    expect(await panel.page.evaluate(() => document.activeElement?.textContent)).toBe('Plan line');
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('says what bounds it with the evidence, and what was predicted beside what was measured', async () => {
    const panel = await open(memoryLimit);
    await panel.page.getByRole('button', { name: /^Show cell 6/ }).click();
    const detail = panel.page.locator('.detail');
    expect(await detail.locator('.why').textContent()).toContain(
      'Bound by HBM bandwidth. DRAM was active for 81 % of the time',
    );
    const beside = detail.getByRole('grid', { name: 'Predicted beside measured' });
    const rows = await beside.locator('tbody tr').allInnerTexts();
    expect(rows.find((row) => row.startsWith('activation peak'))).toMatch(
      /1\.10\s+1\.00 to 1\.30\s+1\.45\s+−24\.1 %, out of the band/,
    );
    expect(rows.find((row) => row.startsWith('system throughput'))).toContain('+4.0 %, in the band');
    await panel.close();
  });

  it('that a search passed over says which, and why', async () => {
    const panel = await open(memoryLimit);
    expect(await panel.page.locator('.searches').textContent()).toContain(
      'Used 4 of the 15 engine starts and 3 of the 15 load runs of the grid.',
    );
    await panel.page.getByRole('button', { name: /^Show cell 4/ }).click();
    expect(await panel.page.locator('.detail').textContent()).toContain('0.24 starts, and more starts too.');
    await panel.close();
  });

  it('asks for its telemetry once, draws it, and goes to the whole run and back to another cell', async () => {
    const panel = await open(memoryLimit);
    const asked = async () => (await panel.posted()).filter(({ type }) => type === 'telemetry');
    await panel.page.getByRole('button', { name: /^Show cell 6/ }).click();
    expect(await asked()).toEqual([{ type: 'telemetry', cell: 'fraction-0.4' }]);
    expect(await panel.posted()).toContainEqual({ type: 'cell', cell: 'fraction-0.4' });
    await panel.send(telemetryOf('fraction-0.4'));
    expect(await panel.colours('#cell-memory canvas')).toBeGreaterThan(10);
    expect(await panel.page.locator('#cell-power .summary').textContent()).toContain('power');
    await panel.page.locator('#whole-run').check();
    expect((await asked()).at(-1)).toEqual({ type: 'telemetry', cell: null });
    await panel.send(telemetryOf(null));
    const box = await panel.page.locator('#cell-memory canvas').boundingBox();
    if (box === null) throw new Error('no canvas');
    // The first sixth of the time axis is the first cell's.
    await panel.page.mouse.click(box.x + 64 + (box.width - 86) * 0.08, box.y + box.height / 2);
    expect(await panel.page.locator('#detail-title').textContent()).toBe('gpu-memory-utilization 0.2');
    await panel.close();
  });

  it('is held against another with the interval of the difference', async () => {
    const panel = await open(memoryLimit);
    await panel.page.getByRole('button', { name: /^Show cell 3/ }).click();
    await panel.page.getByRole('button', { name: 'Hold to compare' }).click();
    await panel.page.getByRole('button', { name: /^Show cell 6/ }).click();
    const rows = await panel.page.locator('.comparison tbody tr').allInnerTexts();
    expect(rows[0]).toMatch(/System tok\/s\s+880\s+1,150\s+\+270 ± 91\.3\s.*\+31 %\s+higher/s);
    await panel.page.getByRole('button', { name: 'Let go of the cell' }).click();
    expect(await panel.page.locator('.comparison').isVisible()).toBe(false);
    await panel.close();
  });
});

describe('two runs', () => {
  const others = [{ run: 'other', name: 'memory-limit', host: 'gpu-02', simulated: false, sharedCells: 9 }];
  const slower = memoryLimitResults({ run: 'other', host: 'gpu-02' });
  const other = {
    ...slower,
    cells: slower.cells.map((one) => ({
      ...one,
      trials: one.trials.map((trial) => ({
        ...trial,
        systemTokensPerSecond: (trial.systemTokensPerSecond ?? 0) * 0.8,
      })),
    })),
  };

  it('are compared cell by cell, with what it comes to over all of them', async () => {
    const panel = await open({ ...memoryLimit, others });
    await panel.page.locator('#compare-run').selectOption('other');
    expect((await panel.posted()).at(-1)).toEqual({ type: 'compare', run: 'other' });
    await panel.send({ type: 'compared-run', run: 'other', results: other });
    expect(await panel.page.locator('.comparison .summary').textContent()).toMatch(
      /This run against gpu-02 .* over 9 cells: System tok\/s: \+25 %/,
    );
    const rows = await panel.page.locator('.comparison tbody tr').allInnerTexts();
    expect(rows.find((row) => row.startsWith('gpu-memory-utilization 0.9'))).toContain('higher');
    expect(rows.find((row) => row.startsWith('gpu-memory-utilization 0.2\t'))).toContain('not compared');
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('are asked for again after a reload', async () => {
    const panel = await open({ ...memoryLimit, others });
    await panel.page.locator('#compare-run').selectOption('other');
    await panel.page.reload();
    await panel.drawn();
    expect((await panel.posted()).some(({ type }) => type === 'compare')).toBe(true);
    await panel.close();
  });
});

describe('a run that is not over', () => {
  it('shows how far it is and when it will be done, and is cancelled', async () => {
    const panel = await open({
      results: running,
      progress: {
        cell: 'concurrency 2',
        phase: 'warm-up',
        completed: 1,
        total: 3,
        elapsedSeconds: 75,
        remainingSeconds: 130,
        cellShare: 0,
        underWay: [{ id: 'cell-2', elapsedSeconds: 12, expectedSeconds: 60 }],
      },
    });
    expect(await panel.page.locator('.progress').textContent()).toBe(
      '1 of 3 cells done · now concurrency 2 · warm-up · 12 s of about 1 min 00 s · 1 min 15 s gone · about 2 min 10 s left',
    );
    expect(await panel.page.locator('progress').getAttribute('value')).toBe('1');
    expect(await panel.page.locator('.verdict').textContent()).toContain('no answer yet');
    expect(await panel.page.getByRole('button', { name: 'Resume run' }).isVisible()).toBe(false);
    await panel.page.getByRole('button', { name: 'Cancel run' }).click();
    expect((await panel.posted()).at(-1)).toEqual({ type: 'cancel' });
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('is resumed where it was interrupted; there is a report of what there is', async () => {
    const panel = await open({ results: { ...running, outcome: 'interrupted' } });
    await panel.page.getByRole('button', { name: 'Resume run' }).click();
    await panel.page.getByRole('button', { name: 'Open report' }).click();
    expect((await panel.posted()).slice(-2)).toEqual([{ type: 'resume' }, { type: 'report' }]);
    expect(await panel.page.locator('.verdict').textContent()).toContain('1 of 3 cells have results');
    await panel.close();
  });

  it('says that the connection is lost and the run is not', async () => {
    const panel = await open({ results: running, connection: 'gpu-01 does not answer.' });
    expect(await panel.page.locator('#connection-lost').textContent()).toBe(
      'Connection lost. gpu-01 does not answer. The run itself goes on on its host; below is what was known until then.',
    );
    expect(await panel.violations()).toEqual([]);
    await panel.send({ ...sweepSnapshot({ results: running }) });
    expect(await panel.page.locator('#connection-lost').count()).toBe(0);
    await panel.close();
  });

  it('marks the cells of the plan’s line that the cursor is in', async () => {
    const panel = await open();
    await panel.send({ type: 'plan-cursor', cells: ['cell-8'] });
    expect(await panel.page.locator('tr.at-cursor').getAttribute('data-key')).toBe('cell-8');
    await panel.close();
  });

  it('says where a run comes from when there is none', async () => {
    const panel = await open({ results: null });
    expect(await panel.page.locator('.empty').textContent()).toMatch(/^No run to show\. Start one/);
    await panel.close();
  });
});
