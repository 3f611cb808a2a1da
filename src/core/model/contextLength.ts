import { type ConfigFields, isRecord } from './configFields.ts';

/**
 * The longest context that the engines derive from the model: `max_position_embeddings`, stretched by rope scaling.
 * Types whose file already states the stretched length are left alone; yarn counts from the original one.
 * Source: vLLM config/model.py, `_get_and_verify_max_len`.
 */
export function scaledContext(fields: ConfigFields, maxPositionEmbeddings: number): number {
  const scaling = fields.value('rope_scaling') ?? fields.value('rope_parameters');
  if (!isRecord(scaling)) return maxPositionEmbeddings;
  const kind = scaling['rope_type'] ?? scaling['type'];
  if (kind !== 'linear' && kind !== 'dynamic' && kind !== 'yarn') return maxPositionEmbeddings;
  const factor = positive(scaling['factor']) ?? 1;
  const original = positive(scaling['original_max_position_embeddings']);
  const base = kind === 'yarn' && original !== undefined ? original : maxPositionEmbeddings;
  return Math.max(1, Math.min(Math.floor(base * factor), Number.MAX_SAFE_INTEGER));
}

function positive(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : undefined;
}
