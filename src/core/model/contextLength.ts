import { type ConfigFields, LIMITS } from './configFields.ts';

/**
 * The longest context that the engines derive from the model: `max_position_embeddings`, stretched by rope scaling.
 * Types whose file already states the stretched length are left alone; yarn counts from the original one.
 * Source: vLLM config/model.py, `_get_and_verify_max_len`.
 */
export function scaledContext(fields: ConfigFields, maxPositionEmbeddings: number): number {
  const scaling = fields.section('rope_scaling') ?? fields.section('rope_parameters');
  if (scaling === undefined) return maxPositionEmbeddings;
  const kind = scaling.value('rope_type') ?? scaling.value('type');
  if (kind !== 'linear' && kind !== 'dynamic' && kind !== 'yarn') return maxPositionEmbeddings;
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
