import { commonSizes } from '../commonFields.ts';
import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { LayerFacts } from '../facts.ts';
import type { ModelFamily } from '../family.ts';
import { hybridModel, stateDataType } from '../hybrid.ts';
import { expertCounts } from '../moe.ts';
import { denseMlp, type FeedForwardPart, layer, linear, norms, routedExperts, vector } from '../parts.ts';
import { mamba2 } from '../stateParts.ts';
import { hybridAttention } from './mambaHybrids.ts';

type Block = 'mamba' | 'attention' | 'mlp' | 'moe';

/** Letters of `hybrid_override_pattern`. */
const LETTERS: Readonly<Record<string, Block>> = { M: 'mamba', '*': 'attention', '-': 'mlp', E: 'moe' };

/** Entries of `layers_block_type`, in its older and newer words. */
const WORDS: Readonly<Record<string, Block>> = {
  mamba: 'mamba',
  linear_attention: 'mamba',
  attention: 'attention',
  full_attention: 'attention',
  mlp: 'mlp',
  moe: 'moe',
};

/**
 * Nemotron-H, Nemotron Nano 2 and Nemotron 3: blocks that are a Mamba-2, an attention, an MLP or experts alone, each with one norm. No
 * rotary positions. Experts may work in a narrower latent space (Nemotron 3 Super). The multi-token prediction layers of the
 * file are loaded only for speculation and not counted. The engine gives the shared MLP `n_shared_experts` times its width; released files
 * have one (vLLM 0.33, models/nemotron_h.py).
 */
export const nemotronH: ModelFamily = {
  modelType: 'nemotron_h',
  architecture: 'NemotronHForCausalLM',
  otherArchitectures: ['NemotronHPuzzleForCausalLM'],
  defaults: {
    num_key_value_heads: 8,
    head_dim: 128,
    max_position_embeddings: 4096,
    mamba_num_heads: 128,
    mamba_head_dim: 64,
    n_groups: 8,
    ssm_state_size: 128,
    conv_kernel: 4,
    n_routed_experts: 8,
    num_experts_per_tok: 2,
    moe_intermediate_size: 7688,
    moe_shared_expert_intermediate_size: 7688,
  },
  shape(read) {
    // The class never ties the head, whatever the file says.
    const fields = read.withValues({ tie_word_embeddings: false });
    const blocks = blocksOf(fields);
    // Files without experts name numbers of them too.
    fields.wholeOr('n_routed_experts', 0, LIMITS.experts);
    const sizes = commonSizes(fields.withValues({ num_hidden_layers: Math.max(1, blocks.length) }), {
      intermediateSize: false,
    });
    const { hiddenSize, intermediateSize } = sizes;
    const bias = fields.switch('mlp_bias', false);
    const make = (block: Block): LayerFacts => {
      switch (block) {
        case 'mamba':
          return layer([mixer(fields, hiddenSize)], undefined, norms(hiddenSize));
        case 'attention':
          return layer(
            [hybridAttention(fields.withValues({ attention_bias: false }), sizes)],
            undefined,
            norms(hiddenSize),
          );
        case 'mlp':
          return layer(
            [],
            denseMlp(hiddenSize, { width: intermediateSize, gated: false, bias, module: 'mixer' }),
            norms(hiddenSize),
          );
        case 'moe':
          return layer([], experts(fields, hiddenSize, bias), norms(hiddenSize));
      }
    };
    return hybridModel(fields, { ...sizes, kinds: blocks, make, rotarySize: 0 });
  },
};

function blocksOf(fields: ConfigFields): readonly Block[] {
  const name = ['layers_block_type', 'layer_types'].find((candidate) =>
    Array.isArray(fields.value(candidate)),
  );
  const pattern = name === undefined ? fields.text('hybrid_override_pattern') : undefined;
  const entries: readonly unknown[] =
    name === undefined ? [...(pattern ?? '')] : (fields.value(name) as readonly unknown[]);
  const read = name === undefined ? LETTERS : WORDS;
  const blocks = entries.map((entry) =>
    typeof entry === 'string' && Object.hasOwn(read, entry) ? read[entry] : undefined,
  );
  const known = blocks.filter((block) => block !== undefined);
  if (known.length === 0 || known.length !== blocks.length || known.length > LIMITS.layers) {
    fields.reject(name ?? 'hybrid_override_pattern', 'the kinds of the blocks: M, *, - or E for each');
    return ['mamba'];
  }
  return known;
}

function mixer(fields: ConfigFields, hiddenSize: number) {
  const heads = fields.count('mamba_num_heads', LIMITS.heads);
  const headSize = fields.count('mamba_head_dim', LIMITS.headSize);
  return mamba2(
    hiddenSize,
    {
      kind: 'mamba2',
      innerSize: heads * headSize,
      heads,
      headSize,
      groups: fields.count('n_groups', LIMITS.heads),
      stateSize: fields.count('ssm_state_size', LIMITS.headSize),
      convKernel: fields.count('conv_kernel', LIMITS.headSize),
      ...stateDataType(fields),
    },
    {
      projectionBias: fields.switch('use_bias', false),
      convolutionBias: fields.switch('use_conv_bias', true),
    },
  );
}

function experts(fields: ConfigFields, hiddenSize: number, bias: boolean): FeedForwardPart {
  const latentSize = fields.wholeOr('moe_latent_size', 0, LIMITS.width);
  const part = routedExperts(latentSize || hiddenSize, {
    ...expertCounts(fields),
    width: fields.count('moe_intermediate_size', LIMITS.width),
    gated: false,
    module: 'mixer',
  });
  const sharedWidth = fields.wholeOr('moe_shared_expert_intermediate_size', 0, LIMITS.width);
  const shared = denseMlp(hiddenSize, {
    width: sharedWidth,
    gated: false,
    bias,
    kind: 'sharedExperts',
    module: 'mixer.shared_experts',
  });
  const { feedForward } = part;
  const experts = feedForward.kind === 'experts' ? feedForward.experts : 0;
  const latent = { sharding: 'replicated', bias } as const;
  return {
    feedForward: feedForward.kind === 'experts' ? { ...feedForward, sharedWidth } : feedForward,
    weights: [
      // The router sees the hidden state, also where the experts do not.
      ...part.weights.filter(({ kind }) => kind !== 'router'),
      vector('router', 'mixer.gate', experts * hiddenSize),
      ...shared.weights,
      ...(latentSize === 0
        ? []
        : [
            ...linear('mlp', 'mixer.latent_proj', { inputs: hiddenSize, outputs: latentSize, ...latent }),
            ...linear('mlp', 'mixer.latent_proj', { inputs: latentSize, outputs: hiddenSize, ...latent }),
          ]),
    ],
  };
}
