import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  median,
  type PublishedSpeed,
  predictedSpeed as predicted,
  publishedSpeeds,
} from '../../tools/publishedSpeeds.ts';

const published = publishedSpeeds(fileURLToPath(new URL('../../fixtures', import.meta.url)));

const error = (row: PublishedSpeed) => Math.abs(predicted(row).tpotMs / row.tpotMs - 1);
const generations = [...new Set(published.map(({ generation }) => generation))];

describe('published speeds', () => {
  it.each(generations)('%s: half of the rows are within 25 %% in time per output token', (generation) => {
    const rows = published.filter((row) => row.generation === generation);
    expect(median(rows.map(error))).toBeLessThan(0.25);
  });

  it.each(['hopper', 'blackwell', 'ampere'])(
    '%s: so are those that nothing was fitted to, with less to spare than a tenth',
    (generation) => {
      const rows = published.filter((row) => row.generation === generation && row.use === 'held out');
      expect(rows.length).toBeGreaterThan(0);
      expect(median(rows.map(error))).toBeLessThan(0.12);
    },
  );

  it('models with experts are met as well as dense ones: half within 15 %', () => {
    const experts = published.filter((row) => /MiniMax|gpt-oss/.test(row.model));
    expect(experts.length).toBeGreaterThan(50);
    expect(median(experts.map(error))).toBeLessThan(0.15);
  });

  it('every band is as wide as it is right: four of five published speeds lie in theirs', () => {
    const within = published.filter((row) => {
      const [low, high] = predicted(row).bands.tpotMs;
      return row.tpotMs >= low && row.tpotMs <= high;
    });
    expect(within.length / published.length).toBeGreaterThan(0.8);
  });

  it('is within 15 % in the time to first token of a single request, from a thousand tokens to eight', () => {
    // At 2,048 tokens its source has less than half the time a token that it has before and after.
    const single = published.filter(
      ({ ttftMs, inputTokens }) => ttftMs !== undefined && inputTokens > 1000 && inputTokens !== 2048,
    );
    expect(single.length).toBeGreaterThanOrEqual(3);
    for (const row of single) {
      expect(
        Math.abs(predicted(row).ttftMs / (row.ttftMs ?? 0) - 1),
        `${row.inputTokens} tokens`,
      ).toBeLessThan(0.15);
    }
  });

  it('says of each generation how its figures are known', () => {
    const evidence = (gpu: string) => {
      const row = published.find((one) => one.use === 'held out' && one.gpuCount === 1);
      if (row === undefined) throw new Error('no row');
      return predicted({ ...row, gpu }).evidence;
    };
    expect(evidence('h200')).toBe('recorded');
    for (const gpu of ['b200', 'rtx-4090', 'l4', 'a100', 'a10']) expect(evidence(gpu), gpu).toBe('fitted');
    for (const gpu of ['v100', 't4', 'mi300x', 'mi355x']) expect(evidence(gpu), gpu).toBe('assumed');
  });
});
