import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { ModelFamily, ModelShape } from '../family.ts';
import { attendingLayers, hybridModel } from '../hybrid.ts';
import { expertCounts, sharedWidth, sparseAfterDense } from '../moe.ts';
import { denseMlp, latentAttention, layer, linear, type Mixer, norms, routedExperts } from '../parts.ts';
import { kimiDelta } from '../stateParts.ts';
import { latentModelSizes, latentSizes } from './latent.ts';

/** Kimi Delta Attention in most layers, latent attention in the others, experts behind both. */
function deltaAndLatent(
  fields: ConfigFields,
  attends: readonly boolean[],
  mixers: { readonly delta: () => Mixer; readonly latent: (plain: Mixer) => Mixer },
): ModelShape {
  const sizes = latentModelSizes(fields);
  const { hiddenSize, layerCount, intermediateSize } = sizes;
  const { attention, ...options } = latentSizes(fields);
  const routes = sparseAfterDense(fields, layerCount);
  const width = fields.count('moe_intermediate_size', LIMITS.width);
  return hybridModel(fields, {
    ...sizes,
    kinds: attends.map(
      (latent, index) => `${latent ? 'latent' : 'delta'} ${routes(index) ? 'experts' : 'mlp'}`,
    ),
    make: (kind) =>
      layer(
        [
          kind.startsWith('delta')
            ? mixers.delta()
            : mixers.latent(latentAttention(hiddenSize, attention, options)),
        ],
        kind.endsWith('experts')
          ? routedExperts(hiddenSize, {
              ...expertCounts(fields),
              width,
              sharedWidth: sharedWidth(fields, width, 'num_shared_experts'),
            })
          : denseMlp(hiddenSize, { width: intermediateSize, gated: true }),
        norms(hiddenSize, 2),
      ),
    rotarySize: fields.switch('mla_use_nope', false) ? 0 : attention.rotarySize,
  });
}

/** Kimi Linear 48B-A3B. Released files list the layers in `linear_attn_config`, counted from 1. */
export const kimiLinear: ModelFamily = {
  modelType: 'kimi_linear',
  architecture: 'KimiLinearForCausalLM',
  defaults: {
    kv_lora_rank: 512,
    qk_rope_head_dim: 64,
    qk_nope_head_dim: 128,
    v_head_dim: 128,
    num_experts: 256,
    num_experts_per_token: 8,
    num_shared_experts: 1,
    first_k_dense_replace: 1,
    moe_intermediate_size: 1024,
  },
  shape(fields) {
    const layerCount = fields.count('num_hidden_layers', LIMITS.layers);
    const hiddenSize = fields.count('hidden_size', LIMITS.width);
    const listed = fields.section('linear_attn_config');
    const attending = listed?.numbers('full_attn_layers');
    const size = (inner: string, flat: string, absent: number, maximum: number) =>
      listed?.value(inner) === undefined
        ? fields.countOr(flat, absent, maximum)
        : listed.count(inner, maximum);
    const delta = () =>
      kimiDelta(hiddenSize, {
        kind: 'kimi-delta',
        heads: size('num_heads', 'linear_num_heads', 32, LIMITS.heads),
        headSize: size('head_dim', 'linear_head_dim', 128, LIMITS.headSize),
        convKernel: size('short_conv_kernel_size', 'linear_conv_kernel_dim', 4, LIMITS.headSize),
      });
    const attends = attendingLayers(fields, layerCount, (index) =>
      attending === undefined ? index > 0 && index % 4 === 0 : attending.includes(index + 1),
    );
    return deltaAndLatent(fields, attends, { delta, latent: (plain) => plain });
  },
};

/** Ling and Ring 2.5 hybrids: decay and gate with whole projections, and one gate a head on what latent attention returns. */
export const bailingHybrid: ModelFamily = {
  modelType: 'bailing_hybrid',
  architecture: 'BailingHybridForCausalLM',
  defaults: {
    kv_lora_rank: 512,
    qk_rope_head_dim: 64,
    qk_nope_head_dim: 128,
    v_head_dim: 128,
    num_experts_per_token: 8,
    num_shared_experts: 1,
    first_k_dense_replace: 2,
    moe_intermediate_size: 768,
    num_experts: 512,
  },
  shape(fields) {
    const { hiddenSize, queryHeads, layerCount } = latentModelSizes(fields);
    const group = fields.countOr('layer_group_size', 6, LIMITS.layers);
    const delta = () =>
      kimiDelta(
        hiddenSize,
        {
          kind: 'kimi-delta',
          heads: fields.countOr('linear_num_heads', queryHeads, LIMITS.heads),
          headSize: fields.countOr(['linear_head_dim', 'head_dim'], 128, LIMITS.headSize),
          convKernel: fields.countOr(
            ['linear_conv_kernel_dim', 'short_conv_kernel_size'],
            4,
            LIMITS.headSize,
          ),
        },
        { wholeGates: true },
      );
    const latent = (plain: Mixer): Mixer => ({
      ...plain,
      weights: [
        ...plain.weights,
        ...linear('attention', 'self_attn', { inputs: hiddenSize, outputs: queryHeads }),
      ],
    });
    const attends = attendingLayers(fields, layerCount, (index) => (index + 1) % group === 0);
    return deltaAndLatent(fields, attends, { delta, latent });
  },
};
