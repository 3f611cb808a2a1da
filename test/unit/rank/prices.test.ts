import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findInstance } from '../../../src/core/device/instances.ts';
import { gpuPrice, instancePrice, listPrices, parsePrices } from '../../../src/core/rank/prices.ts';
import { device } from '../core/fixtures.ts';

describe('prices', () => {
  it('takes GPUs by any name and instances, and stands over the list', () => {
    const prices = parsePrices({ 'NVIDIA H100 80GB HBM3': 2.5, 'p5.48xlarge': 98.32, '4090': 0.4 });
    if (!prices.ok) throw new Error('these are prices');
    const instance = findInstance('p5.48xlarge');
    if (instance === undefined) throw new Error('p5 is gone');
    expect(gpuPrice(device('h100'), prices.value)).toEqual({ dollarsPerHour: 2.5, source: 'your price' });
    expect(gpuPrice(device('rtx-4090'), prices.value)?.dollarsPerHour).toBe(0.4);
    expect(instancePrice(instance, prices.value)?.dollarsPerHour).toBe(98.32);
    expect(instancePrice(instance, listPrices)).toEqual({
      dollarsPerHour: 55.04,
      source: 'AWS price list, us-east-1, 2026-05',
    });
  });

  it.each([
    [[], 'prices.not-an-object'],
    [null, 'prices.not-an-object'],
    [{ h1000: 2 }, 'prices.unknown-name'],
    [{ 'p5.48xlrge': 2 }, 'prices.unknown-name'],
    [{ h100: '2.50' }, 'prices.bad-price'],
    [{ h100: 0 }, 'prices.bad-price'],
    [{ h100: -1 }, 'prices.bad-price'],
    [{ h100: 2, 'h100-sxm-80gb': 3 }, 'prices.twice'],
    [JSON.parse('{"__proto__": 1}'), 'prices.unknown-name'],
  ])('%j is refused as %s', (value, code) => {
    const parsed = parsePrices(value);
    expect(parsed.ok ? [] : parsed.problems.map((problem) => problem.code)).toEqual([code]);
  });

  it('names the nearest', () => {
    const parsed = parsePrices({ 'p5.48xlrge': 2, h1000: 1 });
    expect(parsed.ok ? [] : parsed.problems.map(({ message }) => message)).toEqual([
      expect.stringContaining('Did you mean p5.48xlarge?'),
      expect.stringContaining('Did you mean h100?'),
    ]);
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.anything(), (value) => void parsePrices(value)));
  });
});
