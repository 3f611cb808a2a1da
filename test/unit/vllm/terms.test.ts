import { describe, expect, it } from 'vitest';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { draftOf } from '../../../src/core/engine/vllm/draftModel.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import type { EstimateRequest } from '../../../src/core/estimate/types.ts';
import type { ModelFacts } from '../../../src/core/model/facts.ts';
import { parseModelConfig } from '../../../src/core/model/parse.ts';
import { GiB } from '../../../src/core/units.ts';
import { device, fixtureText, model, request } from '../core/fixtures.ts';

function recordedModel(name: string): ModelFacts {
  const config: unknown = JSON.parse(fixtureText(`vllm-0.26-h200/models/${name}.json`));
  const parsed = parseModelConfig(config, { id: name, source: 'fixture' });
  if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
  return parsed.value;
}

function of(
  facts: ModelFacts,
  flags: Record<string, FlagValue> = {},
  more: Partial<EstimateRequest> = {},
): ReturnType<typeof estimate> {
  return estimate({
    source: 'test',
    deployment: { engine: 'vllm', engineVersion: '0.26.0', entrypoint: 'serve', flags },
    model: facts,
    ...draftOf({ flags }),
    device: device('h200'),
    gpuCount: 8,
    ...more,
  });
}

const gib = (result: ReturnType<typeof estimate>, id: string) =>
  (result.perRank[0]?.terms.find((term) => term.id === id)?.bytes ?? Number.NaN) / GiB;

describe('weights of experts', () => {
  const moe = recordedModel('qwen3-30b-a3b');

  it("of 4-bit floats are padded as the GPU's kernels want them", () => {
    const on = (gpu: string) => gib(of(model('openai/gpt-oss-120b'), {}, { device: device(gpu) }), 'weights');
    // 2,880 hidden elements become 3,072 on Marlin's kernels and on data-centre Blackwell's; 65.97 GiB was published for Marlin's.
    expect(on('h100')).toBeCloseTo(62.0, 0);
    expect(Math.abs(on('a100') - 65.97) / 65.97).toBeLessThan(0.01);
    expect(on('b200')).toBeGreaterThan(on('a100'));
  });

  it('are split over tensor-parallel ranks, or dealt out whole over tensor x data parallel ones', () => {
    const one = gib(of(moe), 'weights');
    expect(one).toBeCloseTo(56.88, 1);
    const split = gib(of(moe, { 'tensor-parallel-size': 4 }), 'weights');
    const whole = gib(of(moe, { 'tensor-parallel-size': 4, 'enable-expert-parallel': true }), 'weights');
    expect(split / one).toBeCloseTo(0.25, 2);
    expect(whole).toBeCloseTo(split, 1);
    // Attention is repeated over the copies, the experts are not.
    const copies = { 'data-parallel-size': 4, 'enable-expert-parallel': true } as const;
    const dealt = gib(of(moe, copies), 'weights');
    expect(dealt).toBeGreaterThan(split);
    expect(dealt).toBeLessThan(one / 2);
  });

  it('in 4-bit floats are padded by the kernel: the recorded 13.03 GiB of gpt-oss-20b', () => {
    expect(gib(of(recordedModel('gpt-oss-20b')), 'weights')).toBeCloseTo(13.03, 1);
  });

  it('need more workspace with expert parallelism, whose experts are whole', () => {
    const flags = { 'tensor-parallel-size': 8, 'max-num-seqs': 64, 'max-num-batched-tokens': 16_384 };
    const wide = { ...moe, layers: moe.layers.map((layer) => ({ ...layer })) };
    const split = gib(of(wide, flags), 'activation-peak');
    const whole = gib(of(wide, { ...flags, 'enable-expert-parallel': true }), 'activation-peak');
    expect(whole).toBeGreaterThanOrEqual(split);
  });
});

describe('what features take', () => {
  const llama = model('llama-3.1-8b');

  it('adapters: recorded 0.039 GiB a layer for 4 of rank 64, and embedding and head beside', () => {
    const lora = { 'enable-lora': true, 'max-loras': 4, 'max-lora-rank': 64 };
    const bytes = gib(of(llama, lora), 'lora');
    expect(bytes).toBeCloseTo(32 * 0.0391 + 0.126, 1);
    expect(gib(of(llama, { ...lora, 'max-lora-rank': 32 }), 'lora')).toBeCloseTo(bytes / 2, 2);
    const split = gib(of(llama, { ...lora, 'tensor-parallel-size': 4 }), 'lora');
    const fully = gib(of(llama, { ...lora, 'tensor-parallel-size': 4, 'fully-sharded-loras': true }), 'lora');
    expect(split).toBeLessThan(bytes);
    expect(fully).toBeLessThan(split);
    expect(gib(of(llama, { ...lora, 'enable-lora': false }), 'lora')).toBeNaN();
  });

  it('a draft model that is known by name; one that is not is said', () => {
    const draft = (name: string) => ({
      'speculative-config': JSON.stringify({ method: 'draft_model', model: name, num_speculative_tokens: 3 }),
    });
    const known = of(llama, draft('meta-llama/Llama-3.2-1B-Instruct'));
    expect(gib(known, 'draft-weights')).toBeCloseTo(2.32, 1);
    const unknown = of(llama, draft('somebody/unheard-of'));
    expect(gib(unknown, 'draft-weights')).toBeNaN();
    expect(unknown.warnings.map(({ code }) => code)).toContain('flag.not-estimated');
    const ngram = of(llama, { 'speculative-config': '{"method":"ngram","num_speculative_tokens":3}' });
    expect(ngram.warnings).toEqual([]);
  });

  it('weights kept in host memory are not on the GPU', () => {
    const kept = of(llama, { 'cpu-offload-gb': 4 });
    expect(gib(of(llama), 'weights') - gib(kept, 'weights')).toBeCloseTo(4, 5);
    // No more than the layers can be.
    expect(gib(of(llama, { 'cpu-offload-gb': 1000 }), 'weights')).toBeGreaterThan(1);
  });

  it('float32 doubles weights', () => {
    expect(gib(of(llama, { dtype: 'float32' }), 'weights') / gib(of(llama), 'weights')).toBeCloseTo(2, 2);
  });

  it('CUDA graphs: none eager or at -O0, less with fewer sizes', () => {
    const graphs = (flags: Record<string, FlagValue>) => gib(of(llama, flags), 'graphs-uncharged');
    expect(graphs({ 'enforce-eager': true })).toBeNaN();
    expect(graphs({ 'optimization-level': 0 })).toBeNaN();
    expect(graphs({ 'compilation-config': '{"cudagraph_mode":"NONE"}' })).toBeNaN();
    expect(graphs({ 'cudagraph-capture-sizes': [1, 2, 4] })).toBeLessThan(graphs({}));
    expect(graphs({ 'max-cudagraph-capture-size': 16 })).toBeLessThan(graphs({}));
  });

  it('pipeline stages as the environment deals them', () => {
    const flags = { 'pipeline-parallel-size': 2 };
    const dealt = (partition: string) => {
      const deployment = {
        engine: 'vllm',
        engineVersion: '0.26.0',
        entrypoint: 'serve',
        flags,
        environment: { VLLM_PP_LAYER_PARTITION: partition },
      } as const;
      return gib(of(llama, {}, { deployment }), 'weights');
    };
    expect(dealt('8,24')).toBeLessThan(dealt('16,16'));
    // One that does not go with the model is passed over.
    expect(dealt('8,8')).toBe(dealt('16,16'));
  });
});

describe('flags against each other', () => {
  const warned = (flags: Record<string, FlagValue>, gpu = 'h200') =>
    estimate(request('llama-3.1-8b', gpu, flags)).warnings.map(
      ({ code, path }) => `${code} ${String(path?.[1])}`,
    );

  it.each([
    [{ 'enforce-eager': true, 'cudagraph-capture-sizes': [1] }, 'flag.contradiction cudagraph-capture-sizes'],
    [
      { 'enforce-eager': true, 'compilation-config': '{"cudagraph_mode":"FULL"}' },
      'flag.contradiction compilation-config',
    ],
    [
      { 'kv-cache-memory-bytes': 1e10, 'gpu-memory-utilization': 0.9 },
      'flag.contradiction gpu-memory-utilization',
    ],
    [{ 'enable-expert-parallel': true }, 'flag.no-effect enable-expert-parallel'],
    [{ 'max-lora-rank': 64 }, 'flag.no-effect max-lora-rank'],
  ] satisfies [Record<string, FlagValue>, string][])('%j: %s', (flags, expected) => {
    expect(warned(flags)).toEqual([expected]);
  });

  it('and against the GPU: fp8 on an A100', () => {
    expect(warned({ 'kv-cache-dtype': 'fp8' }, 'a100')).toContain('flag.slow-on-device kv-cache-dtype');
    expect(warned({ 'kv-cache-dtype': 'fp8' }, 'h100')).toEqual([]);
  });
});
