import { describe, expect, it } from 'vitest';
import { packedFormats, plainFormat } from '../../../../src/core/memory/kv/cacheFormat.ts';
import {
  blocksPerRequest,
  blocksThatFit,
  kvCapacity,
  largestLength,
  requestBytes,
} from '../../../../src/core/memory/kv/capacity.ts';
import type { TokenMixer } from '../../../../src/core/model/facts.ts';
import { GiB } from '../../../../src/core/units.ts';
import { model } from '../fixtures.ts';
import { compressedLatent, gatedDeltaHybrid, gptOss, heads, latent, mixers, planned } from './layers.ts';

describe('figures that engines have logged', () => {
  it('Llama-3.1-8B on an H100, vLLM 0.19: 58.107 GiB are 476,016 tokens, 58.11x at 8,192', () => {
    const layout = planned(model('llama-3.1-8b'), { version: '0.19.1' });
    const capacity = kvCapacity(layout, blocksThatFit(layout, [58.1075 * GiB]), 8192, 8192);
    expect(capacity.tokens).toBe(476_016);
    expect(capacity.maxConcurrency.toFixed(2)).toBe('58.11');
  });

  it('Llama-3.1-8B on an A100, vLLM 0.31: 56.21 GiB are 460,496 tokens, 3.51x at 131,072', () => {
    const layout = planned(model('llama-3.1-8b'), { version: '0.31.0', computeCapability: '8.0' });
    const blocks = [56.205, 56.215].map((gib) => blocksThatFit(layout, [gib * GiB]));
    expect(blocks[0]).toBeLessThanOrEqual(460_496 / 16);
    expect(blocks[1]).toBeGreaterThanOrEqual(460_496 / 16);
    const capacity = kvCapacity(layout, 460_496 / 16, 131_072, 4096);
    expect(capacity.tokens).toBe(460_496);
    expect(capacity.maxConcurrency.toFixed(2)).toBe('3.51');
  });

  it('Qwen3.5-27B in FP8 on an H200: blocks of 784, 98.19 GiB are 1,400,832 tokens, 42.75x at 32,768', () => {
    const facts = gatedDeltaHybrid(64, heads(4, 256), 48, 'float32');
    const layout = planned(facts, { flags: { prefixCaching: true } });
    expect(layout.blockSize).toBe(784);
    expect(blocksPerRequest(layout, 32_768, 16_384)).toBe(48);
    const [least, most] = [98.185, 98.195].map((gib) => blocksThatFit(layout, [gib * GiB]));
    expect(least).toBeLessThanOrEqual(2052);
    expect(most).toBeGreaterThanOrEqual(2052);
    const capacity = kvCapacity(layout, 2052, 32_768, 16_384);
    expect(capacity.tokens).toBe(1_400_832);
    expect(capacity.maxConcurrency).toBe(42.75);
  });

  it('Qwen3.5-27B, vLLM 0.19: 290,864 tokens but 33.04x at 32,768, counted evenly over the groups (vllm issue 40691)', () => {
    const layout = planned(gatedDeltaHybrid(64, heads(4, 256), 48, 'float32'), { version: '0.19.1' });
    const capacity = kvCapacity(layout, 1487, 32_768, 16_384);
    expect(capacity.tokens).toBe(290_864);
    expect(capacity.maxConcurrency.toFixed(2)).toBe('33.04');
  });

  it('Qwen3.6-35B-A3B, fp8 cache, vLLM 0.24: 5.98 and 6.01 GiB are 567,978 and 569,878 tokens (club-3090 issues 612, 652)', () => {
    const layout = planned(gatedDeltaHybrid(40, heads(2, 256), 32, 'float32'), {
      version: '0.24.0',
      computeCapability: '12.0',
      flags: { prefixCaching: true, format: plainFormat(1) },
    });
    for (const [gib, tokens, concurrency] of [
      [5.98, 567_978, '4.33'],
      [6.01, 569_878, '4.35'],
    ] as const) {
      const capacity = kvCapacity(layout, blocksThatFit(layout, [gib * GiB]), 131_072, 8192);
      expect(capacity.tokens).toBe(tokens);
      expect(capacity.maxConcurrency.toFixed(2)).toBe(concurrency);
    }
  });

  it('gpt-oss-120b: 8,713 or 9,225 blocks a request of 131,072, by tokens in flight', () => {
    const layout = planned(gptOss(36));
    expect(layout.groups).toHaveLength(2);
    expect(blocksPerRequest(layout, 131_072, 8192)).toBe(8713);
    expect(blocksPerRequest(layout, 131_072, 16_384)).toBe(9225);
  });
});

describe('what engines have said when they refused', () => {
  it('DeepSeek-V4-Flash on GH200, vLLM 0.22: 30,000 tokens need 6.66 GiB, 5.44 GiB hold 13,528 (vllm issue 44376)', () => {
    const layout = planned(compressedLatent(), { version: '0.22.1', tensorParallelSize: 2 });
    // Full layers; two groups of windows; the states of either compressor.
    expect(layout.groups).toHaveLength(5);
    expect((requestBytes(layout, 0, 30_000, 16_384) / GiB).toFixed(2)).toBe('6.66');
    const lengths = [5.435, 5.445].map((gib) => largestLength(layout, [gib * GiB], 30_000, 16_384));
    expect(lengths[0]).toBeLessThanOrEqual(13_528);
    expect(lengths[1]).toBeGreaterThanOrEqual(13_528);
    // One block more or less is a step of eight tokens.
    expect(largestLength(layout, [requestBytes(layout, 0, 13_528, 16_384)], 30_000, 16_384)).toBe(13_528);
  });

  it('48 layers of 4 KV heads in fp8: 10.55 GiB are 230,528 tokens, 5.59 GiB hold 122,080 of 221,000 (vllm issue 25350)', () => {
    const facts = mixers('qwen3_moe', Array(48).fill([heads(4, 128)]));
    const layout = planned(facts, { version: '0.10.2', flags: { format: plainFormat(1) } });
    const tokens = [10.545, 10.555].map(
      (gib) => kvCapacity(layout, blocksThatFit(layout, [gib * GiB]), 100_000, 8192).tokens,
    );
    expect(tokens[0]).toBeLessThanOrEqual(230_528);
    expect(tokens[1]).toBeGreaterThanOrEqual(230_528);
    const logged = kvCapacity(layout, 230_528 / 16, 100_000, 8192);
    expect(logged.tokens).toBe(230_528);
    expect(logged.maxConcurrency.toFixed(2)).toBe('2.31');
    expect((requestBytes(layout, 0, 221_000, 8192) / GiB).toFixed(2)).toBe('10.12');
    const lengths = [5.585, 5.595].map((gib) => largestLength(layout, [gib * GiB], 221_000, 8192));
    expect(lengths[0]).toBeLessThanOrEqual(122_080);
    expect(lengths[1]).toBeGreaterThanOrEqual(122_080);
  });

  it('Llama-3.1-8B on an RTX 3090 under V0: 1,952 and 1,478 blocks, 23,648 tokens (vllm issue 10517)', () => {
    const layout = planned(model('llama-3.1-8b'), { version: '0.6.6.post1', computeCapability: '8.6' });
    for (const [gib, blocks, length, concurrency] of [
      [3.81, 1952, 20_000, '1.56'],
      [2.89, 1478, 29_000, '0.82'],
    ] as const) {
      expect(blocksThatFit(layout, [(gib - 0.005) * GiB])).toBeLessThanOrEqual(blocks);
      expect(blocksThatFit(layout, [(gib + 0.005) * GiB])).toBeGreaterThanOrEqual(blocks);
      expect(kvCapacity(layout, blocks, length, 512).maxConcurrency.toFixed(2)).toBe(concurrency);
    }
    expect(largestLength(layout, [1478 * (layout.blockBytesByStage[0] ?? 0)], 29_000, 512)).toBe(23_648);
  });
});

describe('bytes a token on 1, 2, 4 and 8 GPUs', () => {
  const on = (facts: ReturnType<typeof model>, flags = {}) =>
    [1, 2, 4, 8].map((tensorParallelSize) => planned(facts, { tensorParallelSize, flags }).bytesPerToken);

  it.each([
    ['llama-3.1-8b', [131_072, 65_536, 32_768, 16_384]],
    ['llama-3.1-70b', [327_680, 163_840, 81_920, 40_960]],
    ['qwen3-8b', [147_456, 73_728, 36_864, 18_432]],
    ['qwen3-32b', [262_144, 131_072, 65_536, 32_768]],
    ['qwen3-0.6b', [114_688, 57_344, 28_672, 14_336]],
    // Two KV heads: repeated from tensor-parallel 4 on.
    ['qwen2.5-3b', [36_864, 18_432, 18_432, 18_432]],
  ])('%s', (name, expected) => {
    expect(on(model(name))).toEqual(expected);
  });

  it('405B, Qwen3-235B and Mistral-Small-24B', () => {
    expect(on(mixers('llama', Array(126).fill([heads(8, 128)])))[0]).toBe(516_096);
    expect(on(mixers('qwen3_moe', Array(94).fill([heads(4, 128)])))).toEqual([
      192_512, 96_256, 48_128, 48_128,
    ]);
    expect(on(mixers('mistral', Array(40).fill([heads(8, 128)])))[0]).toBe(163_840);
  });

  it('gpt-oss-120b: all layers where windows are not freed, half of them where they are', () => {
    expect(on(gptOss(36), { hybridManager: false })[0]).toBe(73_728);
    expect(on(gptOss(36))[0]).toBe(36_864);
  });

  it('DeepSeek-V3: the same on every rank, half of it in fp8; V3.2 with its indexer', () => {
    expect(on(latent(61))).toEqual([70_272, 70_272, 70_272, 70_272]);
    expect(on(latent(61), { format: plainFormat(1) })[0]).toBe(35_136);
    expect(on(latent(61, 128), { format: plainFormat(1) })[0]).toBe(48_068);
    // Decode context parallelism spreads a request's tokens.
    expect(planned(latent(61), { contextParallelSize: 8 }).bytesPerToken).toBe(8784);
  });

  it('an nvfp4 cache and one with scales for each token and head', () => {
    const facts = model('llama-3.1-8b');
    expect(planned(facts, { flags: { format: packedFormats.nvfp4 } }).bytesPerToken).toBe(32 * 8 * 2 * 72);
    expect(planned(facts, { flags: { format: packedFormats.fp8_per_token_head } }).bytesPerToken).toBe(
      32 * 8 * (256 + 8),
    );
  });
});

describe('blocks', () => {
  it('of Nemotron-3-Nano: 2,096 tokens, 1,056 on four GPUs', () => {
    const state: TokenMixer = {
      kind: 'mamba2',
      innerSize: 4096,
      heads: 64,
      headSize: 64,
      groups: 8,
      stateSize: 128,
      convKernel: 4,
      stateDataType: 'float32',
    };
    const facts = mixers('nemotron_h', [...Array(23).fill([state]), ...Array(6).fill([heads(2, 128)])]);
    const sizes = [1, 2, 4].map((tensorParallelSize) => planned(facts, { tensorParallelSize }).blockSize);
    expect(sizes).toEqual([2096, 2096, 1056]);
  });

  it('of Kimi Linear: a state over a latent, in steps that grew with the releases', () => {
    const state: TokenMixer = { kind: 'kimi-delta', heads: 32, headSize: 128, convKernel: 4 };
    const facts = mixers('kimi_linear', [
      ...Array(20).fill([state]),
      ...Array(7).fill(latent(1).layers[0]?.mixers),
    ]);
    const sizes = ['0.19.1', '0.26.0', '0.28.0'].map((version) => planned(facts, { version }).blockSize);
    expect(sizes).toEqual([1920, 1888, 1920]);
  });

  it('of latent attention: by GPU generation and release', () => {
    const size = (version: string, computeCapability: string, flags = {}) =>
      planned(latent(27), { version, computeCapability, flags }).blockSize;
    expect(size('0.10.2', '9.0')).toBe(64);
    expect(size('0.13.0', '10.0')).toBe(128);
    expect(size('0.13.0', '8.0')).toBe(16);
    expect(size('0.26.0', '9.0')).toBe(16);
    expect(size('0.26.0', '9.0', { format: plainFormat(1) })).toBe(64);
    expect(size('0.26.0', '10.0')).toBe(32);
    expect(size('0.26.0', '10.0', { attentionBackend: 'CUTLASS_MLA' })).toBe(128);
    expect(size('0.26.0', '9.0', { blockSize: 64 })).toBe(64);
  });
});
