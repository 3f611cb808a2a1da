import { describe, expect, it } from 'vitest';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { request } from '../core/fixtures.ts';

const judged = (flag: string, value: string) =>
  estimate(request('llama-3.1-8b', 'h100', { 'max-model-len': 4096, [flag]: value }));

describe('a flag whose JSON is torn', () => {
  it.each([
    ['speculative-config', '{bad json'],
    ['speculative-config', "{'method': 'ngram'}"],
    ['speculative-config', 'ngram'],
    ['compilation-config', '{"cudagraph_mode": "FULL"'],
    ['hf-overrides', '{"max_position_embeddings": 8192,}'],
    ['limit-mm-per-prompt', '{"image": 2'],
    ['kv-transfer-config', '{"kv_connector": }'],
  ])('%s %s is a bad value at its place, said once', (flag, value) => {
    const { verdict, warnings } = judged(flag, value);
    expect(verdict).toMatchObject({ outcome: 'unknown', causeFlag: flag, fixes: [] });
    expect(warnings.filter(({ path }) => path?.[1] === flag)).toHaveLength(1);
    expect(warnings[0]).toMatchObject({ code: 'flag.bad-value', path: ['flags', flag] });
    expect(warnings[0]?.message).toContain(`${flag} is not JSON: ${value}`);
  });

  it('is cut where it is long', () => {
    const message = judged('hf-overrides', `{"a": "${'x'.repeat(5000)}`).warnings[0]?.message ?? '';
    expect(message).toContain('…');
    expect(message.length).toBeLessThan(250);
  });
});

describe('what vLLM takes beside JSON', () => {
  it.each([
    ['speculative-config', '{"method": "ngram", "num_speculative_tokens": 4}'],
    ['speculative-config', 'None'],
    ['limit-mm-per-prompt', 'image=0,video=0'],
    ['compilation-config', '3'],
    ['cudagraph-capture-sizes', '1 2 4'],
    ['cudagraph-capture-sizes', '[1, 2, 4]'],
    // Filled in before vLLM sees it.
    ['kv-transfer-config', '$KV_TRANSFER'],
    ['kv-transfer-config', '{{ .Values.kv }}'],
  ])('%s %s is no bad value', (flag, value) => {
    const { verdict, warnings } = judged(flag, value);
    expect(verdict.outcome).not.toBe('unknown');
    expect(warnings.map(({ code }) => code)).not.toContain('flag.bad-value');
  });
});
