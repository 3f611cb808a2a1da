import type { ConfigFields } from './configFields.ts';

/** Signs in config.json of structures whose memory is not that of a dense decoder. First match is named. */
const signs: readonly { readonly what: string; readonly pattern: RegExp }[] = [
  { what: 'a mixture of experts', pattern: /expert|^moe_|_moe_|_moe$/ },
  { what: 'multi-head latent attention', pattern: /^(kv|q)_lora_rank$/ },
  {
    what: 'state-space (Mamba) layers',
    pattern: /mamba|^ssm_|^state_size$|^hybrid_override_pattern$|^attn_layer_period$|^time_step_/,
  },
  {
    what: 'linear attention',
    pattern: /^linear_(attn|num|key|value|conv)|^full_attention_interval$|^lightning/,
  },
  {
    what: 'a vision, audio or other part beside the text model',
    pattern: /^(text|vision|audio|thinker|llm)_config$/,
  },
  {
    what: 'layers that differ from each other',
    pattern: /^block_configs$|^num_kv_shared_layers$|^attention_chunk_size$/,
  },
  { what: 'per-layer embeddings', pattern: /per_layer_input/ },
];

/**
 * What makes this model one that is not covered yet, in words, or undefined. Fields that are null, 0 or false do not count:
 * dense files carry such leftovers.
 */
export function structureNotCovered(fields: ConfigFields): { what: string; field: string } | undefined {
  for (const field of fields.names()) {
    const value = fields.value(field);
    if (value === undefined || value === 0 || value === false) continue;
    const sign = signs.find(({ pattern }) => pattern.test(field));
    if (sign !== undefined) return { what: sign.what, field };
  }
  if (fields.value('is_encoder_decoder') === true) {
    return { what: 'an encoder beside the decoder', field: 'is_encoder_decoder' };
  }
  if (fields.value('add_cross_attention') === true) {
    return { what: 'cross attention', field: 'add_cross_attention' };
  }
  const layerTypes = fields.value('layer_types');
  if (Array.isArray(layerTypes)) {
    const other: unknown = layerTypes.find(
      (type) => type !== 'full_attention' && type !== 'sliding_attention' && typeof type === 'string',
    );
    if (other !== undefined) return { what: `layers of type ${String(other)}`, field: 'layer_types' };
  }
  return undefined;
}

/** `LlamaForCausalLM`, `GPT2LMHeadModel`: heads that generate text. */
export function generatesText(architecture: string): boolean {
  return /ForCausalLM$|LMHeadModel$/.test(architecture);
}
