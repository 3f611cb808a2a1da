import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allDevices } from '../../../src/core/device/catalogue.ts';
import { allInstances } from '../../../src/core/device/instances.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { listPrices } from '../../../src/core/rank/prices.ts';
import { rank } from '../../../src/core/rank/rank.ts';
import type { RankDocument, RankLoad, RankRequest } from '../../../src/core/rank/types.ts';
import { device, model } from '../core/fixtures.ts';

const llama8b = 'meta-llama/Llama-3.1-8B-Instruct';
const llama70b = 'meta-llama/Llama-3.1-70B-Instruct';
const chat: RankLoad = { inputTokens: 1024, outputTokens: 256, requestsPerSecond: 10 };

function ranked(more: Partial<RankRequest> = {}, name = llama8b): RankDocument {
  return rank({
    deployment: { engine: 'vllm', entrypoint: 'serve', model: name, flags: {} },
    model: model(name),
    load: chat,
    serviceLevel: {},
    devices: allDevices(),
    instances: allInstances(),
    prices: listPrices,
    ...more,
  });
}

const rowOf = (document: RankDocument, id: string) => {
  const row = document.rows.find((one) => one.id === id);
  if (row === undefined) throw new Error(`no row ${id}`);
  return row;
};

describe('rank', () => {
  it('lists every GPU and instance once, either with a cost or with the reason why not', () => {
    const { rows, rejected } = ranked({}, llama70b);
    const names = [...rows, ...rejected].map(({ id }) => id);
    expect(names.toSorted()).toEqual([...allDevices(), ...allInstances()].map(({ id }) => id).toSorted());
    expect(rejected.find(({ id }) => id === 't4-16gb')).toMatchObject({ cause: 'does-not-fit', gpuCount: 8 });
    for (const { reason } of rejected) expect(reason.length).toBeGreaterThan(10);
  });

  it('puts the cheapest first and those without a price last', () => {
    const costs = ranked().rows.map((row) => row.dollarsPerMillionOutputTokens ?? Number.POSITIVE_INFINITY);
    expect(costs).toEqual(costs.toSorted((a, b) => a - b));
    expect(costs.at(-1)).toBe(Number.POSITIVE_INFINITY);
    expect(rowOf(ranked(), 'rtx-4090-24gb')).toMatchObject({ dollarsPerHour: null, priceSource: null });
  });

  it('costs what the units cost, spread over the tokens of the load', () => {
    const row = rowOf(
      ranked({ prices: { gpus: new Map([['h100-sxm-80gb', 2]]), instances: new Map() } }),
      'h100-sxm-80gb',
    );
    expect(row).toMatchObject({
      dollarsPerHour: 2 * row.units,
      priceSource: 'your price',
      outputTokensPerSecond: 2560,
    });
    expect(row.dollarsPerMillionOutputTokens).toBeCloseTo((2 * row.units) / (2560 * 0.0036), 9);
  });

  it('buys whole instances, several replicas in one where they fit', () => {
    const document = ranked({ load: { ...chat, requestsPerSecond: 400 } });
    const row = rowOf(document, 'p5.48xlarge');
    const inOne = Math.floor(8 / row.gpuCount);
    expect(inOne).toBeGreaterThan(1);
    expect(row.units).toBe(Math.ceil(row.replicas / inOne));
    expect(row.dollarsPerHour).toBeCloseTo(row.units * 55.04, 6);
  });

  it('splits a model over as many GPUs as it needs, and says with which flags', () => {
    const row = rowOf(ranked({}, llama70b), 'h100-sxm-80gb');
    expect(row.gpuCount).toBeGreaterThanOrEqual(2);
    expect(row.flags).toEqual({ 'max-model-len': 1280, 'tensor-parallel-size': row.gpuCount });
  });

  it('splits over no more GPUs than a machine has', () => {
    const { rows, rejected } = ranked({ instances: [] }, llama70b);
    expect(rows.find(({ id }) => id === 'gb200-186gb')?.gpuCount).toBeLessThanOrEqual(4);
    expect(rejected.find(({ id }) => id === 'gh200-96gb')).toMatchObject({
      cause: 'does-not-fit',
      gpuCount: 1,
    });
  });

  it('keeps the parallelism and the length that the deployment names', () => {
    const flags = { 'tensor-parallel-size': 4, 'max-model-len': 4096 };
    const { rows } = ranked({ deployment: { engine: 'vllm', entrypoint: 'serve', flags } });
    expect(rows.length).toBeGreaterThan(0);
    for (const row of rows) expect(row).toMatchObject({ gpuCount: 4, flags: {} });
  });

  it('does not offer a split that the heads do not allow', () => {
    const { rows } = ranked({ gpuCounts: [3] });
    expect(rows).toEqual([]);
  });

  it('gives a reason that holds for a number of GPUs which the heads can be split over', () => {
    // 12 heads: 1, 2 and 4 GPUs are tried in earnest, 8 are not.
    const load = { inputTokens: 4000, outputTokens: 100, concurrency: 1 };
    const { rows, rejected } = ranked({ load, instances: [] }, 'openai-community/gpt2');
    expect(rows).toEqual([]);
    for (const { reason } of rejected)
      expect(reason).toMatch(/4,100 tokens is longer than max-model-len 1,024/);
  });

  it('refuses a request that is longer than the model', () => {
    const { rows, rejected } = ranked({ load: { inputTokens: 200_000, outputTokens: 100, concurrency: 1 } });
    expect(rows).toEqual([]);
    expect(rejected[0]?.reason).toContain('200,100 tokens');
  });

  it('says what misses the service level, with its best time', () => {
    const { rows, rejected } = ranked({ serviceLevel: { tpotMs: 6 } });
    expect(rows.every(({ tpotMs }) => tpotMs <= 6)).toBe(true);
    const slow = rejected.find(({ id }) => id === 'a2-16gb');
    expect(slow).toMatchObject({ cause: 'service-level' });
    expect(slow?.reason).toMatch(/^TPOT [\d.]+ ms, 6\.00 wanted, for one request alone$/);
  });

  it('holds at concurrency as at a rate', () => {
    const row = rowOf(
      ranked({ load: { inputTokens: 1024, outputTokens: 256, concurrency: 64 } }),
      'h200-sxm-141gb',
    );
    expect(row.replicas * row.batch).toBeGreaterThanOrEqual(64);
    const seconds = (row.ttftMs + 255 * row.tpotMs) / 1000;
    expect(row.outputTokensPerSecond).toBeCloseTo((64 * 256) / seconds, 6);
  });

  const anyLoad = fc.record({
    inputTokens: fc.integer({ min: 1, max: 8000 }),
    outputTokens: fc.integer({ min: 1, max: 2000 }),
    requestsPerSecond: fc.double({ min: 0.01, max: 500, noNaN: true }),
  });
  const someDevices = ['h200', 'h100', 'l4', 'l40s', 'a100', 't4', 'rtx-4090'].map(device);

  it('carries the load it is given, within the service level, for any load', () => {
    fc.assert(
      fc.property(anyLoad, fc.integer({ min: 5, max: 200 }), (load, tpotMs) => {
        const { rows } = ranked({ load, serviceLevel: { tpotMs }, devices: someDevices, instances: [] });
        for (const row of rows) {
          expect(row.tpotMs).toBeLessThanOrEqual(tpotMs);
          const carried = (row.batch * 1000) / (row.ttftMs + (load.outputTokens - 1) * row.tpotMs);
          expect(row.replicas * carried * 1.000001).toBeGreaterThanOrEqual(load.requestsPerSecond);
          expect(row.mostOutputTokensPerSecond * 1.000001).toBeGreaterThanOrEqual(row.outputTokensPerSecond);
          // The row is the estimator's own figure for that deployment, not another formula's.
          const again = estimate({
            source: 'test',
            deployment: { engine: 'vllm', entrypoint: 'serve', model: llama8b, flags: row.flags },
            model: model(llama8b),
            device: device(row.device),
            gpuCount: row.gpuCount,
            load: { batch: row.batch, inputTokens: load.inputTokens, outputTokens: load.outputTokens },
          });
          expect(again.speed.tpotMs).toBe(row.tpotMs);
        }
      }),
      { numRuns: 60 },
    );
  });

  it('never needs fewer GPUs for twice the load, nor for a stricter service level', () => {
    fc.assert(
      fc.property(anyLoad, fc.integer({ min: 10, max: 100 }), (load, tpotMs) => {
        const units = (more: Partial<RankRequest>) =>
          new Map(
            ranked({ load, devices: someDevices, instances: [], gpuCounts: [1], ...more }).rows.map(
              (row) => [row.id, row.units] as const,
            ),
          );
        const now = units({});
        const twice = units({ load: { ...load, requestsPerSecond: 2 * load.requestsPerSecond } });
        for (const [id, count] of twice) expect(count).toBeGreaterThanOrEqual(now.get(id) ?? 0);
        for (const [id, count] of units({ serviceLevel: { tpotMs } })) {
          expect(count).toBeGreaterThanOrEqual(now.get(id) ?? 0);
        }
      }),
      // Prefill sets the pace here, and a larger batch completes a little less.
      {
        numRuns: 40,
        examples: [[{ inputTokens: 29, outputTokens: 9, requestsPerSecond: 367.2246377065716 }, 37]],
      },
    );
  });
});
