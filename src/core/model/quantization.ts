import { type ConfigFields, isRecord } from './configFields.ts';

export interface QuantizationFacts {
  /** `quant_method` as written. */
  readonly method: string;
  /** Bytes that one weight of a linear layer takes, scales included; absent where the file does not say enough. */
  readonly bytesPerWeight?: number;
}

/** `quantization_config` (or `compression_config`) of config.json. */
export function quantizationFacts(fields: ConfigFields): QuantizationFacts | undefined {
  const section = fields.value('quantization_config') ?? fields.value('compression_config');
  if (!isRecord(section)) return undefined;
  const method = section['quant_method'];
  if (typeof method !== 'string') return undefined;
  const bytesPerWeight = bytesPerQuantizedWeight(method, section);
  return bytesPerWeight === undefined ? { method } : { method, bytesPerWeight };
}

/**
 * Group-wise integers: bits/8, a 2-byte scale and a zero point of the weight's width a group.
 * FP8: 1 byte, and a 4-byte scale for each block where the scales are by block.
 */
function bytesPerQuantizedWeight(
  method: string,
  section: Readonly<Record<string, unknown>>,
): number | undefined {
  if (method === 'awq' || method === 'gptq') {
    const bits = section['bits'] ?? section['w_bit'];
    const group = section['group_size'] ?? section['q_group_size'];
    if (bits !== 4 && bits !== 8) return undefined;
    const width = bits / 8;
    return typeof group === 'number' && group > 0 ? width + (2 + width) / group : width;
  }
  if (method === 'fp8' || method === 'fbgemm_fp8') {
    const block = section['weight_block_size'];
    if (!Array.isArray(block)) return 1;
    const [rows, columns]: unknown[] = block;
    return typeof rows === 'number' && typeof columns === 'number' && rows * columns > 0
      ? 1 + 4 / (rows * columns)
      : 1;
  }
  return undefined;
}
