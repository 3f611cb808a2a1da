import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { knownModel } from '../../../src/core/model/known.ts';
import { GiB } from '../../../src/core/units.ts';
import { device } from '../core/fixtures.ts';

const compressed = {
  quant_method: 'compressed-tensors',
  format: 'float-quantized',
  config_groups: {
    group_0: { targets: ['Linear'], weights: { num_bits: 8, type: 'float', strategy: 'channel' } },
  },
  ignore: ['lm_head'],
};
const cached = { ...compressed, kv_cache_scheme: { num_bits: 8, type: 'float', dynamic: false } };
const modelOpt = { quant_method: 'modelopt', quant_algo: 'FP8', kv_cache_quant_algo: 'FP8' };

/** Llama 3.1 8B as a checkpoint of this quantisation. */
function served(quantization: object, engineVersion = '0.26.0', flags: Record<string, FlagValue> = {}) {
  const model = knownModel('llama-3.1-8b', JSON.stringify({ quantization_config: quantization }));
  if (model === undefined) throw new Error('no model');
  const { overrides: _, ...asRead } = model;
  return estimate({
    source: 'test',
    deployment: { engine: 'vllm', engineVersion, entrypoint: 'serve', flags },
    model: asRead,
    device: device('h100'),
    gpuCount: 1,
  });
}

describe('a checkpoint that says how keys and values are cached', () => {
  it.each([
    ['compressed-tensors', cached],
    ['ModelOpt', modelOpt],
  ])('in 8 bits (%s): auto is fp8 since 0.15', (_, quantization) => {
    const tokens = (version: string) => served(quantization, version).kv.bytesPerTokenPerRank;
    expect(tokens('0.13.0')).toBe(131_072);
    expect(tokens('0.15.1')).toBe(65_536);
    expect(served(quantization).resolved['kv-cache-dtype']).toBe('fp8');
  });

  it('is overruled by the flag', () => {
    const { kv } = served(cached, '0.26.0', { 'kv-cache-dtype': 'bfloat16' });
    expect(kv.bytesPerTokenPerRank).toBe(131_072);
  });

  it('says nothing: auto is the type of the activations', () => {
    expect(served(compressed).kv.bytesPerTokenPerRank).toBe(131_072);
    expect(served(compressed).resolved['kv-cache-dtype']).toBe('auto');
  });
});

describe('a quantised head', () => {
  it('takes what the other matrices take', () => {
    const gptq = { quant_method: 'gptq', bits: 4, group_size: 128 };
    const weights = (quantization: object) =>
      (served(quantization).perRank[0]?.terms.find(({ id }) => id === 'weights')?.bytes ?? 0) / GiB;
    // 128,256 x 4,096 weights of 2 bytes, or of a little more than half a byte.
    const head = (128_256 * 4096) / GiB;
    const saved = weights(gptq) - weights({ ...gptq, lm_head: true });
    expect(saved).toBeGreaterThan(1.4 * head);
    expect(saved).toBeLessThan(1.5 * head);
  });
});

describe('what the weights are multiplied in', () => {
  it('is fp8 for blocks of it as for whole rows, and 16 bits for 8-bit integers', () => {
    const prefill = (quantization: object) => served(quantization).speed.prefillTokensPerSecond;
    const rows = prefill(compressed);
    const blocks = prefill({ quant_method: 'fp8', weight_block_size: [128, 128] });
    const integers = prefill({ quant_method: 'gptq', bits: 8, group_size: 128 });
    expect(blocks / rows).toBeGreaterThan(0.95);
    expect(blocks / rows).toBeLessThan(1.05);
    expect(integers).toBeLessThan(0.8 * rows);
  });
});
