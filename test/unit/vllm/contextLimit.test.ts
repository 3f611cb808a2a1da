import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../../src/core/estimate/types.ts';
import type { ModelFacts } from '../../../src/core/model/facts.ts';
import { knownModel } from '../../../src/core/model/known.ts';
import { overriddenConfig } from '../../../src/core/model/overrides.ts';
import { device, model, request } from '../core/fixtures.ts';

function overridden(name: string, overrides: string): ModelFacts {
  const found = knownModel(name, overrides);
  if (found === undefined) throw new Error(`no model ${name} with ${overrides}`);
  return found;
}

function served(
  facts: ModelFacts,
  engineVersion: string,
  flags: Record<string, FlagValue> = {},
  more: Partial<EstimateRequest> = {},
): ReturnType<typeof estimate> {
  return estimate({
    source: 'test',
    deployment: { engine: 'vllm', engineVersion, entrypoint: 'serve', flags },
    model: facts,
    device: device('h200'),
    gpuCount: 1,
    ...more,
  });
}

describe('hf-overrides', () => {
  it('replace fields of the config, sections gone into, and never reach a prototype', () => {
    const config = { max_position_embeddings: 4096, text_config: { hidden_size: 8, layers: 2 } };
    const overrides = '{"max_position_embeddings":8192,"text_config":{"layers":3},"__proto__":{"x":1}}';
    expect(overriddenConfig(config, overrides)).toEqual({
      max_position_embeddings: 8192,
      text_config: { hidden_size: 8, layers: 3 },
    });
    expect(overriddenConfig(config, 'not json')).toBeUndefined();
    expect(({} as { x?: number }).x).toBeUndefined();
  });

  it('count for a shipped model: two layers of Llama, and a stretched Qwen3', () => {
    const cut = '{"num_hidden_layers": 2}';
    const small = served(overridden('llama-3.1-8b', cut), '0.26.0', { 'hf-overrides': cut });
    const whole = served(model('llama-3.1-8b'), '0.26.0');
    expect(small.kv.bytesPerTokenPerRank).toBe(whole.kv.bytesPerTokenPerRank / 16);
    expect(small.warnings).toEqual([]);
    const stretch =
      '{"rope_parameters":{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768},"max_position_embeddings":131072}';
    const long = served(overridden('qwen3-8b', stretch), '0.33.0', { 'hf-overrides': stretch });
    expect(long.kv.maxModelLen).toBe(131_072);
  });

  it('are said not to be estimated where the facts are without them, or with others', () => {
    const flags = { 'hf-overrides': '{"num_hidden_layers":4}' };
    const codes = (facts: ModelFacts) => served(facts, '0.26.0', flags).warnings.map(({ code }) => code);
    expect(codes(model('llama-3.1-8b'))).toEqual(['flag.not-estimated']);
    expect(codes(overridden('llama-3.1-8b', '{"num_hidden_layers":2}'))).toEqual(['flag.not-estimated']);
    expect(codes(overridden('llama-3.1-8b', flags['hf-overrides']))).toEqual([]);
  });

  it('that make no model are refused with the field', () => {
    expect(knownModel('llama-3.1-8b', '{"num_hidden_layers":-1}')).toBeUndefined();
  });
});

describe('the longest context', () => {
  const yarn =
    '{"rope_parameters":{"rope_type":"yarn","factor":4.0,"original_max_position_embeddings":32768}}';

  it.each([
    ['0.19.1', 131_072],
    ['0.29.0', 131_072],
    // The stated 40,960 counts as stretched already.
    ['0.30.0', 40_960],
    ['0.33.0', 40_960],
  ])('of a yarn model by vLLM %s', (version, expected) => {
    const flags = { 'hf-overrides': yarn };
    expect(served(overridden('qwen3-8b', yarn), version, flags).resolved['max-model-len']).toBe(expected);
    const longer = served(overridden('qwen3-8b', yarn), version, { ...flags, 'max-model-len': expected + 1 });
    expect(longer.verdict.causeFlag).toBe('max-model-len');
    expect(longer.verdict.reason).toContain('VLLM_ALLOW_LONG_MAX_MODEL_LEN=1 lifts that');
  });

  it('is lifted by VLLM_ALLOW_LONG_MAX_MODEL_LEN=1', () => {
    const base = request('qwen3-8b', 'h200', { 'max-model-len': 65_536 });
    expect(estimate(base).verdict.outcome).toBe('does-not-fit');
    const environment = { VLLM_ALLOW_LONG_MAX_MODEL_LEN: '1' };
    const lifted = estimate({ ...base, deployment: { ...base.deployment, environment } });
    expect(lifted.verdict.outcome).toBe('fits');
    expect(lifted.kv.largestMaxModelLen).toBeGreaterThanOrEqual(65_536);
  });

  it('is the window where disable-sliding-window turns that off', () => {
    const windowed = served(model('gpt-oss-20b'), '0.26.0', { 'disable-sliding-window': true });
    expect(windowed.resolved['max-model-len']).toBe(128);
    expect(windowed.warnings).toEqual([]);
    // A model without a window stays as it is.
    const plain = served(model('llama-3.1-8b'), '0.26.0', { 'disable-sliding-window': true });
    expect(plain.resolved['max-model-len']).toBe(131_072);
  });
});

describe('prefill-context-parallel-size', () => {
  const flags = { 'prefill-context-parallel-size': 2, 'max-model-len': 8192 };
  const on = (version: string, more: Record<string, FlagValue> = {}) =>
    served(model('qwen3-8b'), version, { ...flags, ...more }, { gpuCount: 2 });

  it('takes GPUs of its own', () => {
    expect(on('0.26.0').verdict.outcome).toBe('fits');
    const one = served(model('qwen3-8b'), '0.26.0', flags);
    expect(one.verdict.reason).toContain('2 GPUs are needed');
    expect(on('0.26.0').warnings).toEqual([]);
  });

  it('is run by V1 before V2 had it: no counts for penalties are kept', () => {
    const state = (version: string) =>
      on(version).perRank[0]?.terms.some(({ id }) => id === 'sampler-state') ?? false;
    expect([state('0.23.0'), state('0.26.0'), state('0.28.0')]).toEqual([false, false, true]);
  });

  it('spreads the cache up to 0.25, and since 0.26 only with decode-context-parallel-size', () => {
    const alone = served(model('qwen3-8b'), '0.23.0', { 'max-model-len': 8192 }).kv.bytesPerTokenPerRank;
    expect(on('0.23.0').kv.bytesPerTokenPerRank).toBe(alone / 2);
    expect(on('0.26.0').kv.bytesPerTokenPerRank).toBe(alone);
    expect(on('0.26.0', { 'decode-context-parallel-size': 2 }).kv.bytesPerTokenPerRank).toBe(alone / 2);
  });
});
