import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allDevices } from '../../../src/core/device/catalogue.ts';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../../src/core/estimate/types.ts';
import { unknownEstimate } from '../../../src/core/estimate/unknown.ts';
import { knownModelNames } from '../../../src/core/model/known.ts';
import { parseModelConfig } from '../../../src/core/model/parse.ts';
import { GiB } from '../../../src/core/units.ts';
import { device, model, request } from './fixtures.ts';

const term = (result: ReturnType<typeof estimate>, id: string) =>
  result.perRank[0]?.terms.find((candidate) => candidate.id === id);

describe('verdict', () => {
  it('fits where there is room, with the capacity as the reason and no fixes', () => {
    const { verdict } = estimate(request('llama-3.1-8b', 'h200', { 'max-model-len': 8192 }));
    expect(verdict.outcome).toBe('fits');
    expect(verdict.reason).toMatch(/^\d+\.\d\dx at 8,192 tokens/);
    expect(verdict.fixes).toEqual([]);
  });

  it('does not fit where one request is longer than the cache, and says by how much', () => {
    const { verdict, kv } = estimate(request('llama-3.1-8b', 'rtx-4090', { 'max-model-len': 131_072 }));
    expect(verdict.outcome).toBe('does-not-fit');
    expect(verdict.causeFlag).toBe('max-model-len');
    expect(verdict.reason).toMatch(
      /one request of 131,072 tokens needs 16\.00 GiB of KV, \d\.\d\d available/,
    );
    expect(verdict.fixes[0]).toMatchObject({
      flag: 'max-model-len',
      from: 131_072,
      to: kv.largestMaxModelLen,
    });
    expect(verdict.fixes.map((fix) => fix.flag)).toContain('tensor-parallel-size');
  });

  it('does not fit where the weights are larger than the GPU: more GPUs or fewer bits', () => {
    const { verdict } = estimate(
      request('llama-3.1-70b', 'h100', { 'max-model-len': 8192 }, { gpuCount: 1 }),
    );
    expect(verdict).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'model' });
    expect(verdict.reason).toContain('weights alone take');
    expect(verdict.fixes.map((fix) => fix.flag)).toEqual(['quantization', 'tensor-parallel-size']);
    expect(verdict.fixes).toContainEqual(
      expect.objectContaining({ flag: 'tensor-parallel-size', to: 2, from: null }),
    );
    expect(verdict.fixes.find((fix) => fix.flag === 'tensor-parallel-size')?.effect).toContain('on 2 GPUs');
  });

  it('does not fit where the request leaves nothing for the cache, on the flag that causes it', () => {
    const { verdict } = estimate(
      request('llama-3.1-8b', 'h200', { 'gpu-memory-utilization': 0.11, 'max-model-len': 4096 }),
    );
    expect(verdict).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'gpu-memory-utilization' });
    expect(verdict.reason).toContain('nothing is left for the KV cache');
    expect(verdict.fixes.map((fix) => fix.flag)).toContain('gpu-memory-utilization');
  });

  it('does not fit where more is asked for than is free, and lowers the fraction', () => {
    const { verdict } = estimate(request('llama-3.1-8b', 'h200', { 'gpu-memory-utilization': 1 }));
    expect(verdict).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'gpu-memory-utilization' });
    expect(verdict.reason).toContain('139.80 GiB');
    expect(Number(verdict.fixes[0]?.to)).toBeLessThan(1);
  });

  it('is tight where under 5 % of the cache is left beyond one full-length request', () => {
    const roomy = estimate(request('llama-3.1-8b', 'rtx-4090', { 'max-model-len': 8192 }));
    const limit = roomy.kv.largestMaxModelLen;
    const at = (length: number) =>
      estimate(request('llama-3.1-8b', 'rtx-4090', { 'max-model-len': length })).verdict;
    expect(at(limit).outcome).toBe('tight');
    expect(at(limit).causeFlag).toBe('max-model-len');
    expect(at(limit + 16).outcome).toBe('does-not-fit');
    expect(at(Math.floor((limit * 0.94) / 16) * 16).outcome).toBe('fits');
    expect(at(limit).fixes[0]?.flag).toBe('max-model-len');
  });

  it('is tight where graphs and context may need more than is outside the request', () => {
    const { verdict } = estimate(
      request('llama-3.1-8b', 'h100', { 'gpu-memory-utilization': 0.98, 'max-model-len': 8192 }),
    );
    expect(verdict).toMatchObject({ outcome: 'tight', causeFlag: 'gpu-memory-utilization' });
    expect(verdict.fixes.map((fix) => fix.flag)).toEqual(['gpu-memory-utilization', 'enforce-eager']);
  });

  it('refuses heads that tensor parallelism cannot split, and GPUs that are not there', () => {
    const split = estimate(
      request('llama-3.1-8b', 'h200', { 'tensor-parallel-size': 3 }, { gpuCount: 8 }),
    ).verdict;
    expect(split).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'tensor-parallel-size' });
    expect(split.reason).toContain('32 attention heads');
    expect(split.fixes[0]).toMatchObject({ flag: 'tensor-parallel-size', from: 3 });
    const missing = estimate(request('llama-3.1-8b', 'h200', { 'tensor-parallel-size': 4 })).verdict;
    expect(missing.reason).toBe('4 GPUs are needed (tensor 4 x pipeline 1 x data 1), 1 given');
  });

  it('does not fit where vLLM refuses the length or the element type, and offers what it takes', () => {
    const long = estimate(request('gpt2', 'h200', { 'max-model-len': 2048 })).verdict;
    expect(long).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'max-model-len' });
    expect(long.fixes).toMatchObject([{ flag: 'max-model-len', from: 2048, to: 1024 }]);
    const brain = estimate(
      request('gpt2', 't4', { dtype: 'bfloat16', 'gpu-memory-utilization': 0.8 }),
    ).verdict;
    expect(brain).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'dtype' });
    expect(brain.fixes).toMatchObject([{ flag: 'dtype', to: 'float16' }]);
    // Overrides may have stretched the context: then the length is taken as written.
    expect(
      estimate(request('gpt2', 'h200', { 'max-model-len': 2048, 'hf-overrides': '{}' })).verdict.outcome,
    ).toBe('fits');
  });

  it('says that it is too close to call where the bands decide', () => {
    const { kv } = estimate(request('llama-3.1-8b', 'l4', { 'max-model-len': 8192 }));
    const codesAt = (length: number) =>
      estimate(request('llama-3.1-8b', 'l4', { 'max-model-len': length })).warnings.map((one) => one.code);
    expect(codesAt(kv.largestMaxModelLen)).toContain('verdict.within-band');
    expect(codesAt(kv.largestMaxModelLen + 16)).toContain('verdict.within-band');
    expect(codesAt(4096)).not.toContain('verdict.within-band');
    expect(codesAt(131_072)).not.toContain('verdict.within-band');
  });

  it('is unknown, not wrong, where a value cannot be read', () => {
    const result = estimate(request('llama-3.1-8b', 'h200', { 'max-model-len': 'long' }));
    expect(result.verdict).toMatchObject({ outcome: 'unknown', causeFlag: 'max-model-len', fixes: [] });
    expect(result.warnings[0]).toMatchObject({ code: 'flag.bad-value', path: ['flags', 'max-model-len'] });
  });

  it.each([
    ['gpu-memory-utilization', 1.2],
    ['gpu-memory-utilization', 0],
    ['max-num-seqs', -1],
    ['tensor-parallel-size', 'two'],
    ['kv-cache-dtype', 'fp7'],
    ['dtype', 'complex64'],
    ['block-size', 17],
    ['enforce-eager', 'perhaps'],
  ] as const)('%s = %s makes the verdict unknown', (flag, value) => {
    expect(estimate(request('llama-3.1-8b', 'h200', { [flag]: value })).verdict).toMatchObject({
      outcome: 'unknown',
      causeFlag: flag,
    });
  });

  it('gives an unknown estimate its reason', () => {
    const problem = { code: 'model.not-found', message: 'There is no such model.' };
    expect(unknownEstimate('serve.yaml:3', problem)).toEqual({
      source: 'serve.yaml:3',
      verdict: { outcome: 'unknown', reason: 'There is no such model.', fixes: [] },
      warnings: [problem],
    });
  });
});

describe('fixes', () => {
  it('do what they say when they are applied', () => {
    const cases: EstimateRequest[] = [
      request('llama-3.1-8b', 'rtx-4090', { 'max-model-len': 131_072 }),
      request('llama-3.1-70b', 'h100', { 'max-model-len': 8192 }),
      request('qwen2.5-14b', 'l40s', { 'max-model-len': 131_072 }),
      request('llama-3.2-3b', 't4'),
      request('llama-3.1-8b', 'h200', { 'gpu-memory-utilization': 0.12 }),
    ];
    for (const before of cases) {
      const { verdict } = estimate(before);
      expect(['does-not-fit', 'tight']).toContain(verdict.outcome);
      expect(verdict.fixes.length, before.model.id).toBeGreaterThan(0);
      for (const fix of verdict.fixes) {
        const gpus = /on (\d+) GPUs/.exec(fix.effect)?.[1];
        const after = estimate({
          ...before,
          gpuCount: Number(gpus ?? before.gpuCount),
          deployment: { ...before.deployment, flags: { ...before.deployment.flags, [fix.flag]: fix.to } },
        });
        expect(['fits', 'tight'], `${before.model.id}: ${fix.flag}`).toContain(after.verdict.outcome);
        expect(fix.effect).toContain(after.kv.maxModelLen.toLocaleString('en-US'));
      }
    }
  });

  it('do not propose the fp8 cache where one is written already, and resolve it as written', () => {
    const result = estimate(
      request('llama-3.1-8b', 'rtx-4090', { 'max-model-len': 131_072, 'kv-cache-dtype': 'fp8_e4m3' }),
    );
    expect(result.resolved['kv-cache-dtype']).toBe('fp8_e4m3');
    expect(result.verdict.fixes.map(({ flag }) => flag)).not.toContain('kv-cache-dtype');
  });

  it('name each flag once', () => {
    const { fixes } = estimate(request('qwen2.5-32b', 'l40s', { 'max-model-len': 131_072 })).verdict;
    expect(new Set(fixes.map((fix) => fix.flag)).size).toBe(fixes.length);
  });
});

describe('defaults of vLLM 0.26', () => {
  const resolved = (gpu: string, entrypoint: 'serve' | 'llm', flags: Record<string, FlagValue> = {}) => {
    const base = request('llama-3.1-8b', gpu, flags);
    return estimate({ ...base, deployment: { ...base.deployment, entrypoint } }).resolved;
  };

  it('depend on the GPU and on the entry point', () => {
    expect(resolved('h200', 'llm')).toMatchObject({ 'max-num-batched-tokens': 16_384, 'max-num-seqs': 1024 });
    expect(resolved('h200', 'serve')).toMatchObject({ 'max-num-batched-tokens': 8192, 'max-num-seqs': 1024 });
    expect(resolved('a100', 'serve')).toMatchObject({ 'max-num-batched-tokens': 2048, 'max-num-seqs': 256 });
    expect(resolved('l4', 'llm')).toMatchObject({ 'max-num-batched-tokens': 8192, 'max-num-seqs': 256 });
    expect(resolved('h200', 'serve')).toMatchObject({ 'gpu-memory-utilization': 0.92, 'block-size': 16 });
  });

  it('take the context from the model and the element type from model and GPU', () => {
    expect(resolved('h200', 'serve')['max-model-len']).toBe(131_072);
    expect(resolved('h200', 'serve')['dtype']).toBe('bfloat16');
    expect(resolved('t4', 'serve')['dtype']).toBe('float16');
  });

  it('fit the context to the memory where it is auto', () => {
    const result = estimate(request('llama-3.1-8b', 'rtx-4090', { 'max-model-len': 'auto' }));
    expect(result.kv.maxModelLen).toBe(result.kv.largestMaxModelLen);
    expect(result.verdict.outcome).toBe('tight');
  });
});

describe('memory terms', () => {
  it('halve with tensor parallelism, and each rank is listed', () => {
    const one = estimate(request('llama-3.1-70b', 'h200', {}, { gpuCount: 4 }));
    const four = estimate(request('llama-3.1-70b', 'h200', { 'tensor-parallel-size': 4 }, { gpuCount: 4 }));
    expect(four.perRank.map((rank) => rank.rank)).toEqual([0, 1, 2, 3]);
    const whole = term(one, 'weights')?.bytes ?? 0;
    expect((term(four, 'weights')?.bytes ?? 0) / whole).toBeCloseTo(0.25, 2);
  });

  it('put embedding and head on the ends of a pipeline', () => {
    const { perRank } = estimate(
      request('llama-3.1-70b', 'h200', { 'pipeline-parallel-size': 4 }, { gpuCount: 4 }),
    );
    const weights = perRank.map((rank) => rank.terms.find((one) => one.id === 'weights')?.bytes ?? 0);
    const [first = 0, second = 0, third = 0, last = 0] = weights;
    expect(first).toBeGreaterThan(second);
    expect(second).toBe(third);
    expect(last).toBeGreaterThan(third);
  });

  it('quantise the linear layers alone: 8.49 GiB for Llama-3.1-8B in fp8', () => {
    const fp8 = estimate(request('llama-3.1-8b', 'h200', { quantization: 'fp8' }));
    expect((term(fp8, 'weights')?.bytes ?? 0) / GiB).toBeCloseTo(8.49, 2);
  });

  it.each(['compressed-tensors', 'constructor'])(
    'have 16 bits as their upper end where the layout of %s is not covered',
    (method) => {
      const quantization = { method, unconverted: [] };
      const exact = estimate(request('llama-3.1-8b', 'h200'));
      const assumed = estimate(
        request('llama-3.1-8b', 'h200', {}, { model: { ...model('llama-3.1-8b'), quantization } }),
      );
      const weights = term(assumed, 'weights');
      expect(weights?.bytes).toBe(term(exact, 'weights')?.bytes);
      expect(weights?.highBytes).toBe(term(exact, 'weights')?.highBytes);
      expect((weights?.lowBytes ?? 0) / GiB).toBeCloseTo(5.25, 1);
      expect(assumed.warnings.map(({ code }) => code)).toContain('quantization.not-covered');
    },
  );

  it('take the bytes of a header, and the memory of a live host, over formula and catalogue', () => {
    const base = request('llama-3.1-8b', 'h200');
    const header = estimate({ ...base, weightsBytes: 10 * GiB });
    expect(term(header, 'weights')?.provenance).toBe('flag');
    expect((term(header, 'weights')?.bytes ?? 0) / GiB).toBeCloseTo(10.03, 2);
    expect(estimate({ ...base, cudaTotalBytes: 100 * GiB }).perRank[0]?.totalBytes).toBe(100 * GiB);
  });

  it('take a header of any storage for what it is: quantised, converted as it loads, and split', () => {
    const inGib = (more: Partial<EstimateRequest>, flags: Readonly<Record<string, FlagValue>> = {}) => {
      const result = estimate(request('llama-3.1-8b', 'h200', flags, more));
      const [formula, beside] = [/in memory ([\d.]+)/, /rotary table ([\d.]+)/].map((pattern) =>
        Number(pattern.exec(term(result, 'weights')?.formula ?? '')?.[1]),
      );
      expect((term(result, 'weights')?.bytes ?? 0) / GiB).toBeCloseTo((formula ?? 0) + (beside ?? 0), 1);
      return formula;
    };
    const wide = 16_060_522_496;
    const fp8 = {
      ...model('llama-3.1-8b'),
      quantization: { method: 'fp8', bytesPerWeight: 1, unconverted: [] },
    };
    expect(inGib({ weightsBytes: wide })).toBe(14.96);
    // A checkpoint in fp8 is taken as it is.
    expect(inGib({ weightsBytes: 9_081_000_000, model: fp8 })).toBe(8.46);
    // A 16-bit one is quantised, or widened, as it loads.
    expect(inGib({ weightsBytes: wide }, { quantization: 'fp8' })).toBe(8.46);
    expect(inGib({ weightsBytes: wide }, { dtype: 'float32' })).toBe(29.92);
    // Norms are repeated on every rank, so that it is a little more than half.
    expect(inGib({ weightsBytes: wide, gpuCount: 2 }, { 'tensor-parallel-size': 2 })).toBe(7.48);
  });

  it('do not charge CUDA graphs of dense models on 0.26, and have none when eager', () => {
    const compiled = estimate(request('llama-3.1-8b', 'h200'));
    expect(term(compiled, 'graphs-uncharged')?.charged).toBe(false);
    const eager = estimate(request('llama-3.1-8b', 'h200', { 'enforce-eager': true }));
    expect(term(eager, 'graphs-uncharged')).toBeUndefined();
    expect(eager.perRank[0]?.availableKvBytes).toBeGreaterThan(compiled.perRank[0]?.availableKvBytes ?? 0);
  });

  it('are widened where the family is generic', () => {
    const parsed = parseModelConfig(
      {
        model_type: 'brand_new',
        architectures: ['BrandNewForCausalLM'],
        hidden_size: 4096,
        intermediate_size: 14_336,
        num_hidden_layers: 32,
        num_attention_heads: 32,
        num_key_value_heads: 8,
        vocab_size: 128_256,
        max_position_embeddings: 8192,
      },
      { id: 'brand-new', source: 'test' },
    );
    if (!parsed.ok) throw new Error('the generic model did not parse');
    const generic = estimate({ ...request('llama-3.1-8b', 'h200'), model: parsed.value });
    const weights = term(generic, 'weights');
    expect((weights?.highBytes ?? 0) / (weights?.bytes ?? 1)).toBeGreaterThan(1.3);
    expect(generic.warnings.map((warning) => warning.message).join()).toContain('"brand_new"');
  });

  it('put a cache that is given in bytes in the place of the fraction', () => {
    const result = estimate(request('llama-3.1-8b', 'h200', { 'kv-cache-memory-bytes': 8 * GiB }));
    expect(result.perRank[0]?.availableKvBytes).toBe(8 * GiB);
    expect(result.kv.tokens).toBe(65_536);
  });
});

describe('warnings', () => {
  const codes = (flags: Record<string, FlagValue>, version?: string) => {
    const base = request('llama-3.1-8b', 'h200', flags);
    const deployment =
      version === undefined ? base.deployment : { ...base.deployment, engineVersion: version };
    return estimate({ ...base, deployment }).warnings;
  };

  it('say which flag is not known, and which was meant', () => {
    expect(codes({ 'max-modle-len': 1 })).toMatchObject([
      { code: 'flag.unknown', path: ['flags', 'max-modle-len'] },
    ]);
    expect(codes({ 'max-modle-len': 1 })[0]?.message).toContain('max-model-len?');
  });

  it('tell what is gone and what came later', () => {
    expect(codes({ 'swap-space': 4 })[0]?.code).toBe('flag.removed');
    expect(codes({ monokernel: 'x' })[0]?.code).toBe('flag.later');
  });

  it('say what is not estimated, and what version stands in', () => {
    expect(codes({ 'hf-overrides': '{}' })[0]?.code).toBe('flag.not-estimated');
    expect(codes({ 'enable-lora': false, 'cpu-offload-gb': 0 })).toEqual([]);
    expect(codes({}, '0.33.0')).toEqual([]);
    expect(codes({}, 'v0.26.1')[0]?.message).toContain('estimated as the older, 0.26.0');
  });

  it('leave an engine that is not covered unknown', () => {
    const base = request('llama-3.1-8b', 'h200');
    const result = estimate({ ...base, deployment: { ...base.deployment, engine: 'sglang' } });
    expect(result.verdict.outcome).toBe('unknown');
    expect(result.warnings[0]?.code).toBe('engine.unknown');
  });
});

describe('for any valid input', () => {
  const anyRequest = fc
    .record({
      modelName: fc.constantFrom(...knownModelNames()),
      gpu: fc.constantFrom(...allDevices().map((one) => one.id)),
      gpuCount: fc.constantFrom(1, 2, 4, 8),
      tensor: fc.constantFrom(1, 2, 4, 8),
      pipeline: fc.constantFrom(1, 2, 3),
      utilization: fc.integer({ min: 5, max: 100 }).map((value) => value / 100),
      length: fc.integer({ min: 1, max: 200_000 }),
      seqs: fc.integer({ min: 1, max: 2048 }),
      tokens: fc.integer({ min: 1, max: 65_536 }),
      kv: fc.constantFrom('auto', 'fp8'),
      eager: fc.boolean(),
      batch: fc.integer({ min: 1, max: 512 }),
    })
    .map((one) =>
      request(
        one.modelName,
        one.gpu,
        {
          'tensor-parallel-size': one.tensor,
          'pipeline-parallel-size': one.pipeline,
          'gpu-memory-utilization': one.utilization,
          'max-model-len': one.length,
          'max-num-seqs': one.seqs,
          'max-num-batched-tokens': one.tokens,
          'kv-cache-dtype': one.kv,
          'enforce-eager': one.eager,
        },
        {
          gpuCount: one.gpuCount,
          load: { batch: one.batch, inputTokens: 512, outputTokens: 128 },
        },
      ),
    );
  const withFlag = (before: EstimateRequest, flag: string, value: FlagValue): EstimateRequest => ({
    ...before,
    deployment: { ...before.deployment, flags: { ...before.deployment.flags, [flag]: value } },
  });

  it('no number is NaN or infinite', () => {
    fc.assert(
      fc.property(anyRequest, (one) => {
        const walk = (value: unknown, path: string): void => {
          if (typeof value === 'number') expect(Number.isFinite(value), path).toBe(true);
          else if (typeof value === 'object' && value !== null) {
            for (const [key, inner] of Object.entries(value)) walk(inner, `${path}.${key}`);
          }
        };
        walk(estimate(one), 'estimate');
      }),
      { numRuns: 300 },
    );
  });

  it('charged terms and the KV cache add up to what is requested, and lie in their bands', () => {
    fc.assert(
      fc.property(anyRequest, (one) => {
        for (const rank of estimate(one, { fixes: false }).perRank) {
          const charged = rank.terms.filter((part) => part.charged);
          const sum = charged.reduce((bytes, part) => bytes + part.bytes, rank.availableKvBytes);
          expect(Math.abs(sum - rank.requestedBytes)).toBeLessThan(1);
          for (const part of rank.terms) {
            expect(part.lowBytes).toBeLessThanOrEqual(part.bytes);
            expect(part.highBytes).toBeGreaterThanOrEqual(part.bytes);
          }
        }
      }),
    );
  });

  it('more utilisation never gives fewer tokens', () => {
    fc.assert(
      fc.property(anyRequest, fc.integer({ min: 5, max: 99 }), (one, percent) => {
        const less = estimate(withFlag(one, 'gpu-memory-utilization', percent / 100), { fixes: false });
        const more = estimate(withFlag(one, 'gpu-memory-utilization', (percent + 1) / 100), {
          fixes: false,
        });
        expect(more.kv.tokens).toBeGreaterThanOrEqual(less.kv.tokens);
      }),
    );
  });

  it('a longer max-model-len never gives more concurrency', () => {
    fc.assert(
      fc.property(anyRequest, fc.integer({ min: 1, max: 100_000 }), (one, length) => {
        const short = estimate(withFlag(one, 'max-model-len', length), { fixes: false });
        const long = estimate(withFlag(one, 'max-model-len', length + 1000), { fixes: false });
        expect(long.kv.maxConcurrency).toBeLessThanOrEqual(short.kv.maxConcurrency);
      }),
    );
  });

  it('the longest length that fits does fit, and one more token does not', () => {
    fc.assert(
      fc.property(anyRequest, (one) => {
        const { kv } = estimate(one, { fixes: false });
        if (kv.largestMaxModelLen === 0) return;
        const at = (length: number) =>
          estimate(withFlag(one, 'max-model-len', length), { fixes: false }).kv.maxConcurrency;
        expect(at(kv.largestMaxModelLen)).toBeGreaterThanOrEqual(1);
        if (kv.largestMaxModelLen < one.model.maxPositionEmbeddings) {
          expect(at(kv.largestMaxModelLen + 1)).toBeLessThan(1);
        }
      }),
      // The workspace of latent attention grows with the length, and the memory left for the cache shrinks.
      {
        examples: [
          [
            request('deepseek-ai/DeepSeek-V2', 'h100-nvl-94gb', {
              'tensor-parallel-size': 8,
              'gpu-memory-utilization': 0.63,
              'max-model-len': 1,
              'max-num-seqs': 1,
              'max-num-batched-tokens': 1,
            }),
          ],
        ],
      },
    );
  });

  it('flags of any type and value never make it throw', () => {
    const value = fc.oneof(
      fc.string(),
      fc.double(),
      fc.integer(),
      fc.boolean(),
      fc.array(fc.oneof(fc.string(), fc.integer()), { maxLength: 3 }),
    );
    const names = ['max-model-len', 'tensor-parallel-size', 'pipeline-parallel-size', 'block-size', 'dtype'];
    fc.assert(
      fc.property(fc.dictionary(fc.oneof(fc.constantFrom(...names), fc.string()), value), (flags) => {
        const result = estimate({
          ...request('llama-3.1-8b', 'h100'),
          deployment: { engine: 'vllm', entrypoint: 'serve', flags: flags as Record<string, FlagValue> },
        });
        expect(['fits', 'tight', 'does-not-fit', 'unknown']).toContain(result.verdict.outcome);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('speed', () => {
  it('is slower a query and faster in all with a larger batch, with its band', () => {
    const at = (batch: number) =>
      estimate(
        request(
          'llama-3.1-8b',
          'h200',
          { 'max-model-len': 8192 },
          {
            load: { batch, inputTokens: 200, outputTokens: 100 },
          },
        ),
      ).speed;
    expect(at(32).tpotMs).toBeGreaterThan(at(1).tpotMs);
    expect(at(32).decodeTokensPerSecond).toBeGreaterThan(at(1).decodeTokensPerSecond);
    const { tpotMs, bands } = at(8);
    expect(bands.tpotMs[0]).toBeCloseTo(tpotMs * 0.85);
    expect(bands.tpotMs[1]).toBeCloseTo(tpotMs * 1.15);
  });

  it('says what it is bound by', () => {
    const bound = (flags: Record<string, FlagValue>, batch: number, input = 512) =>
      estimate(
        request('llama-3.1-8b', 'h200', flags, { load: { batch, inputTokens: input, outputTokens: 64 } }),
      ).speed.bound;
    expect(bound({}, 1)).toBe('bandwidth');
    expect(bound({ 'enforce-eager': true }, 1)).toBe('launch');
    expect(bound({}, 512, 128)).toBe('compute');
    expect(bound({}, 1000, 8192)).toBe('kv');
  });

  it('has a tied head read once a step, on every device and model', () => {
    expect(model('llama-3.2-1b').tiedEmbeddings).toBe(true);
    const { speed } = estimate(
      request('llama-3.2-1b', 'l4', {}, { load: { batch: 1, inputTokens: 128, outputTokens: 128 } }),
    );
    // All weights once: 2.47 GB at 92 % of the bandwidth, and little else.
    const weightsMs = (1000 * 1_235_814_400 * 2) / (device('l4').memoryBytesPerSecond * 0.92);
    expect(speed.activeWeightBytes / (1_235_814_400 * 2)).toBeCloseTo(1, 3);
    expect(speed.tpotMs).toBeGreaterThan(weightsMs);
    expect(speed.tpotMs).toBeLessThan(weightsMs * 1.15);
  });
});

describe('a context that LongRoPE stretches', () => {
  it.each([
    ['0.10.0', 131_072],
    ['0.26.0', 4096],
  ])('vLLM %s takes %i tokens of Phi-3.5 mini where nothing is asked for', (engineVersion, tokens) => {
    const base = request('microsoft/Phi-3.5-mini-instruct', 'h200-sxm-141gb');
    const { kv } = estimate({ ...base, deployment: { ...base.deployment, engineVersion } });
    expect(kv.maxModelLen).toBe(tokens);
  });

  it('is there for who asks', () => {
    const { kv } = estimate(
      request('microsoft/Phi-3.5-mini-instruct', 'h200-sxm-141gb', { 'max-model-len': 65_536 }),
    );
    expect(kv.maxModelLen).toBe(65_536);
  });
});
