import { type CommonSizes, commonSizes, rotaryWidth } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { ModelFamily } from '../family.ts';
import { attendingLayers, hybridModel, stateDataType } from '../hybrid.ts';
import { expertCounts } from '../moe.ts';
import {
  denseMlp,
  type FeedForwardPart,
  headAttention,
  layer,
  type Mixer,
  norms,
  routedExperts,
} from '../parts.ts';
import { mamba1, mamba2 } from '../stateParts.ts';
import { timeStepRank } from './mamba.ts';

/** Attention over all tokens, with biases by `attention_bias`. */
export function hybridAttention(fields: ConfigFields, sizes: CommonSizes): Mixer {
  const { queryHeads, keyValueHeads, headSize } = sizes;
  const bias = fields.switch('attention_bias', false);
  return headAttention(
    sizes.hiddenSize,
    { kind: 'full', queryHeads, keyValueHeads, headSize },
    { queryKeyValueBias: bias, outputBias: bias },
  );
}

/** Mamba-2 by the names that Bamba, Granite 4 and Falcon-H1 share. */
function bambaMixer(
  fields: ConfigFields,
  hiddenSize: number,
  options: Parameters<typeof mamba2>[2] = {},
): Mixer {
  const expanded = hiddenSize * fields.countOr('mamba_expand', 2, LIMITS.heads);
  const innerSize = fields.countOr('mamba_d_ssm', expanded, LIMITS.width);
  const heads = fields.countOr('mamba_n_heads', 128, LIMITS.heads);
  const automatic = Math.max(1, Math.floor(innerSize / heads));
  return mamba2(
    hiddenSize,
    {
      kind: 'mamba2',
      innerSize,
      heads,
      headSize:
        fields.value('mamba_d_head') === 'auto'
          ? automatic
          : fields.countOr('mamba_d_head', automatic, LIMITS.headSize),
      groups: fields.countOr('mamba_n_groups', 1, LIMITS.heads),
      stateSize: fields.countOr('mamba_d_state', 256, LIMITS.headSize),
      convKernel: fields.countOr('mamba_d_conv', 4, LIMITS.headSize),
      ...stateDataType(fields),
    },
    {
      projectionBias: fields.switch('mamba_proj_bias', false),
      convolutionBias: fields.switch('mamba_conv_bias', true),
      module: 'mamba',
      ...options,
    },
  );
}

/** Attention or a state space, then an MLP, with a norm before each. */
function mixerThenMlp(
  fields: ConfigFields,
  sizes: CommonSizes,
  attends: readonly boolean[],
  parts: {
    readonly mixer: () => Mixer;
    readonly feedForward: () => FeedForwardPart;
    readonly rotary?: number;
  },
) {
  return hybridModel(fields, {
    ...sizes,
    kinds: attends.map((attention) => (attention ? 'attention' : 'mamba')),
    make: (kind) =>
      layer(
        [kind === 'attention' ? hybridAttention(fields, sizes) : parts.mixer()],
        parts.feedForward(),
        norms(sizes.hiddenSize, 2),
      ),
    rotarySize: parts.rotary ?? rotaryWidth(fields, sizes.headSize),
  });
}

/** Bamba 9B: Mamba-2 in most layers. */
export const bamba: ModelFamily = {
  modelType: 'bamba',
  architecture: 'BambaForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    max_position_embeddings: 262_144,
    mamba_n_heads: 128,
    partial_rotary_factor: 0.5,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const attending = new Set(fields.numbers('attn_layer_indices'));
    return mixerThenMlp(
      fields,
      sizes,
      attendingLayers(fields, sizes.layerCount, (index) => attending.has(index)),
      {
        mixer: () => bambaMixer(fields, sizes.hiddenSize),
        feedForward: () =>
          denseMlp(sizes.hiddenSize, {
            width: sizes.intermediateSize,
            gated: true,
            bias: fields.switch('mlp_bias', false),
          }),
      },
    );
  },
};

/** Granite 4 H: experts and a shared MLP in every layer, or that MLP alone where there are none. */
export const graniteMoeHybrid: ModelFamily = {
  modelType: 'granitemoehybrid',
  architecture: 'GraniteMoeHybridForCausalLM',
  defaults: { max_position_embeddings: 2048, num_local_experts: 8, shared_intermediate_size: 1024 },
  shape(fields) {
    const sizes = commonSizes(fields);
    const sharedWidth = fields.wholeOr('shared_intermediate_size', 0, LIMITS.width);
    const hasExperts = fields.wholeOr('num_local_experts', 0, LIMITS.experts) > 0;
    return mixerThenMlp(
      fields,
      sizes,
      // The class takes state spaces in every layer where the file lists none.
      attendingLayers(fields, sizes.layerCount, () => false),
      {
        mixer: () => bambaMixer(fields, sizes.hiddenSize),
        feedForward: () =>
          hasExperts
            ? routedExperts(sizes.hiddenSize, {
                ...expertCounts(fields),
                width: sizes.intermediateSize,
                sharedWidth,
                module: 'block_sparse_moe',
              })
            : denseMlp(sizes.hiddenSize, { width: sharedWidth, gated: true, module: 'shared_mlp' }),
        ...(fields.value('position_embedding_type') === 'rope' ? {} : { rotary: 0 }),
      },
    );
  },
};

/** Falcon-H1: attention and Mamba-2 side by side in every layer. */
export const falconH1: ModelFamily = {
  modelType: 'falcon_h1',
  architecture: 'FalconH1ForCausalLM',
  defaults: { num_key_value_heads: 8, max_position_embeddings: 8192, mamba_d_ssm: 1024 },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, intermediateSize, layerCount } = sizes;
    return hybridModel(fields, {
      ...sizes,
      kinds: new Array<string>(layerCount).fill('parallel'),
      make: () =>
        layer(
          [
            hybridAttention(fields, sizes),
            bambaMixer(fields, hiddenSize, {
              outputBias: fields.switch('projectors_bias', false),
              gatedNorm: fields.switch('mamba_rms_norm', false),
            }),
          ],
          denseMlp(hiddenSize, {
            width: intermediateSize,
            gated: true,
            bias: fields.switch('mlp_bias', false),
            module: 'feed_forward',
          }),
          norms(hiddenSize, 2),
        ),
      rotarySize: rotaryWidth(fields, sizes.headSize),
    });
  },
};

/** Jamba 1 and 1.5: Mamba with inner norms, attention in every eighth layer, experts in every other; no rotary positions. */
export const jamba: ModelFamily = {
  modelType: 'jamba',
  architecture: 'JambaForCausalLM',
  defaults: {
    num_key_value_heads: 8,
    max_position_embeddings: 262_144,
    num_experts: 16,
    num_experts_per_tok: 2,
  },
  shape(fields) {
    const sizes = commonSizes(fields);
    const { hiddenSize, intermediateSize: width, layerCount } = sizes;
    const every = (period: string, offset: string, classPeriod: number, classOffset: number) => {
      const each = fields.countOr(period, classPeriod, LIMITS.layers);
      const first = fields.wholeOr(offset, classOffset, LIMITS.layers);
      return (index: number) => (((index - first) % each) + each) % each === 0;
    };
    const attends = attendingLayers(
      fields,
      layerCount,
      every('attn_layer_period', 'attn_layer_offset', 8, 4),
    );
    const routes = every('expert_layer_period', 'expert_layer_offset', 2, 1);
    const hasExperts = fields.wholeOr('num_experts', 0, LIMITS.experts) > 1;
    return hybridModel(fields, {
      ...sizes,
      kinds: attends.map(
        (attention, index) =>
          `${attention ? 'attention' : 'mamba'} ${hasExperts && routes(index) ? 'experts' : 'mlp'}`,
      ),
      make: (kind) =>
        layer(
          [kind.startsWith('attention') ? hybridAttention(fields, sizes) : jambaMixer(fields, hiddenSize)],
          kind.endsWith('experts')
            ? routedExperts(hiddenSize, { ...expertCounts(fields), width, module: 'feed_forward' })
            : denseMlp(hiddenSize, { width, gated: true, module: 'feed_forward' }),
          norms(hiddenSize, 2),
        ),
      rotarySize: 0,
    });
  },
};

function jambaMixer(fields: ConfigFields, hiddenSize: number): Mixer {
  return mamba1(
    hiddenSize,
    {
      kind: 'mamba1',
      innerSize: hiddenSize * fields.countOr('mamba_expand', 2, LIMITS.heads),
      stateSize: fields.countOr('mamba_d_state', 16, LIMITS.headSize),
      convKernel: fields.countOr('mamba_d_conv', 4, LIMITS.headSize),
      ...stateDataType(fields),
    },
    {
      timeStepRank: timeStepRank(fields, 'mamba_dt_rank', hiddenSize),
      projectionBias: fields.switch('mamba_proj_bias', false),
      convolutionBias: fields.switch('mamba_conv_bias', true),
      innerNorms: true,
      module: 'mamba',
    },
  );
}
