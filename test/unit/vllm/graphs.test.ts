import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { MemoryTerm } from '../../../src/core/estimate/types.ts';
import { GiB } from '../../../src/core/units.ts';
import { request } from '../core/fixtures.ts';

function graphs(model: string, gpu: string, flags: Record<string, FlagValue> = {}, gpuCount = 1): MemoryTerm {
  const { perRank } = estimate(request(model, gpu, flags, { gpuCount }));
  const found = perRank[0]?.terms.find(({ id }) => id.startsWith('graphs'));
  if (found === undefined) throw new Error('no graphs');
  return found;
}

describe('CUDA graphs of the V2 runner', () => {
  // Recorded: test/fixtures/vllm-0.26-h100, vllm-0.26-h200 and the served log.
  it.each([
    ['llama-3.1-8b', 'h200', 1024, 0.99],
    ['llama-3.1-8b', 'h100', 256, 0.58],
    ['qwen2.5-0.5b', 'h200', 1024, 0.39],
    ['deepseek-ai/DeepSeek-V2-Lite', 'h200', 1024, 1.2],
  ])('%s on %s, up to %d sequences: %d GiB', (model, gpu, seqs, recorded) => {
    const term = graphs(model, gpu, { 'max-num-seqs': seqs });
    expect(Math.abs(term.bytes / GiB - recorded) / recorded).toBeLessThan(0.12);
    expect(term.lowBytes / GiB).toBeLessThan(recorded);
    expect(term.highBytes / GiB).toBeGreaterThan(recorded);
  });

  it('take less with fewer sizes, fewer sequences, pieces alone, and heads on two ranks', () => {
    const whole = graphs('llama-3.1-8b', 'h200').bytes;
    for (const flags of [
      { 'max-num-seqs': 128 },
      { 'cudagraph-capture-sizes': '[1,2,4,8]' },
      { 'compilation-config': '{"cudagraph_mode":"PIECEWISE"}' },
      { 'tensor-parallel-size': 2 },
    ]) {
      expect(graphs('llama-3.1-8b', 'h200', flags, 2).bytes, JSON.stringify(flags)).toBeLessThan(0.7 * whole);
    }
  });

  it('may take far less where the kernels of attention were not recorded, and the band says so', () => {
    const { bytes, lowBytes } = graphs('llama-3.1-8b', 'a100');
    expect(lowBytes).toBeLessThan(0.4 * bytes);
  });
});
