import type { QuantizationFacts, WeightFormat } from '../facts.ts';

/** What a method says of stored weights. */
export type WeightStorageFacts = Pick<QuantizationFacts, 'weightFormat' | 'groupSize' | 'bytesPerWeight'>;

const INTEGER_FORMATS: Readonly<Record<number, WeightFormat>> = {
  2: 'int2',
  3: 'int3',
  4: 'int4',
  5: 'int5',
  6: 'int6',
  8: 'int8',
};

/** Integers of `bits`, with a scale of 2 bytes a group, and a zero point of the weight's width where there is one. */
export function integers(
  bits: number,
  group: number | 'channel' | 'tensor',
  options: { readonly zeroPoint?: boolean; readonly scaleBytes?: number } = {},
): WeightStorageFacts {
  const { zeroPoint = true, scaleBytes = 2 } = options;
  const width = bits / 8;
  const ofGroup = scaleBytes + (zeroPoint ? width : 0);
  const weightFormat = INTEGER_FORMATS[bits];
  return {
    ...(weightFormat === undefined ? {} : { weightFormat }),
    groupSize: group,
    bytesPerWeight: typeof group === 'number' ? width + ofGroup / group : width,
  };
}

/** 8-bit floats: a 4-byte scale a block; those of a row or a matrix weigh nothing beside it. */
export function float8(group: readonly [number, number] | 'channel' | 'tensor'): WeightStorageFacts {
  return {
    weightFormat: 'fp8',
    groupSize: group,
    bytesPerWeight: typeof group === 'string' ? 1 : 1 + 4 / (group[0] * group[1]),
  };
}

/** 4-bit floats of NVIDIA: an 8-bit scale for each 16 weights. */
export const NVFP4: WeightStorageFacts = {
  weightFormat: 'nvfp4',
  groupSize: 16,
  bytesPerWeight: 0.5 + 1 / 16,
};

/** Floats of the OCP microscaling formats: an 8-bit scale for each 32 weights. */
export function microscaled(bits: 4 | 6 | 8): WeightStorageFacts {
  return { weightFormat: `mxfp${bits}`, groupSize: 32, bytesPerWeight: bits / 8 + 1 / 32 };
}

/**
 * bitsandbytes: 4 bits with a 4-byte scale for each 64 weights, or with scales that are quantised again (0.127 bits a weight:
 * Dettmers et al. 2023); 8 bits with a scale a row.
 */
export function bitsAndBytes(bits: 4 | 8, kind: 'nf4' | 'fp4', doubleQuantized: boolean): WeightStorageFacts {
  if (bits === 8) return { weightFormat: 'int8', groupSize: 'channel', bytesPerWeight: 1 };
  return {
    weightFormat: kind,
    groupSize: 64,
    bytesPerWeight: 0.5 + (doubleQuantized ? 0.127 / 8 : 4 / 64),
  };
}
