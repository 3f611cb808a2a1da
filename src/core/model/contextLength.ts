import { type ConfigFields, isRecord, LIMITS } from './configFields.ts';

/** Names of the longest context, in the engine's order (vLLM 0.33, transformers_utils/model_arch_config_convertor.py). */
const CONTEXT_NAMES = [
  'max_position_embeddings',
  'n_positions',
  'max_seq_len',
  'seq_length',
  'model_max_length',
  'max_target_positions',
  'max_sequence_length',
  'max_seq_length',
  'seq_len',
];

/** What the engine assumes of a file that names no context. */
const ASSUMED_CONTEXT = 2048;

export function statedContext(fields: ConfigFields): number {
  return fields.countOr(CONTEXT_NAMES, ASSUMED_CONTEXT, LIMITS.tokens);
}

/**
 * The longest context that rope scaling stretches `max_position_embeddings` to. Types whose file already states the stretched length
 * are left alone; yarn counts from the original one. What a release makes of it is the engine's: engine/vllm/contextLimit.ts.
 * Source: vLLM config/model.py, `_get_and_verify_max_len`.
 */
export function scaledContext(fields: ConfigFields, maxPositionEmbeddings: number): number {
  const written = fields.section('rope_scaling') ?? fields.section('rope_parameters');
  const scaling = written === undefined ? undefined : ofFullAttention(written);
  if (scaling === undefined) return maxPositionEmbeddings;
  const kind = scaling.value('rope_type') ?? scaling.value('type');
  if (kind !== 'linear' && kind !== 'dynamic' && kind !== 'yarn') return maxPositionEmbeddings;
  // Gemma 3 states the stretched length.
  if (fields.word('model_type').startsWith('gemma3')) return maxPositionEmbeddings;
  const factor = scaling.positiveNumber('factor') ?? 1;
  const base =
    kind === 'yarn'
      ? scaling.countOr('original_max_position_embeddings', maxPositionEmbeddings, LIMITS.tokens)
      : maxPositionEmbeddings;
  const stretched = Math.floor(base * factor);
  if (stretched >= 1 && stretched <= LIMITS.tokens) return stretched;
  scaling.reject('factor', `one that makes a context of 1 to ${LIMITS.tokens} tokens out of ${base}`);
  return maxPositionEmbeddings;
}

/** Whether yarn, in any spelling, stretches the context. */
export function stretchedByYarn(fields: ConfigFields): boolean {
  const written = fields.section('rope_scaling') ?? fields.section('rope_parameters');
  const scaling = written === undefined ? undefined : ofFullAttention(written);
  return (scaling?.value('rope_type') ?? scaling?.value('type')) === 'yarn';
}

/** The context before LongRoPE stretches it; undefined without LongRoPE. */
export function contextBeforeLongRope(fields: ConfigFields): number | undefined {
  const scaling = fields.section('rope_scaling') ?? fields.section('rope_parameters');
  const kind = scaling?.value('rope_type') ?? scaling?.value('type');
  if (scaling === undefined || (kind !== 'longrope' && kind !== 'su')) return undefined;
  const name = 'original_max_position_embeddings';
  const holder = fields.value(name) === undefined ? scaling : fields;
  return holder.value(name) === undefined ? undefined : holder.count(name, LIMITS.tokens);
}

/** Newer files have one set of parameters a kind of layer; the full layers' one stretches. */
function ofFullAttention(rope: ConfigFields): ConfigFields | undefined {
  return isRecord(rope.value('full_attention')) ? rope.section('full_attention') : rope;
}
