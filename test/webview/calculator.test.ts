import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { calculatorSnapshot, requestFor } from './examples.ts';
import { type PanelPage, startPanels } from './panelPage.ts';

let browser: Awaited<ReturnType<typeof startPanels>>;
beforeAll(async () => {
  browser = await startPanels();
});
afterAll(() => browser?.stop());

const file = requestFor('Llama-3.1-8B-Instruct', 'h200', { 'max-model-len': 8192 });
const open = (request = file) => browser.open('calculator', [calculatorSnapshot(request)]);
const verdict = (panel: PanelPage) => panel.page.locator('.verdict-word').textContent();
const applied = async (panel: PanelPage) => (await panel.posted()).filter(({ type }) => type === 'apply');

describe('the calculator', () => {
  it('shows the verdict, and a bar whose parts are named with their sizes', async () => {
    const panel = await open();
    expect(await panel.page.locator('h1').textContent()).toBe(
      'meta-llama/Llama-3.1-8B-Instruct · vLLM 0.26.0 · 1 × H200',
    );
    expect(await verdict(panel)).toBe('fits');
    expect(await panel.page.locator('.memory-bar').getAttribute('aria-label')).toMatch(
      /^Memory of rank 0: 140 GiB, of which 129 GiB asked for; .*one request of 8,192 tokens, 1\.00 GiB; weights 15\.0 GiB.*, KV cache 112 GiB/,
    );
    await panel.close();
  });

  it('answers the slider by keyboard, marks the change, and applies it', async () => {
    const panel = await open();
    await panel.page.locator('#max-model-len').focus();
    await panel.page.keyboard.press('End');
    expect(await panel.page.locator('#max-model-len').getAttribute('aria-valuetext')).toBe('131,072');
    expect(await panel.page.locator('#max-model-len-file').textContent()).toBe('changed; in the file: 8192');
    expect(await panel.page.locator('.changes').textContent()).toContain('max-model-len 8192 → 131072');
    expect(await panel.page.locator('.verdict-reason').textContent()).toContain('131,072 tokens');
    await panel.page.getByRole('button', { name: 'Apply 1 change' }).click();
    expect(await applied(panel)).toEqual([
      { type: 'apply', changes: [{ flag: 'max-model-len', to: 131072 }] },
    ]);
    await panel.send({
      ...calculatorSnapshot(requestFor('Llama-3.1-8B-Instruct', 'h200', { 'max-model-len': 131072 })),
      type: 'delta',
    });
    expect(await panel.page.locator('.changes').isVisible()).toBe(false);
    await panel.close();
  });

  it('drops one change and keeps the other', async () => {
    const panel = await open();
    await panel.page.getByLabel('max-num-seqs, exact value').fill('7');
    await panel.page.keyboard.press('Tab');
    await panel.page.locator('#kv-cache-dtype').selectOption('fp8');
    expect(await panel.page.locator('#kv-cache-dtype').inputValue()).toBe('fp8');
    expect(await panel.page.locator('.changes li').count()).toBe(2);
    await panel.page.getByRole('button', { name: 'Drop kv-cache-dtype fp8' }).click();
    expect(await panel.page.locator('.changes li').count()).toBe(1);
    expect(await panel.page.locator('#kv-cache-dtype').inputValue()).toBe('auto');
    expect(await panel.page.locator('#max-num-seqs').getAttribute('aria-valuetext')).toBe('7');
    await panel.close();
  });

  it('says what is missing and offers what would help, with its effect', async () => {
    const panel = await open(requestFor('Llama-3.1-8B-Instruct', 'rtx-4090', { 'max-model-len': 131072 }));
    expect(await verdict(panel)).toBe('does not fit');
    const fix = panel.page.locator('.fixes button').first();
    expect(await fix.textContent()).toContain('→');
    await fix.click();
    expect(['fits', 'tight']).toContain(await verdict(panel));
    expect(await panel.page.locator('.changes li').count()).toBeGreaterThan(0);
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('shows how far the weights go beyond a GPU, and draws no chart of nothing', async () => {
    const panel = await open(requestFor('Llama-3.1-8B-Instruct', 't4', { 'max-model-len': 8192 }));
    expect(await verdict(panel)).toBe('does not fit');
    expect(await panel.page.locator('.rank').textContent()).toContain('more are needed before any KV cache');
    expect(await panel.page.locator('.total-mark').count()).toBe(1);
    expect(await panel.page.locator('.plot:visible').count()).toBe(0);
    expect(await panel.page.locator('#context .summary').textContent()).toBe(
      'No length fits: nothing is left for the KV cache.',
    );
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('tries another GPU from the table, without offering to write it', async () => {
    const panel = await open();
    await panel.page.getByRole('button', { name: 'Try L4', exact: true }).click();
    expect(await panel.page.locator('h1').textContent()).toContain('1 × L4');
    expect(await panel.page.locator('.changes').textContent()).toContain('tried here only');
    expect(await panel.page.getByRole('button', { name: /^Apply \d/ }).isVisible()).toBe(false);
    expect(await panel.page.locator('#device').inputValue()).toBe('l4-24gb');
    await panel.close();
  });

  it('keeps edits on top of what is typed in the file, and over a reload', async () => {
    const panel = await open();
    await panel.page.getByLabel('gpu-memory-utilization, exact value').fill('0.5');
    await panel.page.keyboard.press('Enter');
    const typed = requestFor('Llama-3.1-8B-Instruct', 'h200', { 'max-model-len': 4096 });
    await panel.send({ ...calculatorSnapshot(typed), type: 'delta' });
    expect(await panel.page.locator('#max-model-len').getAttribute('aria-valuetext')).toBe('4,096');
    expect(await panel.page.locator('.changes').textContent()).toContain('→ 0.5');
    await panel.page.reload();
    await panel.page.locator('.changes li').waitFor();
    expect(await panel.page.locator('.changes').textContent()).toContain('→ 0.5');
    await panel.close();
  });

  it('copies the command line with the changes in it', async () => {
    const panel = await open();
    await panel.page.getByLabel('max-num-seqs, exact value').fill('64');
    await panel.page.keyboard.press('Tab');
    await panel.page.getByRole('button', { name: 'Copy command' }).click();
    expect((await panel.posted()).at(-1)).toEqual({
      type: 'copy',
      text: 'vllm serve meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192 --max-num-seqs 64',
    });
    await panel.close();
  });

  it('says how each number is known', async () => {
    const panel = await open();
    const terms = panel.page.getByRole('grid', { name: 'Terms of a rank' });
    const rows = await terms.locator('tbody tr').all();
    expect(rows.length).toBeGreaterThan(3);
    for (const row of rows)
      expect(await row.locator('td').last().textContent()).toMatch(
        /^(formula|flag|log line|measured|live): ./,
      );
    await panel.close();
  });

  it('stands alone: asks for model and GPU, then answers', async () => {
    const panel = await browser.open('calculator', [calculatorSnapshot(null)]);
    expect(await panel.page.locator('.empty').textContent()).toBe(
      'Choose a model and a GPU to see what fits.',
    );
    await panel.page.locator('#model').selectOption({ index: 1 });
    await panel.page.locator('#device').selectOption('h200-sxm-141gb');
    expect(await panel.page.locator('.memory-bar').count()).toBe(1);
    expect(await panel.page.getByRole('button', { name: /^Apply/ }).count()).toBe(0);
    await panel.close();
  });

  it('says why a deployment is not known', async () => {
    const unknown = {
      ...calculatorSnapshot(null),
      following: 'serve.yaml:3',
      estimate: {
        source: 'serve.yaml:3',
        verdict: { outcome: 'unknown', reason: 'model_type "mamba" is not covered yet', fixes: [] },
        warnings: [],
      },
    };
    const panel = await browser.open('calculator', [unknown]);
    expect(await panel.page.locator('.verdict').textContent()).toContain(
      'not known — model_type "mamba" is not covered yet',
    );
    await panel.close();
  });

  it('reads the verdict out when it changes, and nothing else', async () => {
    const panel = await open();
    expect(await panel.page.locator('[aria-live]').count()).toBe(1);
    const live = panel.page.locator('[aria-live="polite"]');
    await live.filter({ hasText: 'fits' }).waitFor({ state: 'attached' });
    expect(await live.textContent()).toMatch(/^fits — .*8,192 tokens/);
    await panel.close();
  });
});
