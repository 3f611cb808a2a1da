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
    expect(await panel.page.locator('.rank').textContent()).toMatch(
      /one request of 131,072 tokens needs 16\.0 GiB, more than the KV cache has/,
    );
    expect(await panel.page.locator('.one-request').count()).toBe(0);
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

  it('ranks GPUs by cost, lists instances behind the other tab, and says why one cannot', async () => {
    const panel = await open(requestFor('Llama-3.3-70B-Instruct', 'h200', { 'max-model-len': 8192 }));
    const rows = panel.page.locator('#comparison tbody tr');
    await rows.first().waitFor();
    const costs = (await rows.locator('td:nth-child(8)').allTextContents())
      .map(Number.parseFloat)
      .filter(Number.isFinite);
    expect(costs.length).toBeGreaterThan(3);
    expect(costs).toEqual([...costs].sort((a, b) => a - b));
    await panel.page.getByRole('button', { name: /^Show all \d+/ }).click();
    const small = rows.filter({ hasText: 'does not fit' }).first();
    expect(await small.textContent()).toMatch(/does not fit, .*\d/);
    await panel.page.getByRole('tab', { name: 'GPUs' }).focus();
    await panel.page.keyboard.press('ArrowRight');
    await rows.filter({ hasText: 'AWS' }).first().waitFor();
    const instances = panel.page.getByRole('tab', { name: 'Cloud instances' });
    expect(await instances.getAttribute('aria-selected')).toBe('true');
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('sorts all GPUs by what one looks for, not only the cheapest that are shown', async () => {
    const panel = await open();
    const rows = panel.page.locator('#comparison tbody tr');
    await rows.first().waitFor();
    const few = await rows.count();
    await panel.page.locator('#comparison').getByRole('button', { name: 'TPOT ms' }).click();
    await panel.page.getByRole('button', { name: 'Show fewer' }).waitFor();
    expect(await rows.count()).toBeGreaterThan(few);
    const times = (await rows.locator('td:nth-child(5)').allTextContents())
      .map(Number.parseFloat)
      .filter(Number.isFinite);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    await panel.close();
  });

  it('takes a price where it stands, ranks by it and hands it to the settings; an unknown one is said', async () => {
    const panel = await open();
    const price = panel.page.locator('[data-price="h200-sxm-141gb"]');
    await price.click();
    await panel.page.getByLabel('Price of H200, US dollars an hour').fill('0.01');
    await panel.page.keyboard.press('Enter');
    await panel.page.locator('#comparison tbody tr').first().filter({ hasText: 'H200 (now)' }).waitFor();
    expect(await price.textContent()).toBe('0.01');
    expect(await price.getAttribute('aria-label')).toBe('Price of H200: 0.01, your price. Edit');
    expect((await panel.posted()).at(-1)).toEqual({
      type: 'price',
      name: 'h200-sxm-141gb',
      dollarsPerHour: 0.01,
    });
    await price.click();
    await panel.page.keyboard.type('5');
    await panel.page.keyboard.press('Escape');
    expect((await panel.posted()).filter(({ type }) => type === 'price')).toHaveLength(1);
    await panel.page.getByRole('button', { name: /^Show all/ }).click();
    const unpriced = panel.page.locator('[data-price]').filter({ hasText: 'not known' }).first();
    expect(await unpriced.getAttribute('title')).toContain('No price is known.');
    await panel.close();
  });

  it('says what one step of each flag would give, and tries it', async () => {
    const panel = await open();
    const table = panel.page.getByRole('grid', { name: 'What one step of a flag would give' });
    const fp8 = table.locator('tr', { hasText: 'kv-cache-dtype auto → fp8' });
    expect(await fp8.textContent()).toMatch(/\+\d{3},\d{3}/);
    await panel.page.getByRole('button', { name: 'Try kv-cache-dtype fp8' }).click();
    expect(await panel.page.locator('.changes').textContent()).toContain(
      'kv-cache-dtype auto (default) → fp8',
    );
    await panel.close();
  });

  it('puts the deployments of a file on one GPU, and goes to the one that is picked', async () => {
    const sibling = (share: number) => [
      {
        index: 1,
        source: 'serve.yaml:30',
        request: requestFor('Qwen3-8B', 'h200', { 'gpu-memory-utilization': share }),
      },
    ];
    const half = requestFor('Llama-3.1-8B-Instruct', 'h200', { 'gpu-memory-utilization': 0.5 });
    const panel = await browser.open('calculator', [calculatorSnapshot(half, { siblings: sibling(0.4) })]);
    expect(await panel.page.locator('#stack').count()).toBe(0);
    await panel.page.getByLabel('Put the 2 deployments of this file on one GPU').check();
    expect(await panel.page.locator('#stack').textContent()).toMatch(
      /2 deployments ask for 126 GiB of 140 GiB; 14\.0 GiB are left/,
    );
    await panel.send({ ...calculatorSnapshot(half, { siblings: sibling(0.6) }), type: 'delta' });
    expect(await panel.page.locator('#stack').textContent()).toContain('the one that starts last is refused');
    expect(await panel.violations()).toEqual([]);
    await panel.page.getByLabel('Deployment of the file').selectOption({ label: 'serve.yaml:30' });
    expect((await panel.posted()).at(-1)).toEqual({ type: 'pick', index: 1 });
    await panel.page.getByLabel('Follow the cursor').check();
    expect((await panel.posted()).at(-1)).toEqual({ type: 'follow-cursor', on: true });
    await panel.close();
  });

  it('draws deployments on one GPU at once where the file puts them there', async () => {
    const on = (model: string, gpu: string) => {
      const request = requestFor(model, 'h200', { 'gpu-memory-utilization': 0.4 });
      return {
        ...request,
        deployment: { ...request.deployment, environment: { CUDA_VISIBLE_DEVICES: gpu } },
      };
    };
    const llama = on('Llama-3.1-8B-Instruct', '0');
    const beside = (gpu: string) => [{ index: 1, source: 'serve.yaml:30', request: on('Qwen3-8B', gpu) }];
    const panel = await browser.open('calculator', [calculatorSnapshot(llama, { siblings: beside('0') })]);
    expect(await panel.page.locator('#stack').isVisible()).toBe(true);
    await panel.send({ ...calculatorSnapshot(llama, { siblings: beside('1') }), type: 'delta' });
    expect(await panel.page.locator('#stack').isVisible()).toBe(false);
    expect(await panel.page.getByLabel(/on one GPU/).isVisible()).toBe(false);
    await panel.close();
  });

  it('estimates a program that generates one batch at a time, with its own settings', async () => {
    const panel = await browser.open('calculator', [calculatorSnapshot(null)]);
    await panel.page.locator('#engine-version').selectOption('static-batch 4.45');
    await panel.page.locator('#model').selectOption('meta-llama/Llama-3.1-8B-Instruct');
    await panel.page.locator('#device').selectOption('h200-sxm-141gb');
    expect(await verdict(panel)).toBe('fits');
    expect(await panel.page.locator('#max-model-len').isVisible()).toBe(false);
    expect(await panel.page.locator('#context').isVisible()).toBe(false);
    await panel.page.getByLabel('batch-size, exact value').fill('100000');
    await panel.page.keyboard.press('Tab');
    expect(await verdict(panel)).toBe('does not fit');
    await panel.page.getByLabel('batch-size, exact value').fill('64');
    await panel.page.keyboard.press('Tab');
    expect(await panel.page.locator('#speed .summary').textContent()).toMatch(/at batch 1, .* at batch \d/);
    await panel.page.getByRole('button', { name: 'Copy command' }).click();
    expect((await panel.posted()).at(-1)).toEqual({
      type: 'copy',
      text: 'loadline fit --engine static-batch --engine-version 4.45 --model meta-llama/Llama-3.1-8B-Instruct --gpu h200-sxm-141gb --gpu-count 1 --set batch-size=64',
    });
    expect(await panel.violations()).toEqual([]);
    await panel.close();
  });

  it('draws one bar for ranks that are the same, and marks a full-length request in each', async () => {
    const panel = await open();
    await panel.page.getByLabel('tensor-parallel-size, exact value').fill('4');
    await panel.page.keyboard.press('Tab');
    expect(await panel.page.locator('.rank').allTextContents()).toEqual([
      expect.stringMatching(/^ranks 0–3, each/),
    ]);
    expect(await panel.page.locator('.one-request').count()).toBe(1);
    expect(await panel.page.locator('.changes').textContent()).toContain('number of GPUs 1 → 4');
    await panel.page.getByLabel('pipeline-parallel-size, exact value').fill('2');
    await panel.page.keyboard.press('Tab');
    expect(await panel.page.locator('.rank > p > strong').allTextContents()).toEqual([
      'ranks 0–3, each',
      'ranks 4–7, each',
    ]);
    await panel.close();
  });

  it('tries another load: speed answers, and nothing is offered to be written', async () => {
    const panel = await open();
    const system = panel.page.locator('.fact', { hasText: 'System output' }).locator('button');
    const before = await system.textContent();
    await panel.page.getByLabel('requests at once, exact value').fill('128');
    await panel.page.keyboard.press('Tab');
    expect(await system.textContent()).not.toBe(before);
    expect(await panel.page.locator('.changes').textContent()).toContain(
      'requests at once 32 → 128tried here only',
    );
    await panel.page.getByRole('button', { name: 'Drop requests at once 128' }).click();
    expect(await system.textContent()).toBe(before);
    await panel.close();
  });

  it('draws measured points beside the estimate, and says of each in which run it was measured', async () => {
    const measured = [4, 16].map((batch) => ({
      run: 'chat',
      label: `concurrency ${batch}`,
      batch,
      tokensPerSecond: 150 * batch,
      tpotMs: 6,
    }));
    const panel = await browser.open('calculator', [calculatorSnapshot(file, { measured })]);
    expect(await panel.page.locator('#speed .summary').textContent()).toContain(
      '2 measured points are drawn',
    );
    expect(await panel.page.locator('#speed .legend').textContent()).toContain('tok/s, measured');
    await panel.page.locator('#speed').getByRole('button', { name: 'Table' }).click();
    expect(await panel.page.locator('#speed tbody').textContent()).toContain(
      'measured: chat, concurrency 16',
    );
    await panel.close();
  });

  it('copies a number by click or key, exactly', async () => {
    const panel = await open();
    const tokens = panel.page.locator('.fact', { hasText: 'KV cache' }).first().locator('button');
    const shown = (await tokens.textContent()) ?? '';
    await tokens.focus();
    await panel.page.keyboard.press('Enter');
    expect((await panel.posted()).at(-1)).toEqual({
      type: 'copy',
      text: shown.replaceAll(',', '').replace(' tokens', ''),
    });
    await panel.close();
  });

  it('shows a term’s formula with its numbers on demand', async () => {
    const panel = await open();
    const weights = panel.page
      .getByRole('grid', { name: 'Terms of a rank' })
      .locator('tr', { hasText: 'weights' });
    expect(await weights.locator('.formula').count()).toBe(0);
    const how = weights.getByRole('button');
    await how.click();
    expect(await how.getAttribute('aria-expanded')).toBe('true');
    expect(await weights.locator('.formula').textContent()).toMatch(/\d+\.\d+ GiB/);
    await panel.close();
  });

  it('says what the log will say, and what the rule of thumb says', async () => {
    const panel = await open();
    const checks = panel.page.locator('section', {
      has: panel.page.getByRole('heading', { name: 'Checks' }),
    });
    expect(await checks.textContent()).toContain('By the 80/20 rule 14.99 GiB of weights need 18.74 GiB');
    expect(await checks.locator('pre').textContent()).toMatch(
      /^Available KV cache memory: [\d.]+ GiB\nGPU KV cache size: [\d,]+ tokens\nMaximum concurrency for 8,192 tokens per request: [\d.]+x$/,
    );
    await panel.close();
  });

  it('takes a slice of a GPU', async () => {
    const panel = await open();
    await panel.page.locator('#device').selectOption({ label: 'H100 SXM 80 GB MIG 3g.40gb' });
    expect(await panel.page.locator('h1').textContent()).toContain('MIG 3g.40gb');
    expect(await panel.page.locator('.memory-bar').getAttribute('aria-label')).toContain('39.');
    await panel.close();
  });

  it('answers a slider before the browser draws the next frame', async () => {
    const panel = await open();
    const changed = await panel.page.evaluate(() => {
      const slider = document.querySelector<HTMLInputElement>('#max-model-len');
      const reason = document.querySelector('.verdict-reason');
      if (slider === null || reason === null) return null;
      const before = reason.textContent;
      slider.value = slider.max;
      slider.dispatchEvent(new Event('input'));
      return [before, reason.textContent];
    });
    expect(changed?.[0]).toContain('8,192 tokens');
    expect(changed?.[1]).toContain('131,072 tokens');
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
