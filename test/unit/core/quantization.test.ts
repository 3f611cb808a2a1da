import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseModelConfig } from '../../../src/core/model/parse.ts';

const llama = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 8,
  vocab_size: 1000,
};
const identity = { id: 'test', source: 'test' };

function quantizationOf(section: unknown) {
  const result = parseModelConfig({ ...llama, quantization_config: section }, identity);
  if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join(' '));
  return result.value.quantization;
}

const packed = (weights: object, more: object = {}) => ({
  quant_method: 'compressed-tensors',
  config_groups: { group_0: { targets: ['Linear'], weights } },
  ...more,
});

describe('bytes of a quantised weight, scales included', () => {
  it.each([
    ['AWQ 4 bits by 128', { quant_method: 'awq', bits: 4, group_size: 128 }, 'int4', 0.5195],
    ['GPTQ 8 bits by 128', { quant_method: 'gptq', bits: 8, group_size: 128 }, 'int8', 1.0234],
    ['FP8 by tensor', { quant_method: 'fp8' }, 'fp8', 1],
    ['FP8 by block', { quant_method: 'fp8', weight_block_size: [128, 128] }, 'fp8', 1.0002],
    ['FBGEMM', { quant_method: 'fbgemm_fp8' }, 'fp8', 1],
    [
      'bitsandbytes NF4',
      { quant_method: 'bitsandbytes', load_in_4bit: true, bnb_4bit_quant_type: 'nf4' },
      'nf4',
      0.5625,
    ],
    [
      'bitsandbytes NF4, scales quantised again',
      { load_in_4bit: true, bnb_4bit_quant_type: 'nf4', bnb_4bit_use_double_quant: true },
      'nf4',
      0.5159,
    ],
    ['bitsandbytes 8 bits', { quant_method: 'bitsandbytes', load_in_8bit: true }, 'int8', 1],
    ['NVFP4', { quant_method: 'modelopt', quant_algo: 'NVFP4' }, 'nvfp4', 0.5625],
    ['ModelOpt FP8', { producer: { name: 'modelopt' }, quant_algo: 'FP8' }, 'fp8', 1],
    ['MXFP4', { quant_method: 'mxfp4' }, 'mxfp4', 0.53125],
    [
      'compressed-tensors W4A16',
      packed({ num_bits: 4, type: 'int', strategy: 'group', group_size: 128, symmetric: true }),
      'int4',
      0.5156,
    ],
    ['compressed-tensors FP8', packed({ num_bits: 8, type: 'float', strategy: 'channel' }), 'fp8', 1],
    [
      'compressed-tensors NVFP4',
      packed({ num_bits: 4, type: 'float', group_size: 16 }, { format: 'nvfp4-pack-quantized' }),
      'nvfp4',
      0.5625,
    ],
    ['AutoRound', { quant_method: 'auto-round', bits: 2, group_size: 64 }, 'int2', 0.2852],
    [
      'HQQ',
      { quant_method: 'hqq', quant_config: { weight_quant_params: { nbits: 4, group_size: 64 } } },
      'int4',
      0.5625,
    ],
    [
      'Quark MXFP4',
      { quant_method: 'quark', global_quant_config: { weight: { dtype: 'fp4' } } },
      'mxfp4',
      0.53125,
    ],
  ])('%s', (_, section, weightFormat, bytes) => {
    const facts = quantizationOf(section);
    expect(facts?.weightFormat).toBe(weightFormat);
    expect(facts?.bytesPerWeight).toBeCloseTo(bytes, 3);
  });

  it('is not known where groups differ, or the method is not', () => {
    const groups = {
      a: { weights: { num_bits: 4, type: 'int' } },
      b: { weights: { num_bits: 8, type: 'int' } },
    };
    const mixed = quantizationOf({ quant_method: 'compressed-tensors', config_groups: groups });
    expect(mixed).toEqual({ method: 'compressed-tensors', unconverted: [] });
    expect(quantizationOf({ quant_method: 'aqlm' })).toEqual({ method: 'aqlm', unconverted: [] });
  });
});

describe('what a method leaves as it was', () => {
  it.each([
    [{ quant_method: 'fp8', modules_to_not_convert: ['lm_head'] }, ['lm_head']],
    [{ quant_method: 'fp8', ignored_layers: ['model.layers.0'] }, ['model.layers.0']],
    [{ quant_method: 'bitsandbytes', llm_int8_skip_modules: ['vision_tower'] }, ['vision_tower']],
    [{ quant_method: 'modelopt', quant_algo: 'FP8', exclude_modules: ['*router*'] }, ['*router*']],
    [
      { quant_method: 'gptq', bits: 4, dynamic: { '-:.*self_attn.*': {}, '+:.*mlp.*': {} } },
      ['.*self_attn.*'],
    ],
  ])('%j', (section, unconverted) => {
    expect(quantizationOf(section)?.unconverted).toEqual(unconverted);
  });

  it('says that MXFP4 of gpt-oss is of the experts alone, and finds the section beside a nested text model', () => {
    expect(quantizationOf({ quant_method: 'mxfp4' })?.kinds).toEqual(['routedExperts']);
    const { model_type, ...text } = llama;
    const nested = parseModelConfig(
      {
        model_type: 'some_vision_model',
        text_config: { model_type, ...text, quantization_config: { quant_method: 'fp8' } },
      },
      identity,
    );
    expect(nested).toMatchObject({
      ok: true,
      value: { generic: true, quantization: { method: 'fp8' } },
      warnings: [{ code: 'model.generic' }],
    });
  });

  it('never throws, whatever stands there', () => {
    const method = fc.constantFrom(
      'awq',
      'gptq',
      'fp8',
      'modelopt',
      'quark',
      'torchao',
      'hqq',
      'compressed-tensors',
      'x',
    );
    const names = [
      'bits',
      'config_groups',
      'quant_type',
      'global_quant_config',
      'layer_quant_config',
      'dynamic',
      'ignore',
    ];
    const section = fc.dictionary(fc.constantFrom(...names, 'weight_block_size'), fc.jsonValue());
    fc.assert(
      fc.property(method, section, (quant_method, rest) => {
        const result = parseModelConfig(
          { ...llama, quantization_config: { quant_method, ...rest } },
          identity,
        );
        expect(result.ok || result.problems.length > 0).toBe(true);
      }),
      { numRuns: 500 },
    );
  });
});
