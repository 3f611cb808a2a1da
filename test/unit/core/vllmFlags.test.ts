import { describe, expect, it } from 'vitest';
import { findEngine } from '../../../src/core/engine/engines.ts';
import { plainNumber, switchValue, wholeNumber } from '../../../src/core/engine/flagValues.ts';

const vllm = findEngine('vllm');

describe('vLLM flags', () => {
  it.each([
    ['max-model-len', 'max-model-len'],
    ['--max-model-len', 'max-model-len'],
    ['--max_model_len', 'max-model-len'],
    ['max_model_len', 'max-model-len'],
    ['-tp', 'tensor-parallel-size'],
    ['-dp', 'data-parallel-size'],
    ['--kv-cache-memory', 'kv-cache-memory-bytes'],
    ['--no-enable-prefix-caching', 'enable-prefix-caching'],
    ['--port', 'port'],
  ])('%s is %s', (spelling, name) => {
    expect(vllm?.canonicalFlag(spelling)?.name).toBe(name);
  });

  it('knows no flag that is not there, nor a no- for one that is no switch', () => {
    expect(vllm?.canonicalFlag('--max-modle-len')).toBeUndefined();
    expect(vllm?.canonicalFlag('--no-model')).toBeUndefined();
    expect(vllm?.canonicalFlag('toString')).toBeUndefined();
  });

  it('has every name and alias once', () => {
    const spellings = vllm?.flags.flatMap((flag) => [flag.name, ...flag.aliases]) ?? [];
    expect(new Set(spellings).size).toBe(spellings.length);
    expect(spellings.length).toBeGreaterThan(200);
  });
});

describe('flag values', () => {
  it('reads whole numbers as the command line does', () => {
    expect(wholeNumber('8192')).toBe(8192);
    expect(wholeNumber('8k')).toBe(8000);
    expect(wholeNumber('8K')).toBe(8192);
    expect(wholeNumber('1.5k')).toBe(1500);
    expect(wholeNumber('1M')).toBe(1_048_576);
    expect(wholeNumber('1.5K')).toBeUndefined();
    expect(wholeNumber('many')).toBeUndefined();
    expect(wholeNumber('1e400')).toBeUndefined();
    expect(wholeNumber(1.5)).toBeUndefined();
    expect(wholeNumber(['8'])).toBeUndefined();
  });

  it('reads numbers and switches', () => {
    expect(plainNumber('0.9')).toBe(0.9);
    expect(plainNumber('')).toBeUndefined();
    expect(switchValue('true')).toBe(true);
    expect(switchValue('maybe')).toBeUndefined();
  });
});
