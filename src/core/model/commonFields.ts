import { type ConfigFields, LIMITS } from './configFields.ts';
import { FIELD_NAMES } from './fieldNames.ts';

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
 * A null, and an absent key without a default of the family, mean "as many as query heads" and "hidden / heads".
 * `intermediateSize`: false where the family has no such field, or takes another where it is absent; it is 0 then if absent.
 */
export function commonSizes(
  fields: ConfigFields,
  needs: { readonly intermediateSize?: boolean } = {},
): CommonSizes {
  const hiddenSize = fields.count(FIELD_NAMES.hiddenSize, LIMITS.width);
  const queryHeads = fields.count(FIELD_NAMES.queryHeads, LIMITS.heads);
  const keyValueHeads = fields.countOr(FIELD_NAMES.keyValueHeads, queryHeads, LIMITS.heads);
  // Some classes write 0 for "as usual".
  const headSize =
    fields.wholeOr(FIELD_NAMES.headSize, 0, LIMITS.headSize) ||
    Math.max(1, Math.floor(hiddenSize / queryHeads));
  if (queryHeads % keyValueHeads !== 0) {
    fields.reject('num_key_value_heads', `a divisor of num_attention_heads (${queryHeads})`);
  }
  return {
    hiddenSize,
    intermediateSize:
      needs.intermediateSize === false
        ? fields.wholeOr(FIELD_NAMES.intermediateSize, 0, LIMITS.width)
        : fields.count(FIELD_NAMES.intermediateSize, LIMITS.width),
    queryHeads,
    keyValueHeads,
    headSize,
    vocabularySize: fields.count(FIELD_NAMES.vocabularySize, LIMITS.vocabulary),
    layerCount: fields.count(FIELD_NAMES.layerCount, LIMITS.layers),
  };
}

/** One entry a layer: the window in tokens, or null for full attention. */
export type Windows = readonly (number | null)[];

export function everyLayer(layerCount: number, windowTokens: number | null): Windows {
  return new Array<number | null>(layerCount).fill(windowTokens);
}

/** `sliding_window` in tokens; null where it is absent, null or 0. */
export function slidingWindow(fields: ConfigFields, name = 'sliding_window'): number | null {
  const tokens = fields.wholeOr(name, 0, LIMITS.tokens);
  return tokens === 0 ? null : tokens;
}

/**
 * Windows by `layer_types` where it is there, else by `isSliding`. Entries other than `sliding_attention` are full attention; layers
 * that are neither are the family's to tell apart.
 */
export function windowsByLayer(
  fields: ConfigFields,
  layerCount: number,
  windowTokens: number | null,
  isSliding: (layer: number) => boolean,
): Windows {
  const types = fields.perLayer('layer_types', layerCount);
  return Array.from({ length: layerCount }, (_, layer) =>
    (types === undefined ? isSliding(layer) : types[layer] === 'sliding_attention') ? windowTokens : null,
  );
}

/** True for every layer but each `pattern`th: five sliding, one full, in Gemma 3. A pattern of 0 slides nowhere. */
export function butEach(pattern: number): (layer: number) => boolean {
  return (layer) => pattern > 0 && (layer + 1) % pattern !== 0;
}

/** Elements of a head that rotate: `partial_rotary_factor` of it, by any of its names; all where none is there. */
export function rotaryWidth(fields: ConfigFields, headSize: number): number {
  const dimension = fields.wholeOr('rotary_dim', 0, LIMITS.headSize);
  if (dimension > 0) return Math.min(dimension, headSize);
  const rope = fields.section('rope_parameters') ?? fields.section('rope_scaling');
  const factor =
    fields.positiveNumber('partial_rotary_factor') ??
    fields.positiveNumber('rotary_pct') ??
    fields.positiveNumber('rope_pct') ??
    rope?.positiveNumber('partial_rotary_factor') ??
    1;
  return Math.max(1, Math.floor(headSize * Math.min(1, factor)));
}
