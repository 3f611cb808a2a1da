import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { findEngine } from '../../../src/core/engine/engines.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { loadsByBatch, loadsByContext, speedCurve } from '../../../src/core/estimate/speedCurve.ts';
import type { EstimateRequest, SpeedEstimate } from '../../../src/core/estimate/types.ts';
import { entriesSeen, pairsSeen } from '../../../src/core/speed/cacheReads.ts';
import { decodeStep, expertShare } from '../../../src/core/speed/roofline.ts';

import type { SpeedInput } from '../../../src/core/speed/speedInput.ts';
import { device, request } from '../core/fixtures.ts';

const GB = 1e9;

function inputOf(asked: EstimateRequest): SpeedInput {
  const engine = findEngine('vllm');
  if (engine === undefined) throw new Error('no vLLM');
  return engine.evaluate(asked).speed;
}

function speedOf(
  model: string,
  gpu: string,
  flags: Readonly<Record<string, FlagValue>>,
  load: EstimateRequest['load'],
  gpuCount = 1,
): SpeedEstimate {
  const more = load === undefined ? { gpuCount } : { gpuCount, load };
  return estimate(request(model, gpu, flags, more), { fixes: false }).speed;
}

describe('weights that a step reads', () => {
  it('are all but the input embedding in a dense model', () => {
    const { activeWeightBytes } = speedOf(
      'llama-3.1-8b',
      'h200',
      {},
      { batch: 1, inputTokens: 512, outputTokens: 64 },
    );
    expect(activeWeightBytes / GB).toBeCloseTo(15.01, 1);
  });

  it('are the experts that some token is expected to choose, and everything else', () => {
    const at = (batch: number) =>
      speedOf(
        'qwen3-30b-a3b',
        'h100',
        { 'max-model-len': 1024 },
        { batch, inputTokens: 512, outputTokens: 64 },
      ).activeWeightBytes / GB;
    // 128 experts, 8 a token: 57.98 GB in all, 8/128 of them for one token and 51.6 of 128 for eight.
    const experts = 128 * 3 * 2048 * 768 * 2 * 48;
    expect((at(8) - at(1)) / (experts / GB)).toBeCloseTo(51.6 / 128 - 8 / 128, 3);
    expect(expertShare(128, 8, 1)).toBeCloseTo(8 / 128, 10);
    expect(128 * expertShare(128, 8, 8)).toBeCloseTo(51.6, 1);
  });

  it('are a quarter where they are stored in 4 bit, and multiply 16 bit wide', () => {
    const load = { batch: 1, inputTokens: 128, outputTokens: 128 };
    const whole = inputOf(request('llama-3.1-70b', 'h100', {}, { load }));
    const packed = inputOf(request('llama-3.1-70b', 'h100', { quantization: 'awq' }, { load }));
    expect(packed.dense.bytes / whole.dense.bytes).toBeCloseTo(0.26, 2);
    expect(packed.dense.computeType).toBe('bfloat16');
    expect(packed.head.bytes).toBeCloseTo(whole.head.bytes, 0);
  });

  it('multiply in 8 bit where the card does, and 16 bit wide where it does not', () => {
    const computeType = (gpu: string) =>
      inputOf(request('llama-3.1-8b', gpu, { quantization: 'fp8' })).dense.computeType;
    expect(computeType('h100')).toBe('fp8');
    expect(computeType('l4')).toBe('fp8');
    expect(computeType('a100')).toBe('bfloat16');
  });

  it('pass the bus each step where they are kept in host memory', () => {
    const load = { batch: 1, inputTokens: 128, outputTokens: 128 };
    const tpot = (flags: Record<string, FlagValue>) => speedOf('llama-3.1-8b', 'rtx-4090', flags, load);
    const offloaded = tpot({ 'cpu-offload-gb': 8, 'max-model-len': 4096 });
    const bus = device('rtx-4090').pcie?.bytesPerSecond ?? Number.NaN;
    expect(offloaded.tpotMs).toBeGreaterThan((8 * 2 ** 30 * 1000) / bus);
    expect(offloaded.bound).toBe('bandwidth');
  });
});

describe('what a step reads of the cache', () => {
  const bytesAt = ({ cache }: SpeedInput, context: number) =>
    cache.attentions.reduce((sum, reads) => sum + entriesSeen(reads, context) * reads.bytesPerEntry, 0);

  it('is two heads of keys and values a layer, at least one a rank', () => {
    const llama = inputOf(request('llama-3.1-8b', 'h200'));
    expect(bytesAt(llama, 1000)).toBe(1000 * 131_072);
    const split = inputOf(request('llama-3.1-8b', 'h200', { 'tensor-parallel-size': 16 }, { gpuCount: 16 }));
    expect(bytesAt(split, 1000)).toBe((1000 * 131_072) / 8);
  });

  it('stops growing in layers with a window', () => {
    const input = inputOf(request('openai/gpt-oss-20b', 'h200'));
    const layer = 2 * 8 * 64 * 2;
    expect(bytesAt(input, 100)).toBe(24 * layer * 100);
    expect(bytesAt(input, 1280)).toBe(12 * layer * 1280 + 12 * layer * 128);
  });

  it('is one latent a token, on every rank', () => {
    const latent = (flags: Record<string, FlagValue>, gpuCount: number) =>
      bytesAt(inputOf(request('deepseek-ai/DeepSeek-V2-Lite', 'h200', flags, { gpuCount })), 1000);
    expect(latent({}, 1)).toBe(1000 * 27 * 576 * 2);
    expect(latent({ 'tensor-parallel-size': 4 }, 4)).toBe(latent({}, 1));
  });

  it('is half where it is stored in 8 bit', () => {
    const at = (flags: Record<string, FlagValue>) =>
      bytesAt(inputOf(request('llama-3.1-8b', 'h200', flags)), 1000);
    expect(at({ 'kv-cache-dtype': 'fp8' })).toBe(at({}) / 2);
  });

  it('sees every pair of a prompt once, in one step or in many', () => {
    const reads = {
      windowTokens: Number.POSITIVE_INFINITY,
      chunked: false,
      tokensPerEntry: 1,
      bytesPerEntry: 1,
      decodeFlopsPerEntry: 1,
      prefillFlopsPerEntry: 1,
    };
    const tokens = fc.integer({ min: 1, max: 100_000 });
    fc.assert(
      fc.property(
        tokens,
        tokens,
        fc.option(tokens, { nil: Number.POSITIVE_INFINITY }),
        (a, b, windowTokens) => {
          const one = { ...reads, windowTokens };
          expect(pairsSeen(one, 0, a) + pairsSeen(one, a, b)).toBeCloseTo(pairsSeen(one, 0, a + b), 0);
          expect(pairsSeen(one, 0, a)).toBeLessThanOrEqual((a * a) / 2);
        },
      ),
    );
  });
});

describe('a step', () => {
  const load = { batch: 32, inputTokens: 512, outputTokens: 128 };

  it('never takes less with more sequences or a longer context', () => {
    const models = ['llama-3.1-8b', 'qwen3-30b-a3b', 'openai/gpt-oss-20b', 'deepseek-ai/DeepSeek-V2-Lite'];
    const count = fc.integer({ min: 1, max: 512 });
    const context = fc.integer({ min: 1, max: 32_768 });
    fc.assert(
      fc.property(fc.constantFrom(...models), count, count, context, context, (name, a, b, near, far) => {
        const input = inputOf(request(name, 'h200'));
        const [few, many] = [Math.min(a, b), Math.max(a, b)];
        const [short, long] = [Math.min(near, far), Math.max(near, far)];
        const least = decodeStep(input, few, short).totalMs;
        expect(least).toBeGreaterThan(0);
        expect(decodeStep(input, many, short).totalMs).toBeGreaterThanOrEqual(least - 1e-9);
        expect(decodeStep(input, few, long).totalMs).toBeGreaterThanOrEqual(least - 1e-9);
      }),
    );
  });

  it('is faster on more GPUs, and never in proportion', () => {
    const tpot = (size: number) =>
      speedOf('llama-3.1-70b', 'h200', { 'tensor-parallel-size': size }, load, size).tpotMs;
    expect(tpot(4)).toBeLessThan(tpot(2));
    expect(tpot(4)).toBeGreaterThan(tpot(2) / 2);
  });

  it('costs more over the bus than over NVLink', () => {
    const links = (gpu: string) =>
      decodeStep(
        inputOf(request('llama-3.1-70b', gpu, { 'tensor-parallel-size': 4 }, { gpuCount: 4 })),
        64,
        1000,
      ).communicationMs;
    expect(links('h100-nvl')).toBeGreaterThan(2 * links('h100'));
  });

  it('is shared by replicas, which serve twice as much together', () => {
    const speed = (replicas: number) =>
      speedOf(
        'llama-3.1-8b',
        'h200',
        { 'data-parallel-size': replicas },
        { ...load, batch: 32 * replicas },
        replicas,
      );
    expect(speed(2).tpotMs).toBeCloseTo(speed(1).tpotMs, 6);
    expect(speed(2).systemTokensPerSecond).toBeCloseTo(2 * speed(1).systemTokensPerSecond, 6);
  });

  it.each([
    ['bandwidth', 'llama-3.1-70b', 'h200', { 'tensor-parallel-size': 2 }, 8, 512, 2],
    ['kv-traffic', 'llama-3.1-8b', 'h200', {}, 64, 8192, 1],
    ['launch', 'llama-3.2-1b', 'h200', {}, 1, 128, 1],
    ['compute', 'llama-3.1-8b', 'rtx-a6000', { 'max-model-len': 256 }, 200, 64, 1],
    ['interconnect', 'llama-3.1-8b', 'l4', { 'tensor-parallel-size': 8 }, 256, 128, 8],
    ['kv', 'llama-3.1-8b', 'h200', {}, 1000, 8192, 1],
  ] as const)('is bound by %s', (bound, model, gpu, flags, batch, inputTokens, gpuCount) => {
    expect(speedOf(model, gpu, flags, { batch, inputTokens, outputTokens: 64 }, gpuCount).bound).toBe(bound);
  });

  it('begins later where all requests come at once: on average behind half of the prompts', () => {
    const many = speedOf('llama-3.1-8b', 'h200', {}, load);
    expect(many.ttftAllAtOnceMs).toBeGreaterThan(many.ttftMs);
    const promptMs = (1000 * load.inputTokens) / many.prefillTokensPerSecond;
    expect(many.ttftAllAtOnceMs / (16.5 * promptMs)).toBeCloseTo(1, 1);
    const one = speedOf('llama-3.1-8b', 'h200', {}, { ...load, batch: 1 });
    expect(one.ttftAllAtOnceMs).toBe(one.ttftMs);
  });

  it('says its parts and what was fitted, and that drafts are not counted', () => {
    const { formula, source } = speedOf('llama-3.1-8b', 'h200', {}, load);
    expect(formula).toMatch(/^step of 32: weights \d.* compute .* KV .* launch .* links .* ms/);
    expect(source).toContain('vLLM 0.26.0 on one H100 and one H200');
    const drafted = speedOf(
      'llama-3.1-8b',
      'h200',
      { 'speculative-config': '{"method":"ngram","num_speculative_tokens":3}' },
      load,
    );
    expect(drafted.source).toContain('what draft tokens save is not estimated');
  });
});

describe('bands', () => {
  const half = (model: string, gpu: string, flags: Record<string, FlagValue> = {}, gpuCount = 1) => {
    const { tpotMs, bands } = speedOf(
      model,
      gpu,
      flags,
      { batch: 8, inputTokens: 512, outputTokens: 64 },
      gpuCount,
    );
    return bands.tpotMs[1] / tpotMs - 1;
  };

  it('are 15 % where it was recorded, 25 % where it was published, wider where it is assumed', () => {
    expect(half('llama-3.1-8b', 'h200')).toBeCloseTo(0.15);
    expect(half('llama-3.1-8b', 'h200', { quantization: 'fp8' })).toBeCloseTo(0.25);
    expect(half('llama-3.1-8b', 'h200', { 'tensor-parallel-size': 2 }, 2)).toBeCloseTo(0.25);
    expect(half('llama-3.1-8b', 'rtx-4090', { 'max-model-len': 2048 })).toBeCloseTo(0.25);
    expect(half('llama-3.1-8b', 'v100')).toBeGreaterThan(0.3);
  });
});

describe('cost', () => {
  const load = { batch: 32, inputTokens: 300, outputTokens: 100 };

  it('is the price of an hour over the tokens of an hour', () => {
    const asked = request('llama-3.1-8b', 'h200', {}, { load });
    const priced = { ...asked, device: { ...asked.device, dollarsPerHour: 3.6 } };
    const { systemTokensPerSecond, dollarsPerMillionOutputTokens, dollarsPerMillionTokens } =
      estimate(priced).speed;
    expect(dollarsPerMillionOutputTokens).toBeCloseTo(1000 / systemTokensPerSecond, 8);
    expect(dollarsPerMillionTokens).toBeCloseTo(250 / systemTokensPerSecond, 8);
  });

  it('is not known without a price, and never 0', () => {
    const asked = request('llama-3.1-8b', 'h200', {}, { load });
    const { dollarsPerHour: _, ...free } = asked.device;
    expect(estimate({ ...asked, device: free }).speed).toMatchObject({
      dollarsPerMillionTokens: null,
      dollarsPerMillionOutputTokens: null,
    });
  });
});

describe('curves', () => {
  it('are the estimate at each load', () => {
    const load = { batch: 4, inputTokens: 512, outputTokens: 64 };
    const asked = request('llama-3.1-8b', 'h200', { 'max-num-seqs': 100, 'max-model-len': 4096 }, { load });
    const now = estimate(asked);
    const byBatch = loadsByBatch(now);
    expect(byBatch.map(({ batch }) => batch)).toEqual([1, 2, 4, 8, 16, 32, 64, 100]);
    expect(speedCurve(asked, byBatch)[2]).toEqual(now.speed);
    const byContext = loadsByContext(now);
    expect(byContext.map(({ inputTokens }) => inputTokens)).toEqual([128, 256, 512, 1024, 2048, 4032]);
    const tpots = speedCurve(asked, byContext).map(({ tpotMs }) => tpotMs);
    expect(tpots).toEqual(tpots.toSorted((a, b) => a - b));
  });
});
