import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { attentionOf, type LayerFacts } from '../../../src/core/model/facts.ts';
import { knownModel, knownModelNames } from '../../../src/core/model/known.ts';
import { parseModelConfig } from '../../../src/core/model/parse.ts';
import { layerParameters } from '../../../src/core/model/parts.ts';

const identity = { id: 'test', source: 'test' };
const llama = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  vocab_size: 1000,
};

function parsed(config: unknown) {
  const result = parseModelConfig(config, identity);
  if (!result.ok) throw new Error(result.problems.map((problem) => problem.message).join(' '));
  return result;
}

describe('families that are not covered', () => {
  it('names the field that gives a mixture of experts away, in a covered family too', () => {
    const result = parseModelConfig({ ...llama, num_local_experts: 8 }, identity);
    expect(result).toMatchObject({
      ok: false,
      problems: [{ code: 'model.not-covered', path: ['num_local_experts'] }],
    });
  });

  it('does not mind leftovers that are null, zero or false', () => {
    expect(parsed({ ...llama, num_experts: 0, moe_intermediate_size: null }).value.generic).toBe(false);
  });
});

describe('models inside models, and families that nobody knows', () => {
  const { model_type, ...sizes } = llama;

  it('reads the text model of one that is not known, by its own family, and says so', () => {
    const { value, warnings } = parsed({
      model_type: 'sees_and_hears',
      torch_dtype: 'bfloat16',
      tie_word_embeddings: true,
      thinker_config: { text_config: { model_type: 'qwen3', ...sizes, tie_word_embeddings: false } },
    });
    expect(value).toMatchObject({ generic: true, dataType: 'bfloat16', tiedEmbeddings: true });
    expect(value.parameters.norms).toBeGreaterThan(4 * 2 * 64 + 64);
    expect(warnings).toMatchObject([{ code: 'model.generic', path: ['model_type'] }]);
  });

  it('takes the data type and the tie of the text model where the whole says none', () => {
    const text = { model_type, ...sizes, torch_dtype: 'float16', tie_word_embeddings: true };
    expect(parsed({ model_type: 'x', text_config: text }).value).toMatchObject({
      dataType: 'float16',
      tiedEmbeddings: true,
    });
  });

  it('goes by the architecture where the type is not known, as the engine does', () => {
    const { value } = parsed({ ...llama, model_type: 'my_llama', architectures: ['LlamaForCausalLM'] });
    expect(value).toMatchObject({ generic: false, modelType: 'my_llama' });
  });

  it('sees experts and latents of a family that is not known', () => {
    const experts = {
      n_routed_experts: 4,
      n_shared_experts: 1,
      moe_intermediate_size: 16,
      first_k_dense_replace: 1,
    };
    const latents = { kv_lora_rank: 16, qk_rope_head_dim: 4, qk_nope_head_dim: 8, v_head_dim: 8 };
    const { value } = parsed({ ...llama, model_type: 'x', ...experts, ...latents });
    expect(value.generic).toBe(true);
    expect(value.layers.map(({ feedForward }) => feedForward.kind)).toEqual([
      'dense',
      'experts',
      'experts',
      'experts',
    ]);
    expect(value.layers[0]?.mixers[0]).toMatchObject({ kind: 'latent', latentSize: 16, rotarySize: 4 });
  });

  it.each([
    [{ model_type: 't5', is_encoder_decoder: true }, 'is_encoder_decoder'],
    [{ ...llama, model_type: 'bert', architectures: ['BertForMaskedLM'] }, 'architectures'],
    [{ ...llama, model_type: 'x', mamba_d_state: 16 }, 'mamba_d_state'],
  ])('refuses what is no decoder by its field: %j', (config, field) => {
    expect(parseModelConfig(config, identity)).toMatchObject({
      ok: false,
      problems: [{ code: 'model.not-covered', path: [field] }],
    });
  });

  it('keeps the heads that predict further tokens apart: they are loaded for speculation alone', () => {
    const with2 = parsed({ ...llama, model_type: 'qwen3', num_nextn_predict_layers: 2 }).value;
    const without = parsed({ ...llama, model_type: 'qwen3' }).value;
    expect(with2.parameters.total).toBe(without.parameters.total);
    expect(with2.draftLayers?.count).toBe(2);
    const one = layerParameters(with2.layers[3] as LayerFacts) + 2 * 64 * 64 + 3 * 64;
    expect(with2.draftLayers?.weights.reduce((sum, { count }) => sum + count, 0)).toBe(2 * one);
  });

  it('computes in bfloat16 what is stored in 8 bits, and takes auto for unsaid', () => {
    expect(parsed({ ...llama, dtype: 'float8_e4m3fn' }).value.dataType).toBe('bfloat16');
    expect(parsed({ ...llama, torch_dtype: 'auto' }).value.dataType).toBe('float32');
  });
});

describe('what config.json leaves unsaid', () => {
  it('ties the head by family', () => {
    expect(parsed(llama).value.tiedEmbeddings).toBe(false);
    expect(knownModel('gpt2')?.tiedEmbeddings).toBe(true);
  });

  it('gives Mistral its window, layer by layer, and none where it is null', () => {
    const mistral = { ...llama, model_type: 'mistral' };
    expect(parsed(mistral).value.layers[0]?.mixers[0]).toMatchObject({
      kind: 'sliding-window',
      windowTokens: 4096,
    });
    expect(parsed({ ...mistral, sliding_window: null }).value.layers[0]?.mixers[0]?.kind).toBe('full');
  });

  it('lets layer_types decide which layers slide', () => {
    const { value } = parsed({
      ...llama,
      sliding_window: 512,
      layer_types: ['sliding_attention', 'full_attention', 'sliding_attention', 'full_attention'],
    });
    expect(value.layers.map((layer) => windowOf(layer))).toEqual([512, null, 512, null]);
  });

  it('uses the window of Qwen2 only where it is switched on', () => {
    const qwen = { ...llama, model_type: 'qwen2', sliding_window: 256, max_window_layers: 3 };
    expect(parsed(qwen).value.layers.every((layer) => layer.mixers[0]?.kind === 'full')).toBe(true);
    const on = parsed({ ...qwen, use_sliding_window: true }).value;
    expect(on.layers.map((layer) => layer.mixers[0]?.kind)).toEqual([
      'full',
      'full',
      'full',
      'sliding-window',
    ]);
  });

  it('stretches the context by yarn from the original one, and leaves llama3 alone', () => {
    const yarn = { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 32_768 };
    const base = { ...llama, max_position_embeddings: 40_960 };
    expect(parsed({ ...base, rope_scaling: yarn }).value.maxPositionEmbeddings).toBe(131_072);
    expect(
      parsed({ ...base, rope_scaling: { rope_type: 'llama3', factor: 8 } }).value.maxPositionEmbeddings,
    ).toBe(40_960);
  });

  it('counts the bytes of AWQ and block-FP8 weights with their scales', () => {
    const awq = { ...llama, quantization_config: { quant_method: 'awq', bits: 4, group_size: 128 } };
    expect(parsed(awq).value.quantization?.bytesPerWeight).toBeCloseTo(0.5195, 4);
    const gptq = { ...llama, quantization_config: { quant_method: 'gptq', bits: 3, group_size: -1 } };
    expect(parsed(gptq).value.quantization?.bytesPerWeight).toBe(0.375);
    const fp8 = { ...llama, quantization_config: { quant_method: 'fp8', weight_block_size: [128, 128] } };
    expect(parsed(fp8).value.quantization?.bytesPerWeight).toBeCloseTo(1.000244, 6);
  });
});

describe('hostile input', () => {
  it.each([
    ['num_hidden_layers', 1e308],
    ['num_hidden_layers', -3],
    ['num_hidden_layers', '32'],
    ['hidden_size', Number.NaN],
    ['hidden_size', 12.5],
    ['vocab_size', {}],
    ['intermediate_size', [1]],
    ['tie_word_embeddings', 'yes'],
    ['num_key_value_heads', 3],
  ])('%s = %s is refused by name', (field, value) => {
    expect(parseModelConfig({ ...llama, [field]: value }, identity)).toMatchObject({
      ok: false,
      problems: [{ path: [field] }],
    });
  });

  it.each([
    ['torch_dtype', 'int3'],
    ['dtype', 16],
    ['quantization_config', 'oops'],
    ['quantization_config.quant_method', undefined],
    ['quantization_config.quant_method', 8],
    ['quantization_config.bits', 'four'],
    ['quantization_config.bits', 1e308],
    ['quantization_config.group_size', 1e-308],
    ['quantization_config.weight_block_size', [1e-308, 1]],
    ['rope_scaling', 'yarn'],
    ['rope_scaling.factor', 1e308],
    ['rope_scaling.factor', 1e-9],
    ['rope_scaling.factor', '4'],
    ['rope_scaling.original_max_position_embeddings', 1e308],
  ])('%s = %s is refused by name, rather than sized by a default', (name, value) => {
    const sections: Record<string, Record<string, unknown>> = {
      quantization_config: { quant_method: name.endsWith('block_size') ? 'fp8' : 'gptq' },
      rope_scaling: { rope_type: 'yarn', factor: 4, original_max_position_embeddings: 4096 },
    };
    const [field = '', inner] = name.split('.');
    const written = inner === undefined ? value : { ...sections[field], [inner]: value };
    const result = parseModelConfig({ ...llama, [field]: written }, identity);
    expect(result).toMatchObject({
      ok: false,
      problems: [{ code: 'model.bad-field', path: name.split('.') }],
    });
    expect(!result.ok && result.problems[0]?.message).toContain(`"${name}" of config.json must be`);
  });

  it('says every missing field at once', () => {
    const result = parseModelConfig({ model_type: 'llama' }, identity);
    expect(!result.ok && result.problems.map((problem) => problem.path?.[0])).toEqual([
      'hidden_size',
      'num_attention_heads',
      'intermediate_size',
      'vocab_size',
      'num_hidden_layers',
    ]);
  });

  it('does not read fields off the prototype', () => {
    const result = parseModelConfig(JSON.parse('{"__proto__": {"model_type": "llama"}}'), identity);
    expect(result).toMatchObject({ ok: false, problems: [{ path: ['model_type'] }] });
    expect(parsed({ ...llama, model_type: 'constructor' }).value.generic).toBe(true);
  });

  it('refuses sizes whose product is no exact number any more', () => {
    const giant = {
      ...llama,
      hidden_size: 4_194_304,
      intermediate_size: 4_194_304,
      num_hidden_layers: 10_000,
    };
    expect(parseModelConfig(giant, identity)).toMatchObject({
      ok: false,
      problems: [{ code: 'model.too-large' }],
    });
  });

  it('never throws, whatever the JSON', () => {
    const names = [
      ...Object.keys(llama),
      'layer_types',
      'rope_scaling',
      'quantization_config',
      'sliding_window',
    ];
    const config = fc.dictionary(
      fc.oneof(fc.constantFrom(...names), fc.string()),
      fc.oneof(fc.jsonValue(), fc.constantFrom('llama', 'gpt2', 'mistral', 'x', 1, 2, 64)),
    );
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), config), (value) => {
        const result = parseModelConfig(value, identity);
        expect(result.ok || result.problems.length > 0).toBe(true);
        if (result.ok) expect(Number.isSafeInteger(result.value.parameters.total)).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });

  it('reads an odd but valid model without losing count', () => {
    const size = fc.integer({ min: 1, max: 64 });
    fc.assert(
      fc.property(size, size, size, size, fc.boolean(), (layers, heads, headSize, width, tied) => {
        const { value } = parsed({
          ...llama,
          num_hidden_layers: layers,
          num_attention_heads: heads,
          num_key_value_heads: heads,
          head_dim: headSize,
          intermediate_size: width,
          tie_word_embeddings: tied,
        });
        const { total, ...kinds } = value.parameters;
        expect(Object.values(kinds).reduce((sum, kind) => sum + kind, 0)).toBe(total);
        expect(kinds.head).toBe(tied ? 0 : kinds.embedding);
      }),
    );
  });
});

describe('shipped models', () => {
  it('all parse, and are found in any case and without the organisation', () => {
    for (const name of knownModelNames()) {
      expect(knownModel(name)?.id).toBe(name);
      expect(knownModel(name.slice(name.indexOf('/') + 1).toUpperCase())?.id).toBe(name);
    }
    expect(knownModel('llama-3.1-8b')?.id).toBe('meta-llama/Llama-3.1-8B');
    expect(knownModel('no-such-model')).toBeUndefined();
  });
});

function windowOf(layer: LayerFacts): number | null {
  const attention = attentionOf(layer);
  return attention?.windowTokens ?? null;
}
