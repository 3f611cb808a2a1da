/** Sweeps of a real engine on a real GPU: what is made of their run folders. */
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { recordedRun } from '../../tools/recordedRuns.ts';

const fixtures = fileURLToPath(new URL('../../fixtures', import.meta.url));

describe('a chat sweep of vLLM on an H100', async () => {
  const results = await recordedRun(fixtures, 'chat');

  it('is answered', () => {
    expect(results.outcome).toBe('completed');
    expect(results.answer).toMatch(/^64 is the largest concurrency with TTFT p95 of at most 500 ms/);
    expect(results.cells.map(({ state }) => state)).toEqual(Array(7).fill('done'));
  });

  it('says of which cell the few requests leave no window, and so start and drain are in its figures', () => {
    expect(results.cells.filter(({ trials }) => trials[0]?.window === undefined)).toHaveLength(1);
    expect(results.warnings).toContainEqual(
      expect.stringMatching(/^Too few rounds of requests for a measuring window.*: concurrency 64\.$/),
    );
  });

  it("keeps Little's law in every cell, and the client was the limit in none", () => {
    const checks = results.cells.flatMap(({ trials }) => trials.flatMap((trial) => trial.checks ?? []));
    expect(checks).toHaveLength(7);
    for (const { littleResidual, clientBound } of checks) {
      expect(Math.abs(littleResidual ?? 0)).toBeLessThan(0.05);
      expect(clientBound).toBe(false);
    }
  });

  it('says that the host set the pace, from the activity of the GPU', () => {
    for (const { why } of results.cells) {
      expect(why?.bound).toBe('host');
      expect(why?.evidence[0]).toMatch(/^The multiprocessors are active [12]\d/);
    }
  });

  it('has its memory within the band of the estimate, and KV within 0.1 %', () => {
    const memory = results.cells[0]?.memory ?? [];
    expect(memory.map(({ term }) => term)).toEqual([
      'weights',
      'activation-peak',
      'non-torch',
      'graphs-uncharged',
      'available-kv',
    ]);
    for (const { lowBytes, highBytes, measuredBytes } of memory) {
      expect(measuredBytes).toBeGreaterThanOrEqual(lowBytes);
      expect(measuredBytes).toBeLessThanOrEqual(highBytes);
    }
    const kv = memory.find(({ term }) => term === 'available-kv');
    expect(Math.abs((kv?.predictedBytes ?? 0) / (kv?.measuredBytes ?? 1) - 1)).toBeLessThan(0.001);
  });
});

describe('a bisection of gpu-memory-utilization, cut off', async () => {
  const results = await recordedRun(fixtures, 'memory-limit');

  it('found the edge in three starts of sixteen, where it was predicted', () => {
    expect(results.searches).toMatchObject([{ startsUsed: 3, startsOfGrid: 16, state: 'stopped' }]);
    const tried = results.cells.filter(({ state }) => state === 'done' || state === 'failed');
    expect(
      tried.map(({ flags, state, prediction }) => [
        flags['gpu-memory-utilization'],
        state,
        prediction?.outcome,
      ]),
    ).toEqual([
      [0.035, 'failed', 'does-not-fit'],
      [0.04, 'failed', 'does-not-fit'],
      [0.045, 'done', 'fits'],
    ]);
  });

  it('says what refused, when, and the way out', () => {
    const refused = results.cells.filter(({ state }) => state === 'failed');
    for (const { failure } of refused) {
      expect(failure).toMatchObject({ kind: 'refused', enginePhase: 'profile' });
      expect(
        failure?.remedies?.some(
          ({ flag, change }) => flag === 'gpu-memory-utilization' && change === 'raise',
        ),
      ).toBe(true);
    }
  });

  it('is answered with what was measured by then, and that is said', () => {
    expect(results.outcome).toBe('interrupted');
    expect(results.answer).toContain('is not finished: 3 of 16 engine starts so far.');
    expect(results.answer).toMatch(
      /it runs from 0\.045 \(0\.04 fails: refused at profile\).*The run was interrupted/,
    );
  });
});

describe('two engines on one GPU under MPS', async () => {
  const results = await recordedRun(fixtures, 'mps');
  const pair = results.cells.find(({ label }) => label === '2 copies under MPS, concurrency 32');
  const alone = results.cells.find(({ label }) => label === '1 copy, concurrency 32');

  it('share the load evenly, and say each what it did', () => {
    const engines = pair?.trials[0]?.perEngine ?? [];
    expect(engines.map(({ engine }) => engine)).toEqual([0, 1]);
    for (const { requests } of engines) expect(Math.abs(requests - 320)).toBeLessThan(10);
  });

  it('are compared under the load that both had, as the other pair was cut off', () => {
    expect(results.answer).toMatch(
      /^Sharing the same load \(concurrency 32\), 2 engines under MPS give \+\d[\d.]* % .*over one\./,
    );
  });

  it('keep the GPU busier than one does', () => {
    expect(pair?.telemetry?.smActive).toBeGreaterThan(1.5 * (alone?.telemetry?.smActive ?? 1));
  });
});
