import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../../src/core/estimate/types.ts';
import { request } from '../core/fixtures.ts';

function served(
  model: string,
  gpu: string,
  engineVersion: string,
  kvDataType: string,
  flags: Record<string, FlagValue> = {},
): EstimateRequest {
  const base = request(model, gpu, { 'max-model-len': 4096, 'kv-cache-dtype': kvDataType, ...flags });
  return { ...base, deployment: { ...base.deployment, engineVersion } };
}

describe('a type of the KV cache that the release does not have', () => {
  it('is a bad value at its place, with what the release takes', () => {
    const { verdict, warnings } = estimate(served('llama-3.1-8b', 'h100', '0.8.5', 'nvfp4'));
    expect(verdict).toMatchObject({ outcome: 'unknown', causeFlag: 'kv-cache-dtype', fixes: [] });
    expect(warnings[0]).toMatchObject({ code: 'flag.bad-value', path: ['flags', 'kv-cache-dtype'] });
    expect(warnings[0]?.message).toContain(
      'vLLM 0.8.5.post1 takes (auto, fp8, fp8_e4m3, fp8_e5m2), but is "nvfp4"',
    );
  });

  it.each([
    ['fp8_inc', '0.9.2', '0.10.2'],
    ['bfloat16', '0.10.2', '0.11.2'],
    ['float16', '0.17.1', '0.19.1'],
    ['int8_per_token_head', '0.19.1', '0.21.0'],
    ['int4_per_token_head', '0.24.0', '0.25.1'],
  ])('%s is refused by %s and taken by %s', (dataType, before, since) => {
    const outcome = (version: string) =>
      estimate(served('llama-3.1-8b', 'h100', version, dataType)).verdict.outcome;
    expect(outcome(before)).toBe('unknown');
    expect(outcome(since)).toBe('fits');
  });
});

describe('a type of the KV cache that the GPU cannot have', () => {
  it.each([
    ['llama-3.1-8b', 'h100', '0.26.0', 'nvfp4', 'compute capability 10.x is needed'],
    ['llama-3.1-8b', 't4', '0.33.0', 'nvfp4', 'compute capability 8.x, 9.x, 10.x or 12.x is needed'],
    ['llama-3.2-1b', 't4', '0.26.0', 'fp8', 'compute capability 8.0 is needed'],
    ['llama-3.2-1b', 't4', '0.26.0', 'bfloat16', 'compute capability 8.0 is needed'],
    ['llama-3.1-8b', 'a100-sxm-80gb', '0.26.0', 'fp8_per_token_head', 'needs compute capability 8.9'],
    ['deepseek-v2-lite', 'a100-sxm-80gb', '0.26.0', 'fp8', 'latents (MLA) need compute capability 8.9'],
    ['deepseek-v2-lite', 'l4', '0.13.0', 'fp8', 'latents (MLA) need compute capability 9.x or 10.x'],
  ])('%s on %s, vLLM %s: %s does not fit', (model, gpu, version, dataType, why) => {
    const { verdict } = estimate(served(model, gpu, version, dataType));
    expect(verdict).toMatchObject({ outcome: 'does-not-fit', causeFlag: 'kv-cache-dtype' });
    expect(verdict.reason).toContain(`vLLM refuses kv-cache-dtype ${dataType} on `);
    expect(verdict.reason).toContain(why);
    for (const { to } of verdict.fixes) expect(to).not.toBe(dataType);
  });

  it.each([
    ['b200', '0.26.0', 'nvfp4'],
    ['h100', '0.32.0', 'nvfp4'],
    ['a100-sxm-80gb', '0.26.0', 'fp8'],
    ['l4', '0.26.0', 'fp8_per_token_head'],
    // Not refused at the start before 0.24.
    ['t4', '0.22.1', 'fp8'],
  ])('on %s vLLM %s takes %s', (gpu, version, dataType) => {
    const { verdict } = estimate(served('llama-3.2-1b', gpu, version, dataType));
    expect(verdict.outcome).not.toBe('unknown');
    expect(verdict.causeFlag).not.toBe('kv-cache-dtype');
  });

  it('is put right by an fp8 cache where the GPU has it, else by auto', () => {
    const offered = (gpu: string) =>
      estimate(served('llama-3.1-8b', gpu, '0.26.0', 'nvfp4')).verdict.fixes.map(({ to }) => to);
    expect(offered('h100')).toEqual(['fp8']);
    expect(offered('a100-sxm-80gb')).toEqual(['auto']);
  });

  it('goes by the backend that is asked for', () => {
    const triton = { 'attention-backend': 'triton_attn' };
    const { verdict } = estimate(served('llama-3.1-8b', 'a100-sxm-80gb', '0.26.0', 'fp8', triton));
    expect(verdict.reason).toContain('the Triton backend needs compute capability 8.9');
  });

  it('is not offered: no fp8 cache for latents on an L4 with 0.13, as with 0.26', () => {
    const offered = (version: string) => {
      const long = { 'max-model-len': 163_840, 'gpu-memory-utilization': 0.95, 'tensor-parallel-size': 2 };
      const asked = { ...served('deepseek-v2-lite', 'l4', version, 'auto', long), gpuCount: 2 };
      const { outcome, fixes } = estimate(asked).verdict;
      return [outcome, fixes.map(({ flag }) => flag).includes('kv-cache-dtype')];
    };
    expect(offered('0.13.0')).toEqual(['does-not-fit', false]);
    expect(offered('0.26.0')).toEqual(['does-not-fit', true]);
  });
});
