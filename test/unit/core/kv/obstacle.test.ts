import { describe, expect, it } from 'vitest';
import { estimate } from '../../../../src/core/estimate/estimate.ts';
import { request } from '../fixtures.ts';
import { gatedDeltaHybrid, heads } from './layers.ts';

const hybrid = gatedDeltaHybrid(64, heads(4, 256), 48, 'float32');
const withHybrid = (flags: Record<string, string | number | boolean>) =>
  estimate(request('llama-3.1-8b', 'h200', { 'max-model-len': 8192, ...flags }, { model: hybrid }));

describe('blocks as a start-up check', () => {
  it('refuses more sequences than blocks of state, and says how many would do', () => {
    const few = withHybrid({ 'kv-cache-memory-bytes': 20 * 2 ** 30, 'max-num-seqs': 1024 });
    expect(few.verdict.outcome).toBe('does-not-fit');
    expect(few.verdict.causeFlag).toBe('max-num-seqs');
    expect(few.verdict.reason).toContain(`${few.kv.numBlocks} blocks`);
    expect(few.verdict.fixes).toContainEqual(
      expect.objectContaining({ flag: 'max-num-seqs', to: few.kv.numBlocks }),
    );
    // Without graphs nothing wants them all at once.
    const eager = withHybrid({
      'kv-cache-memory-bytes': 20 * 2 ** 30,
      'max-num-seqs': 1024,
      'enforce-eager': true,
    });
    expect(eager.verdict.causeFlag).not.toBe('max-num-seqs');
  });

  it('takes overridden blocks for what they are, and refuses more than the GPU has', () => {
    const overridden = estimate(request('llama-3.1-8b', 'h200', { 'num-gpu-blocks-override': 1000 }));
    expect(overridden.kv.numBlocks).toBe(1000);
    expect(overridden.kv.largestMaxModelLen).toBe(16_000);
    expect(overridden.verdict.causeFlag).toBe('max-model-len');
    // What is free does not count: the engine takes the blocks that it was told.
    expect(overridden.verdict.reason).toMatch(
      /num-gpu-blocks-override 1,000 holds one request of 16,000 tokens/,
    );
    const tooMany = estimate(request('llama-3.1-8b', 'h200', { 'num-gpu-blocks-override': 1_000_000 }));
    expect(tooMany.verdict.causeFlag).toBe('num-gpu-blocks-override');
  });
});
