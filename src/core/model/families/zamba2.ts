import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { LayerFacts, WeightGroup } from '../facts.ts';
import type { ModelFamily } from '../family.ts';
import { hybridModel, stateDataType } from '../hybrid.ts';
import { denseMlp, headAttention, layer, linear, type Mixer, norms } from '../parts.ts';
import { mamba2 } from '../stateParts.ts';

/**
 * Zamba 2: Mamba-2 everywhere; hybrid layers first pass a transformer block over the concatenation of the embedding and the hidden
 * state. `num_mem_blocks` such blocks take turns: the first layer that uses one lists its weights here, the later ones only their own
 * adapters, so that shared weights count once. Each use has a KV cache of its own.
 */
export const zamba2: ModelFamily = {
  modelType: 'zamba2',
  architecture: 'Zamba2ForCausalLM',
  defaults: {
    max_position_embeddings: 4096,
    tie_word_embeddings: true,
    mamba_d_state: 64,
    mamba_d_conv: 4,
    mamba_expand: 2,
    mamba_ngroups: 1,
    n_mamba_heads: 8,
    num_mem_blocks: 1,
    adapter_rank: 128,
  },
  shape(fields) {
    const hiddenSize = fields.count('hidden_size', LIMITS.width);
    const layerCount = fields.count('num_hidden_layers', LIMITS.layers);
    const blockCount = fields.count('num_mem_blocks', LIMITS.layers);
    const heads = fields.count('num_attention_heads', LIMITS.heads);
    const headSize = fields.countOr(
      'attention_head_dim',
      Math.max(1, Math.floor((2 * hiddenSize) / heads)),
      LIMITS.headSize,
    );
    const hybrid = hybridLayers(fields, layerCount);
    let uses = 0;
    const kinds = hybrid.map((isHybrid) => {
      if (!isHybrid) return 'mamba';
      uses += 1;
      return uses <= blockCount ? 'first use' : 'later use';
    });
    const mixer = () => mambaMixer(fields, hiddenSize);
    const make = (kind: string): LayerFacts =>
      kind === 'mamba'
        ? layer([mixer()], undefined, norms(hiddenSize))
        : hybridLayer(fields, { hiddenSize, heads, headSize, isFirstUse: kind === 'first use' }, mixer());
    return hybridModel(fields, {
      hiddenSize,
      vocabularySize: fields.count('vocab_size', LIMITS.vocabulary),
      kinds,
      make,
      rotarySize: fields.switch('use_mem_rope', false) ? headSize : 0,
    });
  },
};

function hybridLayers(fields: ConfigFields, layerCount: number): readonly boolean[] {
  const name = ['layers_block_type', 'layer_types'].find(
    (candidate) => fields.value(candidate) !== undefined,
  );
  const types = name === undefined ? undefined : fields.perLayer(name, layerCount);
  const listed = new Set(types === undefined ? fields.numbers('hybrid_layer_ids') : []);
  return Array.from({ length: layerCount }, (_, index) =>
    types === undefined ? listed.has(index) : types[index] === 'hybrid',
  );
}

function hybridLayer(
  fields: ConfigFields,
  block: {
    readonly hiddenSize: number;
    readonly heads: number;
    readonly headSize: number;
    readonly isFirstUse: boolean;
  },
  state: Mixer,
): LayerFacts {
  const { hiddenSize, heads, headSize, isFirstUse } = block;
  const concatenated = 2 * hiddenSize;
  const keyValueHeads = fields.countOr('num_key_value_heads', heads, LIMITS.heads);
  const width = fields.countOr('intermediate_size', 4 * hiddenSize, LIMITS.width);
  const rank = fields.count('adapter_rank', LIMITS.width);
  const bias = fields.switch('add_bias_linear', false);
  const cached = { kind: 'full', queryHeads: heads, keyValueHeads, headSize } as const;
  const attention: Mixer = {
    mixer: cached,
    weights: isFirstUse
      ? [
          ...headAttention(concatenated, cached).weights.slice(0, -1),
          ...linear('attention', 'self_attn', { inputs: heads * headSize, outputs: hiddenSize }),
          norms(concatenated),
        ]
      : [],
  };
  const mlp = denseMlp(hiddenSize, { width, gated: true, bias, module: 'feed_forward' });
  const adapters: WeightGroup[] = [
    ...adapter('mlp', 'feed_forward', hiddenSize, rank, 2 * width),
    ...(fields.switch('use_shared_attention_adapter', false)
      ? [1, 2, 3].flatMap(() => adapter('attention', 'self_attn', concatenated, rank, concatenated))
      : []),
  ];
  return layer(
    [attention, state],
    { ...mlp, weights: isFirstUse ? [...mlp.weights, norms(hiddenSize)] : [] },
    ...adapters,
    ...linear('mlp', 'linear', { inputs: hiddenSize, outputs: hiddenSize, sharding: 'replicated' }),
    norms(hiddenSize),
  );
}

/** A low-rank matrix beside a shared one, of this layer alone. */
function adapter(
  kind: 'mlp' | 'attention',
  module: string,
  inputs: number,
  rank: number,
  outputs: number,
): WeightGroup[] {
  return [
    ...linear(kind, module, { inputs, outputs: rank, sharding: 'replicated' }),
    ...linear(kind, module, { inputs: rank, outputs }),
  ];
}

function mambaMixer(fields: ConfigFields, hiddenSize: number): Mixer {
  const innerSize = hiddenSize * fields.count('mamba_expand', LIMITS.heads);
  const heads = fields.count('n_mamba_heads', LIMITS.heads);
  return mamba2(
    hiddenSize,
    {
      kind: 'mamba2',
      innerSize,
      heads,
      headSize: fields.countOr('mamba_headdim', Math.max(1, Math.floor(innerSize / heads)), LIMITS.headSize),
      groups: fields.count('mamba_ngroups', LIMITS.heads),
      stateSize: fields.count('mamba_d_state', LIMITS.headSize),
      convKernel: fields.count('mamba_d_conv', LIMITS.headSize),
      ...stateDataType(fields),
    },
    { projectionBias: fields.switch('add_bias_linear', false), module: 'mamba' },
  );
}
