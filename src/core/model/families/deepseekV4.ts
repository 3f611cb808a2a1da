import { commonSizes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import { alike, decoder } from '../decoder.ts';
import type { LatentAttention, OuterWeightGroup, WeightGroup } from '../facts.ts';
import type { ModelFamily } from '../family.ts';
import { expertCounts } from '../moe.ts';
import { type FeedForwardPart, linear, type Mixer, norms, routedExperts, vector } from '../parts.ts';

/** What a layer stores of tokens before its window: nothing, a state for few tokens that an indexer chooses from, or one for many. */
type Compression = 'none' | 'sparse' | 'heavy';

const COMPRESSION_OF = new Map<unknown, Compression>([
  ['sliding_attention', 'none'],
  ['compressed_sparse_attention', 'sparse'],
  ['heavily_compressed_attention', 'heavy'],
]);

/**
 * DeepSeek-V4: one key that is also the value, shared by all heads; compressed states beyond a window; grouped low-rank output;
 * several residual streams that hyper-connections mix; experts in every layer, as wide as the shared one.
 */
export const deepseekV4: ModelFamily = {
  modelType: 'deepseek_v4',
  architecture: 'DeepseekV4ForCausalLM',
  defaults: {
    num_attention_heads: 64,
    head_dim: 512,
    q_lora_rank: 1024,
    num_experts_per_tok: 6,
    n_routed_experts: 256,
    moe_intermediate_size: 2048,
    max_position_embeddings: 1_048_576,
    hc_mult: 4,
    sliding_window: 128,
    o_groups: 8,
    o_lora_rank: 1024,
    index_n_heads: 64,
    index_head_dim: 128,
  },
  shape(fields) {
    const sizes = commonSizes(fields.withValues({ num_key_value_heads: 1 }), { intermediateSize: false });
    const { hiddenSize, layerCount } = sizes;
    const streams = fields.count('hc_mult', 256);
    const rotarySize = rotarySizeOf(fields, sizes.headSize);
    const width = fields.count('moe_intermediate_size', LIMITS.width);
    const experts = routedExperts(hiddenSize, {
      ...expertCounts(fields),
      width,
      sharedWidth: width,
      sharedBias: fields.switch('mlp_bias', false),
    });
    return decoder(fields, sizes, {
      mixers: alike(compressions(fields, layerCount), (kind) =>
        attention(fields, { ...sizes, rotarySize }, kind),
      ),
      feedForwards: new Array<FeedForwardPart>(layerCount).fill(experts),
      layerWeights: [hyperConnection(hiddenSize, streams), hyperConnection(hiddenSize, streams)],
      outer: [headConnection(hiddenSize, streams)],
      rotarySize,
    });
  },
};

function rotarySizeOf(fields: ConfigFields, headSize: number): number {
  const factor = fields.positiveNumber('partial_rotary_factor');
  const written = fields.wholeOr('qk_rope_head_dim', 0, LIMITS.headSize);
  if (written > 0) return Math.min(written, headSize);
  return Math.max(1, Math.floor(headSize * Math.min(1, factor ?? 64 / 512)));
}

/** By `layer_types`, or by `compress_ratios` of the released files, which have an entry for the draft layer as well. */
function compressions(fields: ConfigFields, layerCount: number): readonly Compression[] {
  const types = fields.perLayer('layer_types', layerCount);
  const ratios = types === undefined ? fields.numbers('compress_ratios') : [];
  return Array.from({ length: layerCount }, (_, layer) => {
    if (types !== undefined) return COMPRESSION_OF.get(types[layer]) ?? 'none';
    const ratio = ratios[layer];
    if (ratio !== undefined) return ratio === 0 ? 'none' : ratio <= 4 ? 'sparse' : 'heavy';
    return layer < 2 || layer % 2 === 0 ? 'heavy' : 'sparse';
  });
}

function attention(
  fields: ConfigFields,
  sizes: {
    readonly hiddenSize: number;
    readonly queryHeads: number;
    readonly headSize: number;
    readonly rotarySize: number;
  },
  compression: Compression,
): Mixer {
  const { hiddenSize, queryHeads, headSize, rotarySize } = sizes;
  const module = 'self_attn';
  const queryRank = fields.count('q_lora_rank', LIMITS.width);
  const groups = fields.count('o_groups', LIMITS.heads);
  const outputs = groups * fields.count('o_lora_rank', LIMITS.width);
  const indexerHeads = fields.count('index_n_heads', LIMITS.heads);
  const indexerHeadSize = fields.count('index_head_dim', LIMITS.headSize);
  const rates = fields.section('compress_rates');
  const sparseRate = rates?.countOr('compressed_sparse_attention', 4, LIMITS.tokens) ?? 4;
  const heavyRate = rates?.countOr('heavily_compressed_attention', 128, LIMITS.tokens) ?? 128;
  const whole = { sharding: 'replicated' } as const;
  const compressor = (name: string, size: number, channels: number, rate: number): WeightGroup[] => [
    ...linear('attention', name, { inputs: hiddenSize, outputs: 2 * channels, ...whole }),
    vector('attention', name, rate * channels),
    norms(size),
  ];
  const weights = [
    ...linear('attention', module, { inputs: hiddenSize, outputs: queryRank + headSize, ...whole }),
    norms(queryRank + headSize),
    ...linear('attention', module, { inputs: queryRank, outputs: queryHeads * headSize }),
    ...linear('attention', module, { inputs: Math.floor((queryHeads * headSize) / groups), outputs }),
    ...linear('attention', module, { inputs: outputs, outputs: hiddenSize }),
    vector('attention', module, queryHeads, 'split'),
  ];
  if (compression === 'heavy')
    weights.push(...compressor(`${module}.compressor`, headSize, headSize, heavyRate));
  if (compression === 'sparse') {
    const indexer = `${module}.compressor.indexer`;
    weights.push(
      ...compressor(`${module}.compressor`, headSize, 2 * headSize, sparseRate),
      ...compressor(indexer, indexerHeadSize, 2 * indexerHeadSize, sparseRate),
      ...linear('attention', indexer, {
        inputs: queryRank,
        outputs: indexerHeads * indexerHeadSize,
        ...whole,
      }),
      ...linear('attention', indexer, { inputs: hiddenSize, outputs: indexerHeads, ...whole }),
    );
  }
  const mixer: LatentAttention = {
    kind: 'latent',
    queryHeads,
    latentSize: headSize - rotarySize,
    rotarySize,
    headSize: headSize - rotarySize,
    valueHeadSize: headSize,
    windowTokens: fields.count('sliding_window', LIMITS.tokens),
    compressRatio: compression === 'none' ? 0 : compression === 'sparse' ? sparseRate : heavyRate,
    ...(compression === 'sparse' ? { indexerHeadSize } : {}),
  };
  return { mixer, weights };
}

/** What mixes the residual streams around attention, and again around the MLP. */
function hyperConnection(hiddenSize: number, streams: number): WeightGroup {
  const mixes = (2 + streams) * streams;
  return vector('other', 'hyper_connection', mixes * streams * hiddenSize + mixes + 3);
}

function headConnection(hiddenSize: number, streams: number): OuterWeightGroup {
  const count = streams * streams * hiddenSize + streams + 1;
  return { ...vector('other', 'hc_head', count), stage: 'last' };
}
