import type { ParameterKind } from './parameterKinds.ts';

/** What an engine leaves in the file when it loads a model. */
export type NotLoadedReason =
  | 'draft-layers'
  | 'rotary-buffers'
  | 'tied-head'
  | 'optimizer'
  | 'consolidated'
  | 'outside-the-index';

export type TensorPlace =
  | { readonly kind: ParameterKind }
  /** Left in the file. */
  | { readonly notLoaded: NotLoadedReason };

/** What of a model decides whether a tensor is loaded. */
export interface TensorNameContext {
  /** Decoder layers; those numbered from here on are draft layers (DeepSeek-V3's `model.layers.61`). */
  readonly layers: number;
  readonly tiedEmbeddings: boolean;
}

const LAYER = /(?:^|\.)(?:layers|h|blocks|blk)\.(\d+)\./;

/** First that matches wins. Names are of Transformers' modules, then Mistral's own, then GGUF's. */
const KINDS: readonly (readonly [RegExp, ParameterKind])[] = [
  [/(^|\.)(audio_tower|audio_encoder|audio_model|audio_projector|embed_audio|speech_\w+|audio)\./, 'audio'],
  [
    /(^|\.)(vision_\w+|visual|vit|vpm|resampler|multi_modal_projector|mm_projector|mm_input_projection\w*|mlp1|embed_vision|patch_merger|pre_mm_projector_norm|image_newline|img_projector|vision)(\.|$)/,
    'vision',
  ],
  [/(^|\.)(v|mm)\.(blk|patch|position|post|pre|merger|\d+)/, 'vision'],
  [/(^|\.)(wpe|embed_positions|position_embeddings?|position_embd)\./, 'positionEmbedding'],
  [
    /(^|\.)(embed_tokens|embed_in|wte|word_embeddings|tok_embeddings|token_embd|embedding|embeddings)\.(weight|q?weight\w*|scales|qzeros|biases)/,
    'embedding',
  ],
  [/(^|\.)(lm_head|embed_out|output)\.(weight|bias|q?weight\w*|scales|qzeros|biases|g_idx)/, 'head'],
  [/e_score_correction_bias|exp_probs_b/, 'router'],
  [/(^|[._])(layer_?norm\w*|norm\w*|ln_\w+|ln\d*|\w+_norm|\w+_layer_?norm)\.(weight|bias)$/, 'norms'],
  [/shared_expert|shared_mlp|_shexp\./, 'sharedExperts'],
  [/(^|\.)experts?[._]|(^|\.)(switch_mlp|input_linear|output_linear)\.|_exps\./, 'routedExperts'],
  [/\.(gate|router|ffn_gate_inp|gate_inp)\.|(^|\.)router\./, 'router'],
  [
    /(self_attn\w*|self_attention|attention\w*|attn\w*|mixer|mamba|linear_attn|short_conv|conv|temporal_block|ssm\w*|qkv\w*|Wqkv|q_proj|k_proj|v_proj|o_proj)\./,
    'attention',
  ],
  [/(mlp|feed_forward|ffn\w*|fc1|fc2|fc_in|fc_out|dense_\w+|gate_proj|up_proj|down_proj|w1|w2|w3)\./, 'mlp'],
];

/**
 * What a tensor of a checkpoint is for, by its name, and whether an engine loads it. Names that say nothing are `other`.
 * Scales and zero points of quantised matrices belong to what they scale.
 */
export function tensorPlace(name: string, context: TensorNameContext): TensorPlace {
  if (/(^|\.)mtp[._]|(^|\.)nextn[._]|(^|\.)mtp\d*$/.test(name)) return { notLoaded: 'draft-layers' };
  if (/rotary_(pos_)?emb\.|\.inv_freq$|rope_freqs/.test(name)) return { notLoaded: 'rotary-buffers' };
  if (/^(optimizer|optim|scheduler|exp_avg|exp_avg_sq)\b/.test(name)) return { notLoaded: 'optimizer' };
  const kind = KINDS.find(([pattern]) => pattern.test(name))?.[1] ?? 'other';
  if (kind === 'vision' || kind === 'audio') return { kind };
  const layer = LAYER.exec(name)?.[1];
  if (layer !== undefined && context.layers > 0 && Number(layer) >= context.layers) {
    return { notLoaded: 'draft-layers' };
  }
  if (kind === 'head' && context.tiedEmbeddings && layer === undefined) return { notLoaded: 'tied-head' };
  return { kind };
}
