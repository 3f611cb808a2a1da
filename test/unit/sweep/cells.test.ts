import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { expandPlan } from '../../../src/core/sweep/cells.ts';
import { type Content, contentHash } from '../../../src/core/sweep/contentHash.ts';
import { parseSweepPlan } from '../../../src/text/sweepPlan.ts';
import { chatPlan, mustBe, rehearsalContext } from './plans.ts';

const planOf = (text: string) => mustBe(parseSweepPlan(text).result);
const cellsOf = (text: string, context = rehearsalContext) => mustBe(expandPlan(planOf(text), context));
const matrixPlan = chatPlan.replace(
  'load:',
  'matrix:\n  max-num-seqs: [64, 128]\n  gpu-memory-utilization: [0.5, 0.9]\nload:',
);

describe('cells', () => {
  it('are the product of matrix and load, with what sets each apart as its label', () => {
    const cells = cellsOf(matrixPlan);
    expect(cells).toHaveLength(2 * 2 * 3);
    expect(new Set(cells.map(({ id }) => id)).size).toBe(12);
    expect(cells[0]?.label).toBe('max-num-seqs 64, gpu-memory-utilization 0.5, concurrency 1');
    expect(cells[0]?.flags).toEqual({
      'max-model-len': 4096,
      'max-num-seqs': 64,
      'gpu-memory-utilization': 0.5,
    });
  });

  it('start each engine once: its loads stand together', () => {
    const keys = cellsOf(matrixPlan).map(({ engineKey }) => engineKey);
    const starts = keys.filter((key, at) => key !== keys[at - 1]);
    expect(starts).toHaveLength(new Set(keys).size);
    expect(starts).toHaveLength(4);
  });

  it('keep their ids when the plan is written in another order, and change them with the content', () => {
    const reordered = matrixPlan
      .replace(
        '  max-num-seqs: [64, 128]\n  gpu-memory-utilization: [0.5, 0.9]',
        '  gpu_memory_utilization: [0.9, 0.5]\n  max-num-seqs: [128, 64]',
      )
      .replace('[1, 2, 4]', '[4, 2, 1]')
      .replace('name: chat-test', 'name: other-name');
    const ids = (text: string) =>
      cellsOf(text)
        .map(({ id }) => id)
        .sort();
    expect(ids(reordered)).toEqual(ids(matrixPlan));
    expect(ids(matrixPlan.replace('4096', '4097'))).not.toEqual(ids(matrixPlan));
    const [first] = cellsOf(matrixPlan);
    expect(first?.id).toMatch(/^[0-9a-f]{16}$/);
  });

  it('that exclude names are left out, by flags and by concurrency', () => {
    const excluding = `${matrixPlan}exclude:\n  - { max-num-seqs: 64, concurrency: 4 }\n  - { gpu_memory_utilization: 0.5, max-num-seqs: 128 }\n`;
    const labels = cellsOf(excluding).map(({ label }) => label);
    expect(labels).toHaveLength(12 - 2 - 3);
    expect(labels).not.toContainEqual(
      expect.stringContaining('64, gpu-memory-utilization 0.9, concurrency 4'),
    );
    expect(
      expandPlan(
        planOf(`${chatPlan}exclude: [{ concurrency: 1 }, { concurrency: 2 }, { concurrency: 4 }]\n`),
        rehearsalContext,
      ),
    ).toMatchObject({
      ok: false,
      problems: [{ code: 'plan.no-cells' }],
    });
  });

  it('that are predicted not to fit are skipped, or tried where the plan says so', () => {
    const small = chatPlan.replace(
      'max-model-len: 4096',
      'max-model-len: 4096\n    gpu-memory-utilization: 0.02',
    );
    const skipped = cellsOf(small);
    expect(skipped.every((cell) => cell.skipped && cell.prediction?.outcome === 'does-not-fit')).toBe(true);
    expect(skipped.every(({ expectedSeconds }) => expectedSeconds === 0)).toBe(true);
    const probed = cellsOf(`${small}predictedNotToFit: probe\n`);
    expect(probed.some((cell) => cell.skipped)).toBe(false);
    expect(probed[0]?.prediction?.outcome).toBe('does-not-fit');
  });

  it('have no prediction without a model or a device, and are run all the same', () => {
    for (const cell of cellsOf(chatPlan, { ...rehearsalContext, model: null })) {
      expect(cell.prediction).toBeNull();
      expect(cell.skipped).toBe(false);
      expect(cell.expectedSeconds).toBeGreaterThan(0);
    }
  });

  it('ask for enough requests to certify a p95, and for ten in each place in flight', () => {
    const cells = cellsOf(chatPlan.replace('    requests: 140\n', '').replace('[1, 2, 4]', '[1, 64]'));
    expect(cells.map(({ load }) => load.requests)).toEqual([150, 640]);
    expect(cells.map(({ load }) => load.warmupRequests)).toEqual([2, 128]);
  });

  it.each([
    ['with a prediction', rehearsalContext],
    ['without one', { ...rehearsalContext, model: null }],
  ])('whose requests are longer than the context are a problem at their load, %s', (_, context) => {
    const withInput = (tokens: number) =>
      planOf(chatPlan.replace('slo:', `  - { concurrency: [1, 2], input: ${tokens}, output: 96 }\nslo:`));
    expect(expandPlan(withInput(4001), context)).toMatchObject({
      ok: false,
      problems: [
        {
          code: 'plan.longer-than-context',
          path: ['load', 1, 'input'],
          message: expect.stringContaining('4001 tokens in and 96 out'),
        },
      ],
    });
    expect(expandPlan(withInput(4000), context).ok).toBe(true);
  });

  it('that are not run may be of any length', () => {
    const text = chatPlan.replace(
      'max-model-len: 4096',
      'max-model-len: 100\n    gpu-memory-utilization: 0.02',
    );
    expect(cellsOf(text).every(({ skipped }) => skipped)).toBe(true);
  });

  it('that are written twice run once', () => {
    const result = expandPlan(planOf(chatPlan.replace('[1, 2, 4]', '[1, 2, 2]')), rehearsalContext);
    expect(mustBe(result)).toHaveLength(2);
    expect(result).toMatchObject({ warnings: [{ code: 'plan.duplicate-cell' }] });
  });

  it('are expected to take longer with more repeats, and shorter with more in flight', () => {
    const once = cellsOf(chatPlan);
    const thrice = cellsOf(`${chatPlan}repeats: 3\n`);
    const seconds = (cells: typeof once) => cells.map(({ expectedSeconds }) => expectedSeconds);
    for (const [at, value] of seconds(once).entries()) expect(seconds(thrice)[at]).toBeGreaterThan(value);
    expect(seconds(once)[1]).toBeLessThan(seconds(once)[0] ?? 0);
  });

  it('bear the start of their engine once, whichever comes first', () => {
    const seconds = (text: string) => cellsOf(text).map(({ expectedSeconds }) => expectedSeconds);
    const [firstOfPair, secondOfPair] = seconds(chatPlan.replace('[1, 2, 4]', '[2, 4]'));
    const [aloneSecond] = seconds(chatPlan.replace('[1, 2, 4]', '[4]'));
    expect((aloneSecond ?? 0) - (secondOfPair ?? 0)).toBeCloseTo(2, 9);
    const twoEngines = seconds(matrixPlan.replace('[1, 2, 4]', '[2, 4]').replace('[0.5, 0.9]', '[0.9]'));
    expect(twoEngines[0]).toBeCloseTo(firstOfPair ?? 0, 6);
    expect(twoEngines[2]).toBeCloseTo(firstOfPair ?? 0, 6);
  });

  it('beyond ten thousand are refused before they are made', () => {
    const many = Array.from({ length: 200 }, (_, at) => at + 1).join(', ');
    const text = chatPlan.replace(
      'load:',
      `matrix:\n  max-num-seqs: [${many}]\n  block-size: [${many}]\nload:`,
    );
    expect(expandPlan(planOf(text), rehearsalContext)).toMatchObject({
      ok: false,
      problems: [{ code: 'plan.too-many-cells' }],
    });
  });
});

describe('the content hash', () => {
  it('is FNV-1a with 64 bits over the UTF-16 of canonical JSON, and stays so: ids are kept in run folders', () => {
    expect(contentHash('')).toBe('8e2b418583d899c5');
    expect(contentHash({ b: [1, 'é'], a: null })).toBe('841a6cfa424b8345');
    expect(contentHash([1, 2])).not.toBe(contentHash([2, 1]));
  });

  it('tells contents apart and does not depend on the order of keys', () => {
    const content = fc.dictionary(
      fc.string(),
      fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null)),
    );
    fc.assert(
      fc.property(content, content, (a, b) => {
        const reversed = Object.fromEntries(Object.entries(a).reverse());
        expect(contentHash(reversed)).toBe(contentHash(a));
        const same = JSON.stringify(Object.entries(a).sort()) === JSON.stringify(Object.entries(b).sort());
        expect(contentHash(a as Content) === contentHash(b as Content)).toBe(same);
      }),
    );
  });
});
