import { describe, expect, it } from 'vitest';
import { findDevice } from '../../../src/core/device/catalogue.ts';
import type { FlagValue } from '../../../src/core/engine/deployment.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { type CheckpointFacts, checkpointFacts } from '../../../src/core/model/checkpoint.ts';
import type { ModelFacts } from '../../../src/core/model/facts.ts';
import { knownModel } from '../../../src/core/model/known.ts';
import { parseModelConfig } from '../../../src/core/model/parse.ts';

const device = findDevice('h200');
if (device === undefined) throw new Error('no h200');

function weightsOf(model: ModelFacts, flags: Record<string, FlagValue> = {}, gpuCount = 1) {
  const term = estimate({
    source: 'test',
    deployment: { engine: 'vllm', entrypoint: 'serve', flags },
    model,
    device: device as NonNullable<typeof device>,
    gpuCount,
  }).perRank[0]?.terms.find(({ id }) => id === 'weights');
  if (term === undefined) throw new Error('no weights term');
  return term;
}

/** What a file would store of a model, by its own counts: as a header says it. Made, not read. */
function stored(model: ModelFacts, elementBytes: number, dataType: string): CheckpointFacts {
  const none = checkpointFacts([], { layers: 1, tiedEmbeddings: false }, { format: 'safetensors', files: 2 });
  const bytesByKind = Object.fromEntries(
    Object.keys(none.bytesByKind).map((kind) => [
      kind,
      model.parameters[kind as keyof typeof none.bytesByKind] * elementBytes,
    ]),
  ) as CheckpointFacts['bytesByKind'];
  return {
    ...none,
    bytesByKind,
    elementsByDataType: { [dataType]: model.parameters.total },
    totalBytes: model.parameters.total * elementBytes,
  };
}

function shipped(name: string): ModelFacts {
  const model = knownModel(name);
  if (model === undefined) throw new Error(`${name} does not ship`);
  return model;
}

describe('weights by the checkpoint header', () => {
  it.each([
    ['Qwen/Qwen3-8B', {}, 1],
    ['Qwen/Qwen3-8B', { 'tensor-parallel-size': 2 }, 2],
    ['Qwen/Qwen3-8B', { quantization: 'fp8' }, 1],
    ['gpt2', {}, 1],
  ] as const)(
    'are those of the formula where the file stores what it expects: %s %o',
    (name, flags, gpus) => {
      const model = shipped(name);
      const byHeader = weightsOf({ ...model, checkpoint: stored(model, 2, 'BF16') }, flags, gpus);
      expect(byHeader.bytes).toBeCloseTo(weightsOf(model, flags, gpus).bytes, -1);
      expect(byHeader).toMatchObject({ provenance: 'header', source: 'checkpoint header, 2 files' });
    },
  );

  it('do not change with the type that the file happens to store', () => {
    const model = shipped('Qwen/Qwen3-8B');
    const wide = weightsOf({ ...model, checkpoint: stored(model, 4, 'F32') });
    expect(wide.bytes).toBeCloseTo(weightsOf(model).bytes, -1);
  });

  it('are more where the file stores more of a quantised model than the formula expects', () => {
    const quantization_config = { quant_method: 'awq', bits: 4, group_size: 128 };
    const config = {
      model_type: 'llama',
      hidden_size: 4096,
      intermediate_size: 14336,
      num_hidden_layers: 32,
      num_attention_heads: 32,
      num_key_value_heads: 8,
      vocab_size: 128256,
      torch_dtype: 'float16',
      quantization_config,
    };
    const parsed = parseModelConfig(config, { id: 'made', source: 'made' });
    if (!parsed.ok) throw new Error(parsed.problems[0]?.message);
    const model = parsed.value;
    const { embedding, head, total } = model.parameters;
    const half = stored(model, 2, 'F16');
    const bytesByKind = {
      ...half.bytesByKind,
      attention: model.parameters.attention * 0.6,
      mlp: model.parameters.mlp * 0.6,
    };
    const checkpoint = { ...half, bytesByKind };
    const expected = (total - embedding - head) * 0.6 + 2 * (embedding + head);
    expect(weightsOf({ ...model, checkpoint }).bytes / expected).toBeCloseTo(1, 2);
  });

  it('leave the draft layers in the file, and say so', () => {
    const model = shipped('Qwen/Qwen3-8B');
    const notLoaded = [{ reason: 'draft-layers', bytes: 2 * 1024 ** 3 }] as const;
    const term = weightsOf({ ...model, checkpoint: { ...stored(model, 2, 'BF16'), notLoaded } });
    expect(term.bytes).toBeCloseTo(weightsOf(model).bytes, -1);
    expect(term.source).toBe(
      'checkpoint header, 2 files; not loaded: layers that draft further tokens 2.00 GiB',
    );
  });
});
