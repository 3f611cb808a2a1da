import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { vllmLogLines } from '../../../src/core/engine/vllm/logLines.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { estimateSensitivity } from '../../../src/core/estimate/sensitivity.ts';
import type { EstimateRequest, Fix } from '../../../src/core/estimate/types.ts';
import { GiB } from '../../../src/core/units.ts';
import { request } from '../core/fixtures.ts';

function withFix(before: EstimateRequest, fix: Fix): EstimateRequest {
  const flags: Record<string, FlagValue> = { ...before.deployment.flags, [fix.flag]: fix.to };
  for (const { flag, to } of fix.also ?? []) flags[flag] = to;
  const gpus = /on (\d+) GPUs/.exec(fix.effect)?.[1];
  return {
    ...before,
    gpuCount: Number(gpus ?? before.gpuCount),
    deployment: { ...before.deployment, flags },
  };
}

describe("the engine's start-up tests, in its order", () => {
  it('refuses a step that has no token for each sequence, and offers both ways out', () => {
    const { verdict } = estimate(
      request('llama-3.1-8b', 'h200', {
        'max-num-batched-tokens': 512,
        'max-num-seqs': 1024,
        'max-model-len': 8192,
      }),
    );
    expect(verdict).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'max-num-batched-tokens' });
    expect(verdict.reason).toContain('refuses max-num-batched-tokens 512 below max-num-seqs 1,024');
    expect(verdict.fixes).toMatchObject([
      { flag: 'max-num-seqs', to: 512 },
      { flag: 'max-num-batched-tokens', to: 1024 },
    ]);
  });

  it('refuses a step that takes no whole prompt without chunked prefill', () => {
    const flags = {
      'enable-chunked-prefill': false,
      'max-num-batched-tokens': 4096,
      'max-model-len': 8192,
    };
    const { verdict } = estimate(request('llama-3.1-8b', 'h200', flags));
    expect(verdict.reason).toContain('below max-model-len 8,192 without chunked prefill');
    expect(verdict.fixes[0]).toMatchObject({ flag: 'enable-chunked-prefill', to: true });
  });

  it('takes a longer context where the environment lifts the limit', () => {
    const base = request('gpt2', 'h200', { 'max-model-len': 2048 });
    const lifted = { ...base.deployment, environment: { VLLM_ALLOW_LONG_MAX_MODEL_LEN: '1' } };
    expect(estimate(base).verdict.outcome).toBe('does-not-fit');
    expect(estimate({ ...base, deployment: lifted }).verdict.outcome).toBe('fits');
  });

  it('asks first whether what is asked for is free, also beside other processes', () => {
    const base = request('llama-3.1-8b', 'h200', { 'max-model-len': 8192 });
    const { verdict } = estimate({ ...base, freeBytes: 100 * GiB });
    expect(verdict).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'gpu-memory-utilization' });
    expect(verdict.reason).toMatch(/asks for 128\.6\d GiB, 99\.49 are free .* beside other processes/);
    const [fix] = verdict.fixes;
    if (fix === undefined) throw new Error('no fix');
    expect(estimate({ ...withFix(base, fix), freeBytes: 100 * GiB }).verdict.outcome).toBe('fits');
  });

  it('says that the profile run does not fit where the weights alone would', () => {
    const { verdict } = estimate(
      request('llama-3.1-8b', 'l4', {
        'kv-cache-memory-bytes': 1_000_000,
        'max-num-batched-tokens': 131_072,
        'max-model-len': 2048,
      }),
    );
    expect(verdict.reason).toMatch(/the profile run needs \d+\.\d\d GiB beside 14\.\d\d of weights/);
  });
});

describe('fixes in pairs', () => {
  it('are given where no single edit does, and do what they say', () => {
    const cases = [
      request('llama-3.1-70b', 'l4', { 'max-model-len': 131_072 }),
      request('llama-3.1-70b', 'rtx-4090', { 'gpu-memory-utilization': 0.4, 'max-model-len': 32_768 }),
      request('qwen2.5-32b', 't4', { 'max-model-len': 131_072 }),
    ];
    for (const before of cases) {
      const { fixes } = estimate(before).verdict;
      expect(fixes.length, before.model.id).toBeGreaterThan(0);
      for (const fix of fixes) {
        expect(fix.also, `${before.model.id} ${fix.flag}`).toHaveLength(1);
        expect(['fits', 'tight']).toContain(estimate(withFix(before, fix)).verdict.outcome);
        // Neither of the two is enough.
        const { also: _, ...first } = fix;
        expect(estimate(withFix(before, first)).verdict.outcome).toBe('does-not-fit');
      }
    }
  });

  it('name two flags, each once', () => {
    const before = request('llama-3.2-3b', 't4', {
      'max-model-len': 131_072,
      'gpu-memory-utilization': 0.45,
    });
    const { verdict } = estimate(before);
    expect(verdict.outcome).toBe('does-not-fit');
    for (const fix of verdict.fixes) {
      for (const edit of fix.also ?? []) expect(edit.flag).not.toBe(fix.flag);
      expect(['fits', 'tight']).toContain(estimate(withFix(before, fix)).verdict.outcome);
    }
  });
});

describe('sensitivity', () => {
  const base = request('llama-3.1-8b', 'h100', { 'max-model-len': 8192 });
  const rows = estimateSensitivity({ ...base, deployment: { ...base.deployment, engineVersion: '0.19.1' } });
  const row = (flag: string, to: unknown) => rows.find((one) => one.flag === flag && one.to === to);

  it('says what each flag gains, the largest gain first', () => {
    const deltas = rows.map(({ kvTokensDelta }) => kvTokensDelta);
    expect(deltas).toEqual(deltas.toSorted((left, right) => right - left));
    // Down to what the first compilation takes.
    expect(row('max-num-seqs', 512)?.kvTokensDelta).toBeGreaterThan(6000);
    expect(row('kv-cache-dtype', 'fp8')?.kvTokensDelta).toBeGreaterThan(400_000);
    expect(row('quantization', 'fp8')?.kvTokensDelta).toBeGreaterThan(50_000);
    expect(row('tensor-parallel-size', 2)).toMatchObject({ gpuCount: 2 });
  });

  it('is what evaluating the change says', () => {
    for (const { flag, to, gpuCount, kvTokens } of rows) {
      const after = estimate({
        ...base,
        gpuCount,
        deployment: {
          ...base.deployment,
          engineVersion: '0.19.1',
          flags: { ...base.deployment.flags, [flag]: to },
        },
      });
      expect(after.kv.tokens, flag).toBe(kvTokens);
    }
  });

  it('is empty where values cannot be read, or the engine is not covered', () => {
    expect(estimateSensitivity(request('llama-3.1-8b', 'h100', { 'max-num-seqs': 'many' }))).toEqual([]);
    const other = { ...base, deployment: { ...base.deployment, engine: 'other' } };
    expect(estimateSensitivity(other)).toEqual([]);
  });
});

describe('beside the estimate', () => {
  it("stands the cloud guides' rule, with its numbers", () => {
    const [rule, long] = estimate(request('llama-3.1-8b', 'l4', { 'max-model-len': 2048 })).crossChecks ?? [];
    expect((rule?.bytes ?? 0) / GiB).toBeCloseTo(14.99 / 0.8, 1);
    expect((long?.bytes ?? 0) / GiB).toBeCloseTo(14.99 / 0.65, 1);
    expect(rule?.text).toMatch(/80\/20 rule .* 22\.\d\d: enough/);
    expect(long?.text).toContain('too little');
  });

  it("stand the words of the engine's log, one line or two by release", () => {
    const base = request('llama-3.1-8b', 'h100', { 'max-model-len': 8192 });
    const lines = (engineVersion: string) =>
      vllmLogLines(estimate({ ...base, deployment: { ...base.deployment, engineVersion } }));
    expect(lines('0.26.0')).toHaveLength(3);
    expect(lines('0.26.0')[1]).toMatch(/^GPU KV cache size: [\d,]+ tokens$/);
    expect(lines('0.26.0')[2]).toMatch(/^Maximum concurrency for 8,192 tokens per request: \d+\.\d\dx$/);
    expect(lines('0.31.0')[1]).toMatch(/^GPU KV cache size: [\d,]+ tokens, Maximum concurrency for 8,192/);
    expect(lines('0.13.0')[0]).toMatch(/^Available KV cache memory: \d+\.\d\d GiB$/);
  });

  it('stands the risk that is not charged, by name, where the request leaves little outside', () => {
    const { verdict } = estimate(
      request('llama-3.1-8b', 'h100', { 'gpu-memory-utilization': 0.98, 'max-model-len': 8192 }),
    );
    expect(verdict.reason).toContain('CUDA graphs and the CUDA context take up to');
    expect(verdict.reason).toContain('may run out of memory at capture');
  });
});

it('every fix of any deployment does what it says', () => {
  const any = fc.record({
    name: fc.constantFrom('llama-3.1-8b', 'llama-3.1-70b', 'qwen2.5-32b', 'gpt2'),
    gpu: fc.constantFrom('t4', 'l4', 'h100', 'rtx-4090'),
    share: fc.integer({ min: 10, max: 99 }),
    length: fc.integer({ min: 256, max: 131_072 }),
  });
  fc.assert(
    fc.property(any, ({ name, gpu, share, length }) => {
      const before = request(name, gpu, { 'gpu-memory-utilization': share / 100, 'max-model-len': length });
      for (const fix of estimate(before).verdict.fixes) {
        expect(['fits', 'tight']).toContain(estimate(withFix(before, fix)).verdict.outcome);
      }
    }),
    { numRuns: 60 },
  );
});
