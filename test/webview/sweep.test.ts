import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cellResult, runResults, sweepSnapshot } from './examples.ts';
import { type PanelPage, startPanels } from './panelPage.ts';

let browser: Awaited<ReturnType<typeof startPanels>>;
beforeAll(async () => {
  browser = await startPanels();
});
afterAll(() => browser?.stop());

const open = (changes: Parameters<typeof sweepSnapshot>[0] = {}) =>
  browser.open('sweep', [sweepSnapshot(changes)]);
const cells = (panel: PanelPage) => panel.page.getByRole('grid', { name: /^Cells/ });
const column = async (panel: PanelPage, at: number) =>
  (await cells(panel).locator(`tbody tr td:nth-child(${at})`).allInnerTexts()).map(
    (text) => text.split('\n')[0],
  );

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

  it('shows – with the reason for what the sample can’t certify', async () => {
    const panel = await open();
    const cell = cells(panel).locator('tr[data-key="cell-2"] td').nth(5);
    expect(await cell.textContent()).toMatch(/^–/);
    expect(await cell.getAttribute('title')).toBe('the sample is too small to certify this');
    await panel.close();
  });

  it('opens on what failed, with the log and what was predicted', async () => {
    const panel = await open();
    await panel.page.locator('.failures summary').focus();
    await panel.page.keyboard.press('Enter');
    const details = await panel.page.locator('.failures details').textContent();
    expect(details).toContain('concurrency 128: out of memory at start');
    expect(details).toContain('torch.OutOfMemoryError');
    expect(details).toContain('Predicted: only 0.30 GiB of KV are left');
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('is drawn against another axis, and remembers which', async () => {
    const panel = await open();
    await panel.page.locator('#axis').selectOption('per-query');
    await panel.drawn();
    expect(await panel.page.locator('#throughput canvas').getAttribute('aria-label')).toBe(
      'System tokens/s against tokens/s per query (simulated)',
    );
    await panel.page.reload();
    await panel.page.locator('.verdict').waitFor();
    expect(await panel.page.locator('#axis').inputValue()).toBe('per-query');
    await panel.close();
  });

  it('sorts by a column from the keyboard, what is not known last', async () => {
    const panel = await open();
    const header = cells(panel).getByRole('button', { name: 'TTFT p95 ms' });
    await header.click();
    await header.press('Enter');
    expect(await header.locator('..').getAttribute('aria-sort')).toBe('descending');
    expect(await column(panel, 1)).toEqual(['64', '48', '32', '16', '8', '4', '1', '2', '128']);
    await panel.close();
  });

  it('is one stop of the Tab key, walked by arrows; Enter copies the exact number', async () => {
    const panel = await open();
    await cells(panel).locator('[tabindex="0"]').focus();
    for (const key of ['ArrowDown', 'ArrowDown', 'End']) await panel.page.keyboard.press(key);
    await panel.page.keyboard.press('Enter');
    expect((await panel.posted()).at(-1)).toEqual({ type: 'copy', text: String((120 / (1 + 4 / 24)) * 4) });
    await panel.close();
  });

  it('keeps focus and order while results come in', async () => {
    const panel = await open({ results: running });
    await cells(panel).locator('tr[data-key="cell-2"] td').nth(1).focus();
    const next = runResults({ ...running, cells: [cellResult(1), cellResult(2), ...running.cells.slice(2)] });
    await panel.send({ ...sweepSnapshot({ results: next }), type: 'delta' });
    expect(await panel.page.evaluate(() => document.activeElement?.closest('tr')?.dataset['key'])).toBe(
      'cell-2',
    );
    expect(await panel.page.evaluate(() => document.activeElement?.textContent?.trim())).toBe(
      'meets the SLO',
    );
    await panel.close();
  });

  it('shows how far a run is and when it will be done, and cancels it', async () => {
    const panel = await open({
      results: running,
      progress: {
        cell: 'concurrency 2',
        phase: 'warm-up',
        completed: 1,
        total: 3,
        elapsedSeconds: 75,
        remainingSeconds: 130,
      },
    });
    expect(await panel.page.locator('.progress').textContent()).toBe(
      '1 of 3 cells done · now concurrency 2 · warm-up · 1 min 15 s gone · about 2 min 10 s left',
    );
    expect(await panel.page.locator('progress').getAttribute('value')).toBe('1');
    expect(await panel.page.locator('.verdict').textContent()).toContain('no answer yet');
    expect(await panel.page.getByRole('button', { name: 'Resume run' }).isVisible()).toBe(false);
    await panel.page.getByRole('button', { name: 'Cancel run' }).click();
    expect((await panel.posted()).at(-1)).toEqual({ type: 'cancel' });
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('offers to resume what was interrupted, and the report of what there is', async () => {
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
    await panel.send({ ...sweepSnapshot({ results: running }), type: 'delta' });
    expect(await panel.page.locator('#connection-lost').count()).toBe(0);
    await panel.close();
  });

  it('says where a run comes from when there is none', async () => {
    const panel = await open({ results: null });
    expect(await panel.page.locator('.empty').textContent()).toMatch(/^No run to show\. Start one/);
    await panel.close();
  });
});
