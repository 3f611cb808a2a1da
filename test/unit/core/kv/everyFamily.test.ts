import { describe, expect, it } from 'vitest';
import { blocksThatFit, kvCapacity, largestLength } from '../../../../src/core/memory/kv/capacity.ts';
import { parseModelConfig } from '../../../../src/core/model/parse.ts';
import { GiB } from '../../../../src/core/units.ts';
import { fixtureLines } from '../fixtures.ts';
import { planned } from './layers.ts';

interface Released {
  readonly id: string;
  readonly config: unknown;
}

const models = ['parameters/released.jsonl', 'parameters/more.jsonl'].flatMap((path) =>
  (fixtureLines(path) as Released[]).flatMap(({ id, config }) => {
    const parsed = parseModelConfig(config, { id, source: 'fixture' });
    // What is not covered is held elsewhere.
    return parsed.ok ? [[id, parsed.value] as const] : [];
  }),
);
const versions = ['0.6.6.post1', '0.10.2', '0.13.0', '0.19.1', '0.26.0', '0.28.0', '0.33.0'];

describe('every family that is known', () => {
  it('is read', () => {
    expect(models.length).toBeGreaterThan(400);
  });

  it.each(models)('%s has a cache in whole blocks', (_, facts) => {
    for (const version of versions) {
      for (const tensorParallelSize of [1, 2]) {
        const layout = planned(facts, { version, tensorParallelSize });
        // Models of states alone kept nothing in blocks before 0.10.
        if (layout.groups.length === 0) continue;
        const [bytes = Number.NaN] = layout.blockBytesByStage;
        expect(bytes).toBeGreaterThan(0);
        expect(Number.isFinite(bytes)).toBe(true);
        const blocks = blocksThatFit(layout, [64 * GiB]);
        expect(blocks).toBeGreaterThan(0);
        const capacity = kvCapacity(layout, blocks, 2048, 8192);
        expect(capacity.tokens).toBeGreaterThan(0);
        expect(largestLength(layout, [64 * GiB], 2048, 8192)).toBeGreaterThan(0);
      }
    }
  });
});

describe('the type of states', () => {
  const parsed = (modelType: string, more: Record<string, unknown>) => {
    const config = { model_type: modelType, num_hidden_layers: 8, hidden_size: 2048, vocab_size: 1024 };
    const heads = { num_attention_heads: 16, num_key_value_heads: 2, head_dim: 256, intermediate_size: 512 };
    const result = parseModelConfig({ ...config, ...heads, ...more }, { id: modelType, source: 'test' });
    if (!result.ok) throw new Error(result.problems[0]?.message);
    return planned(result.value).blockSize;
  };

  it('is what the file of a Qwen3.5 says: a page of float32 is twice as large', () => {
    const sixteen = parsed('qwen3_5_text', {});
    expect(parsed('qwen3_5_text', { mamba_ssm_dtype: 'float32' })).toBeGreaterThan(1.8 * sixteen);
    // The engine does not read it of others.
    expect(parsed('qwen3_next', { mamba_ssm_dtype: 'float32' })).toBe(parsed('qwen3_next', {}));
  });
});
