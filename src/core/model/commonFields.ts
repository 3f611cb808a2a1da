import { type ConfigFields, LIMITS } from './configFields.ts';

/** Sizes that most decoder families name alike. */
export interface CommonSizes {
  readonly hiddenSize: number;
  readonly intermediateSize: number;
  readonly queryHeads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly vocabularySize: number;
  readonly layerCount: number;
}

/**
 * `defaultKeyValueHeads` and `defaultHeadSize`: what the family's configuration class takes where the key is
 * absent altogether. A null means "as many as query heads" and "hidden / heads" in all of them.
 */
export function commonSizes(
  fields: ConfigFields,
  defaults: { readonly keyValueHeads?: number; readonly headSize?: number } = {},
): CommonSizes {
  const hiddenSize = fields.count('hidden_size', LIMITS.width);
  const queryHeads = fields.count('num_attention_heads', LIMITS.heads);
  const absentHeads = fields.mentions('num_key_value_heads') ? undefined : defaults.keyValueHeads;
  const absentSize = fields.mentions('head_dim') ? undefined : defaults.headSize;
  const keyValueHeads = fields.countOr('num_key_value_heads', absentHeads ?? queryHeads, LIMITS.heads);
  const headSize = fields.countOr(
    'head_dim',
    absentSize ?? Math.max(1, Math.floor(hiddenSize / queryHeads)),
    LIMITS.headSize,
  );
  if (queryHeads % keyValueHeads !== 0) {
    fields.reject('num_key_value_heads', `a divisor of num_attention_heads (${queryHeads})`);
  }
  return {
    hiddenSize,
    intermediateSize: fields.count('intermediate_size', LIMITS.width),
    queryHeads,
    keyValueHeads,
    headSize,
    vocabularySize: fields.count('vocab_size', LIMITS.vocabulary),
    layerCount: fields.count('num_hidden_layers', LIMITS.layers),
  };
}

/** Full attention in every layer. */
export function fullAttention(layerCount: number): (number | null)[] {
  return new Array<number | null>(layerCount).fill(null);
}

/**
 * Windows by `layer_types`, which wins over everything else where it is there; undefined where it is not.
 * Other kinds of layer than full and sliding attention are refused before a family is asked.
 */
export function windowsByLayerTypes(
  fields: ConfigFields,
  layerCount: number,
  windowTokens: number | null,
): (number | null)[] | undefined {
  const types = fields.value('layer_types');
  if (types === undefined) return undefined;
  if (!Array.isArray(types) || types.length !== layerCount) {
    fields.reject('layer_types', `a list with one entry for each of the ${layerCount} layers`);
    return undefined;
  }
  return types.map((type: unknown) => (type === 'sliding_attention' ? windowTokens : null));
}

/** `sliding_window` in tokens; null where it is null, or absent and the class has no default. */
export function slidingWindow(fields: ConfigFields, classDefault: number | null): number | null {
  if (!fields.mentions('sliding_window')) return classDefault;
  return fields.value('sliding_window') === undefined ? null : fields.count('sliding_window', LIMITS.tokens);
}
