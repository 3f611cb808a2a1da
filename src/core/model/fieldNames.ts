/** Names that files give to the same thing: today's first, then those of older files and of other authors. */
export const FIELD_NAMES = {
  hiddenSize: ['hidden_size', 'n_embd', 'd_model', 'n_embed'],
  queryHeads: ['num_attention_heads', 'n_head', 'n_heads', 'num_heads'],
  keyValueHeads: [
    'num_key_value_heads',
    'num_kv_heads',
    'n_head_kv',
    'multi_query_group_num',
    'num_attention_groups',
  ],
  headSize: ['head_dim', 'kv_channels', 'attention_head_dim', 'hidden_size_per_head'],
  layerCount: ['num_hidden_layers', 'n_layer', 'n_layers', 'num_layers'],
  vocabularySize: ['vocab_size', 'padded_vocab_size'],
  intermediateSize: ['intermediate_size', 'ffn_dim', 'n_inner', 'ffn_hidden_size'],
  experts: ['num_experts', 'num_local_experts', 'n_routed_experts', 'moe_num_experts'],
  activeExperts: [
    'num_experts_per_tok',
    'num_experts_per_token',
    'moe_topk',
    'moe_k',
    'moe_top_k',
    'top_k_experts',
  ],
  expertWidth: ['moe_intermediate_size', 'expert_ffn_hidden_size'],
  sharedExperts: ['n_shared_experts', 'num_shared_experts', 'moe_num_shared_experts'],
  draftLayers: ['num_nextn_predict_layers', 'num_mtp_layers', 'mtp_num_hidden_layers'],
  slidingWindowPattern: ['sliding_window_pattern', '_sliding_window_pattern'],
} as const;

const namesakes = new Map<string, readonly string[]>(
  Object.values(FIELD_NAMES).flatMap((names: readonly string[]) =>
    names.map((name) => [name, names] as const),
  ),
);

/** All names of what `name` names, itself among them. */
export function namesOf(name: string): readonly string[] {
  return namesakes.get(name) ?? [name];
}
