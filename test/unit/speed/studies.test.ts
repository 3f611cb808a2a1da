import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { findEngine } from '../../../src/core/engine/engines.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { SpeedEstimate } from '../../../src/core/estimate/types.ts';
import { decodeStep } from '../../../src/core/speed/roofline.ts';
import { request } from '../core/fixtures.ts';

function speedOf(
  model: string,
  gpu: string,
  load: readonly [batch: number, inputTokens: number, outputTokens: number],
  flags: Readonly<Record<string, FlagValue>> = {},
): SpeedEstimate {
  const [batch, inputTokens, outputTokens] = load;
  const asked = request(model, gpu, flags, { load: { batch, inputTokens, outputTokens } });
  return estimate(asked, { fixes: false }).speed;
}

/** What five public studies found, as far as an estimate can say it. */
describe('the studies that the program is to redo', () => {
  it('chat: an A10 carries 32 chats of Llama-3.2-3B at 15 tokens/s a query or more, the first within half a second', () => {
    const rates = [1, 2, 4, 8, 16, 32].map((batch) => speedOf('llama-3.2-3b', 'a10', [batch, 200, 100]));
    for (const { tpotMs, ttftMs } of rates) {
      expect(1000 / tpotMs).toBeGreaterThan(15);
      expect(ttftMs).toBeLessThan(500);
    }
    const system = rates.map(({ systemTokensPerSecond }) => systemTokensPerSecond);
    expect(system).toEqual(system.toSorted((a, b) => a - b));
    // Still growing at 32, but no longer in proportion.
    const [before = 0, last = 0] = system.slice(-2);
    expect(last / before).toBeGreaterThan(1.2);
    expect(last / before).toBeLessThan(1.95);
  });

  it('mps: on an H100 launches bind the smallest models, which leave the GPU to others, and not 7 billion parameters', () => {
    const flags = { 'max-model-len': 2048 };
    expect(speedOf('Qwen/Qwen2.5-0.5B-Instruct', 'h100', [16, 256, 128], flags).bound).toBe('launch');
    expect(speedOf('Qwen/Qwen2.5-7B-Instruct', 'h100', [16, 256, 128], flags).bound).toBe('bandwidth');
  });

  it('cost: of an H100 and an L4, the H100 is several times as fast with Llama-2-7B; int4 is faster at small batches', () => {
    const flags = { 'max-model-len': 1024 };
    const tpot = (gpu: string, more: Record<string, FlagValue> = {}) =>
      speedOf('meta-llama/Llama-2-7b-hf', gpu, [8, 128, 128], { ...flags, ...more }).tpotMs;
    expect(tpot('l4') / tpot('h100')).toBeGreaterThan(5);
    expect(tpot('l4') / tpot('l4', { quantization: 'awq' })).toBeGreaterThan(2);
  });

  it('batch-parallel: tensor parallel over the bus of V100s waits on links many times as long as a pipeline does', () => {
    const links = (flags: Record<string, FlagValue>) => {
      const asked = request('facebook/opt-30b', 'v100-pcie-32gb', flags, { gpuCount: 4 });
      const input = findEngine('vllm')?.evaluate(asked).speed;
      if (input === undefined) throw new Error('no vLLM');
      return decodeStep(input, 64, 200).communicationMs;
    };
    expect(links({ 'tensor-parallel-size': 4 })).toBeGreaterThan(20 * links({ 'pipeline-parallel-size': 4 }));
  });
});
