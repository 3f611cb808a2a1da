import type { ConfigFields } from './configFields.ts';

/** Signs in config.json of structures that change what a model weighs or caches. Each group is one thing under several names. */
const signs: readonly { readonly what: string; readonly names: readonly string[] }[] = [
  {
    what: 'a mixture of experts',
    names: ['num_experts', 'num_local_experts', 'n_routed_experts', 'moe_num_experts'],
  },
  { what: 'multi-head latent attention', names: ['kv_lora_rank'] },
  {
    what: 'state-space (Mamba) layers',
    names: ['mamba_d_state', 'mamba_num_heads', 'ssm_state_size', 'state_size', 'hybrid_override_pattern'],
  },
  {
    what: 'linear attention',
    names: ['linear_num_key_heads', 'linear_attn_config', 'lightning_attention', 'rwkv_version'],
  },
  { what: 'layers that differ from each other', names: ['block_configs'] },
];

export interface NotCovered {
  readonly what: string;
  readonly field: string;
}

/**
 * A structure that the file names and whose reader never asked for it, or undefined: it would be sized as something else. Fields that
 * are null, 0 or false do not count: dense files carry such leftovers. To be asked after the shape was made.
 */
export function unreadStructure(fields: ConfigFields): NotCovered | undefined {
  for (const { what, names } of signs) {
    if (names.some((name) => fields.wasRead(name))) continue;
    const field = names.find((name) => fields.mentions(name) && Boolean(fields.value(name)));
    if (field !== undefined) return { what, field };
  }
  return undefined;
}

/** An encoder or a cross attention beside the decoder. */
export function encoderBeside(fields: ConfigFields): NotCovered | undefined {
  if (fields.value('is_encoder_decoder') === true) {
    return { what: 'an encoder beside the decoder', field: 'is_encoder_decoder' };
  }
  if (fields.value('add_cross_attention') === true) {
    return { what: 'cross attention', field: 'add_cross_attention' };
  }
  return undefined;
}

/** `LlamaForCausalLM`, `GPT2LMHeadModel`, `LlavaForConditionalGeneration`: models that generate text. */
export function generatesText(architecture: string): boolean {
  return /(ForCausalLM|LMHeadModel|ForConditionalGeneration|ForImageTextToText|ForVision2Seq)$/.test(
    architecture,
  );
}
