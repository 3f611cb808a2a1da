import { describe, expect, it } from 'vitest';
import { measuredPoints } from '../../../src/extension/panels/measuredPoints.ts';
import { cellResult, loadResult, requestFor, runResults } from '../../webview/examples.ts';

const request = requestFor('Llama-3.1-8B-Instruct', 'h200');
const run = (changes: Parameters<typeof runResults>[0] = {}) =>
  runResults({ mode: 'measured', cells: [cellResult(8, { flags: {} })], ...changes });

describe('measured points beside the estimate', () => {
  it('are those of the same model, engine and GPU', () => {
    expect(measuredPoints(request, [run(), null])).toEqual([
      {
        run: 'chat',
        label: 'concurrency 8',
        batch: 8,
        tokensPerSecond: loadResult(8).systemTokensPerSecond,
        tpotMs: loadResult(8).tpotMs.mean,
      },
    ]);
    expect(measuredPoints(request, [run({ model: 'gpt2' })])).toEqual([]);
    expect(measuredPoints(request, [run({ device: 'l4-24gb' })])).toEqual([]);
    expect(measuredPoints(request, [run({ engine: { name: 'sglang', version: null } })])).toEqual([]);
  });

  it('are never simulated', () => {
    expect(measuredPoints(request, [run({ mode: 'rehearsal' })])).toEqual([]);
  });

  it('leave out what is no speed of this engine: other flags, a client that held back, errors', () => {
    const flags = { 'tensor-parallel-size': 2 };
    expect(measuredPoints(request, [run({ cells: [cellResult(8, { flags })] })])).toEqual([]);
    const client = {
      loopLagMs: { p99: 9 },
      cpuSeconds: 2,
      events: 20_000,
      eventsPerSecond: 900,
      bound: true,
    };
    const bound = loadResult(8, { client });
    const failed = loadResult(8, { requests: { ok: 1, failed: 1, byKind: { timeout: 1 } } });
    const cells = [cellResult(8, { flags: {}, trials: [bound, failed] })];
    expect(measuredPoints(request, [run({ cells })])).toEqual([]);
  });
});
