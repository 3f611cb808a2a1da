import { type ConfigFields, LIMITS } from './configFields.ts';
import { alike } from './decoder.ts';
import { FIELD_NAMES } from './fieldNames.ts';
import type { FeedForwardPart } from './parts.ts';

/** Experts where `isSparse`, the dense MLP elsewhere: one entry a layer. */
export function expertLayers(
  layerCount: number,
  isSparse: (layer: number) => boolean,
  experts: () => FeedForwardPart,
  dense: () => FeedForwardPart,
): readonly FeedForwardPart[] {
  const sparse = Array.from({ length: layerCount }, (_, layer) => isSparse(layer));
  return alike(sparse, (routed) => (routed ? experts() : dense()));
}

/** Sparse layers by `mlp_layer_types` where it is there, else by `otherwise`. */
export function sparseByType(
  fields: ConfigFields,
  layerCount: number,
  otherwise: (layer: number) => boolean,
): (layer: number) => boolean {
  const types = fields.perLayer('mlp_layer_types', layerCount);
  return types === undefined ? otherwise : (layer) => types[layer] !== 'dense';
}

/** DeepSeek's way: the first layers are dense, then each `moe_layer_freq`th is sparse; some files list the layers. */
export function sparseAfterDense(fields: ConfigFields, layerCount: number): (layer: number) => boolean {
  const first = fields.wholeOr('first_k_dense_replace', 0, LIMITS.layers);
  if (Array.isArray(fields.value('moe_layer_freq'))) {
    const listed = fields.perLayer('moe_layer_freq', layerCount) ?? [];
    return (layer) => listed[layer] !== 0;
  }
  const each = fields.countOr('moe_layer_freq', 1, LIMITS.layers);
  return sparseByType(fields, layerCount, (layer) => layer >= first && layer % each === 0);
}

/** Qwen's way: each `decoder_sparse_step`th layer is sparse but those of `mlp_only_layers`. */
export function sparseByStep(fields: ConfigFields, layerCount: number): (layer: number) => boolean {
  const step = fields.countOr('decoder_sparse_step', 1, LIMITS.layers);
  const dense = new Set(fields.numbers('mlp_only_layers'));
  return sparseByType(fields, layerCount, (layer) => !dense.has(layer) && (layer + 1) % step === 0);
}

/** How many experts there are and how many work on a token, by any of the names in use. */
export function expertCounts(fields: ConfigFields): { experts: number; activeExperts: number } {
  return {
    experts: fields.count(FIELD_NAMES.experts, LIMITS.experts),
    activeExperts: fields.countOr(FIELD_NAMES.activeExperts, 1, LIMITS.experts),
  };
}

/** Width of all shared experts together where each is as wide as a routed one. */
export function sharedWidth(
  fields: ConfigFields,
  width: number,
  names: string | readonly string[] = 'n_shared_experts',
): number {
  return width * fields.wholeOr(names, 0, LIMITS.experts);
}
