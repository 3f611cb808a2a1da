import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../../src/core/estimate/types.ts';
import { simulateEngine } from '../../../src/core/sweep/simulate.ts';
import { request } from './fixtures.ts';

function simulated(asked: EstimateRequest) {
  return simulateEngine(asked, estimate(asked), { seed: 7 });
}

describe('simulated engine', () => {
  it('serves where it fits, with the cache of the estimate and the log of the engine', () => {
    const asked = request('llama-3.1-8b', 'h200', { 'max-model-len': 8192 });
    const { kv } = estimate(asked);
    const engine = simulated(asked);
    expect(engine.start).toEqual({ outcome: 'serves' });
    expect(engine.kvBlocks).toBe(kv.numBlocks);
    expect(engine).toMatchObject({ maxModelLen: 8192, maxNumSeqs: 1024, maxNumBatchedTokens: 8192 });
    expect(engine.logLines.join('\n')).toContain(
      `GPU KV cache size: ${kv.tokens.toLocaleString('en-US')} tokens`,
    );
    expect(engine.logLines.join('\n')).toContain('Maximum concurrency for 8,192 tokens per request:');
    expect(engine.noise.seed).toBe(7);
  });

  it('marks every line as simulated, and says that the start is compressed', () => {
    for (const gpu of ['h200', 'rtx-4090', 't4']) {
      const { logLines } = simulated(request('llama-3.1-8b', gpu));
      expect(logLines.every((line) => line.startsWith('(simulated) '))).toBe(true);
      expect(logLines[0]).toContain('compressed');
    }
  });

  it.each([
    [
      'a request that is too long',
      request('llama-3.1-8b', 'rtx-4090', { 'max-model-len': 131_072 }),
      /To serve at least one request with the model's max seq len \(131072\), \(16\.0 GiB KV cache is needed/,
    ],
    [
      'no memory for the cache',
      request('llama-3.1-8b', 'h200', { 'gpu-memory-utilization': 0.11 }),
      /No available memory for the cache blocks/,
    ],
    [
      'more asked for than is free',
      request('llama-3.1-8b', 'h200', { 'gpu-memory-utilization': 1 }),
      /Free memory on device cuda:0 \(139\.29\/139\.8 GiB\) on startup is less than desired GPU memory utilization \(1, 139\.8 GiB\)/,
    ],
    [
      'heads that cannot be split',
      request('llama-3.1-8b', 'h200', { 'tensor-parallel-size': 3 }, { gpuCount: 4 }),
      /Total number of attention heads \(32\) must be divisible by tensor parallel size \(3\)/,
    ],
    [
      'a context that the model was not made for',
      request('gpt2', 'h200', { 'max-model-len': 2048 }),
      /User-specified max_model_len \(2048\) is greater than the derived max_model_len/,
    ],
    [
      'bfloat16 on an old GPU',
      request('gpt2', 't4', { dtype: 'bfloat16' }),
      /Bfloat16 is only supported on GPUs with compute capability of at least 8\.0/,
    ],
    [
      'a value that is none',
      request('llama-3.1-8b', 'h200', { 'max-num-seqs': 'x' }),
      /max-num-seqs must be a whole number/,
    ],
  ])("refuses %s in the engine's own words", (_, asked, words) => {
    const engine = simulated(asked);
    expect(engine.start).toEqual({ outcome: 'refuses', exitCode: 1 });
    expect(engine.logLines.at(-1)).toMatch(words);
  });

  it('runs out of memory while loading weights that are too large', () => {
    const engine = simulated(request('llama-3.1-70b', 'h100'));
    expect(engine.start).toEqual({ outcome: 'out-of-memory', exitCode: 1 });
    expect(engine.logLines.at(-1)).toContain('CUDA out of memory');
  });

  it('runs out of memory at capture where the graphs have no room, and not when eager', () => {
    const flags = { 'gpu-memory-utilization': 0.95, 'max-model-len': 4096 };
    const engine = simulated(request('llama-3.1-8b', 'l4', flags));
    expect(engine.start).toEqual({ outcome: 'serves' });
    const full = { 'gpu-memory-utilization': 0.97, 'max-model-len': 4096 };
    const crowded = simulated(request('llama-3.1-8b', 'l4', full));
    expect(crowded.start).toEqual({ outcome: 'out-of-memory', exitCode: 1 });
    expect(crowded.logLines.at(-2)).toContain('Capturing CUDA graphs');
    expect(simulated(request('llama-3.1-8b', 'l4', { ...full, 'enforce-eager': true })).start.outcome).toBe(
      'serves',
    );
  });

  it('steps at the pace of the estimate: one sequence at its TPOT', () => {
    const load = { batch: 1, inputTokens: 200, outputTokens: 100 };
    const asked = request('llama-3.1-8b', 'h200', { 'max-model-len': 8192 }, { load });
    const { step } = simulated(asked);
    const tpot = step.baseMs + step.perSequenceMs + 250 * step.perKvTokenMs;
    expect(tpot / estimate(asked).speed.tpotMs).toBeCloseTo(1, 3);
    expect(1000 / step.perPrefillTokenMs).toBeGreaterThan(40_000);
    expect(1000 / step.perPrefillTokenMs).toBeLessThan(50_000);
  });

  it('answers to the served name', () => {
    const asked = request('llama-3.1-8b', 'h200', { 'served-model-name': ['chat', 'other'] });
    expect(simulated(asked).modelName).toBe('chat');
    expect(simulated(request('llama-3.1-8b', 'h200')).modelName).toBe('llama-3.1-8b');
  });

  it('holds one full-length request whenever it serves', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('llama-3.1-8b', 'phi-3-mini', 'gpt2', 'qwen2.5-0.5b'),
        fc.constantFrom('t4', 'l4', 'a100', 'h200'),
        fc.integer({ min: 1, max: 131_072 }),
        (name, gpu, length) => {
          const engine = simulated(request(name, gpu, { 'max-model-len': length }));
          if (engine.start.outcome !== 'serves') return;
          expect(engine.kvBlocks * engine.blockSize).toBeGreaterThanOrEqual(length);
        },
      ),
    );
  });
});
