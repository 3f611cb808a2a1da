import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { profileOf } from '../../../src/core/engine/vllm/versions/profiles.ts';
import { modelRunner } from '../../../src/core/engine/vllm/versions/runner.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../../src/core/estimate/types.ts';
import { request } from '../core/fixtures.ts';

function at(
  version: string,
  more: {
    model?: string;
    gpu?: string;
    flags?: Record<string, FlagValue>;
    environment?: Record<string, string>;
    entrypoint?: 'serve' | 'llm';
  } = {},
): EstimateRequest {
  const base = request(more.model ?? 'llama-3.1-8b', more.gpu ?? 'h100', more.flags);
  return {
    ...base,
    deployment: {
      ...base.deployment,
      engineVersion: version,
      ...(more.entrypoint === undefined ? {} : { entrypoint: more.entrypoint }),
      ...(more.environment === undefined ? {} : { environment: more.environment }),
    },
  };
}

const runner = (one: EstimateRequest) => modelRunner(one, profileOf(one.deployment.engineVersion).profile);

describe('the model runner', () => {
  it.each([
    ['0.6.6.post1', 'V0'],
    ['0.8.5.post1', 'V1'],
    ['0.21.0', 'V1'],
    ['0.22.1', 'V1'],
    ['0.23.0', 'V2'],
    ['0.26.0', 'V2'],
    ['0.33.0', 'V2'],
  ])('of a dense Llama on %s is %s', (version, expected) => {
    expect(runner(at(version))).toBe(expected);
  });

  it('is V2 for Qwen3 one release before Llama, and V1 for it when quantised', () => {
    expect(runner(at('0.22.1', { model: 'qwen3-8b' }))).toBe('V2');
    expect(runner(at('0.22.1', { model: 'qwen3-8b', flags: { quantization: 'fp8' } }))).toBe('V1');
    expect(runner(at('0.24.0', { model: 'qwen3-8b', flags: { quantization: 'fp8' } }))).toBe('V2');
  });

  it('is V1 where a feature asks for what V2 lacks, until V2 has it', () => {
    const speculative = { 'speculative-config': '{"method":"ngram","num_speculative_tokens":3}' };
    expect(runner(at('0.26.0', { flags: speculative }))).toBe('V1');
    expect(runner(at('0.33.0', { flags: speculative }))).toBe('V2');
    expect(runner(at('0.26.0', { flags: { 'enable-dbo': true } }))).toBe('V1');
  });

  it('is what the environment asks for', () => {
    expect(runner(at('0.26.0', { environment: { VLLM_USE_V2_MODEL_RUNNER: '0' } }))).toBe('V1');
    expect(runner(at('0.21.0', { environment: { VLLM_USE_V2_MODEL_RUNNER: '1' } }))).toBe('V2');
    expect(runner(at('0.9.2', { environment: { VLLM_USE_V1: '0' } }))).toBe('V0');
    expect(runner(at('0.6.6', { environment: { VLLM_USE_V1: '1' } }))).toBe('V1');
    expect(runner(at('0.26.0', { environment: { VLLM_USE_V2_MODEL_RUNNER: 'yes' } }))).toBe('V2');
  });

  it('sends GPUs before Ampere back to V0 while V0 was there', () => {
    expect(runner(at('0.8.5', { gpu: 't4' }))).toBe('V0');
    expect(runner(at('0.11.2', { gpu: 't4' }))).toBe('V1');
  });

  it('changes what is charged: the same file has another cache on 0.28 and on 0.29', () => {
    const ids = (version: string) =>
      estimate(at(version))
        .perRank[0]?.terms.filter(({ charged }) => charged)
        .map(({ id }) => id);
    expect(ids('0.28.0')).not.toContain('graphs');
    expect(ids('0.29.0')).toContain('graphs');
    expect(ids('0.26.0')).not.toContain('sampler-state');
    expect(ids('0.28.0')).toContain('sampler-state');
  });
});

describe('batch defaults by release', () => {
  const batch = (version: string, gpu: string, entrypoint: 'serve' | 'llm' = 'serve') => {
    const { resolved } = estimate(at(version, { gpu, entrypoint }));
    return [resolved['max-num-batched-tokens'], resolved['max-num-seqs']];
  };

  it('follow the tiers of the GPU', () => {
    expect(batch('0.26.0', 'b200')).toEqual([8192, 1024]);
    expect(batch('0.28.0', 'b200')).toEqual([16_384, 1024]);
    expect(batch('0.8.5.post1', 'a100')).toEqual([8192, 1024]);
    expect(batch('0.9.2', 'a100')).toEqual([2048, 256]);
  });

  it('take a whole prompt a step on V0, up to 32,768 tokens of context', () => {
    const tokens = (length: number) =>
      estimate(at('0.6.6', { flags: { 'max-model-len': length } })).resolved['max-num-batched-tokens'];
    expect(tokens(1024)).toBe(2048);
    expect(tokens(32_768)).toBe(32_768);
    expect(tokens(40_000)).toBe(2048);
  });
});
