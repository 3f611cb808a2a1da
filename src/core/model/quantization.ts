import { type ConfigFields, LIMITS } from './configFields.ts';
import type { QuantizationFacts } from './facts.ts';

/** `quantization_config` (or `compression_config`) of config.json. What cannot be read becomes a problem of `fields`. */
export function quantizationFacts(fields: ConfigFields): QuantizationFacts | undefined {
  const section = fields.section('quantization_config') ?? fields.section('compression_config');
  if (section === undefined) return undefined;
  const method = section.value('quant_method');
  if (typeof method !== 'string' || method === '') {
    section.reject('quant_method', 'the name of a method');
    return undefined;
  }
  const bytesPerWeight = bytesPerQuantizedWeight(method, section);
  return {
    method,
    unconverted: texts(section, 'modules_to_not_convert') ?? texts(section, 'ignore') ?? [],
    ...(bytesPerWeight === undefined ? {} : { bytesPerWeight }),
  };
}

/**
 * Group-wise integers: bits/8, a 2-byte scale and a zero point of the weight's width a group.
 * FP8: 1 byte, and a 4-byte scale for each block where the scales are by block.
 */
function bytesPerQuantizedWeight(method: string, section: ConfigFields): number | undefined {
  if (method === 'awq' || method === 'gptq') {
    const bits = section.countOr(['bits', 'w_bit'], 0, 8);
    const groupField = section.value('group_size') === undefined ? 'q_group_size' : 'group_size';
    // -1: one group a row.
    const group = section.value(groupField) === -1 ? 0 : section.countOr(groupField, 0, LIMITS.width);
    if (bits === 0) return undefined;
    const width = bits / 8;
    return group > 0 ? width + (2 + width) / group : width;
  }
  if (method === 'fp8' || method === 'fbgemm_fp8') {
    const block = section.value('weight_block_size');
    if (block === undefined) return 1;
    const [rows, columns]: unknown[] = Array.isArray(block) ? block : [];
    if (isSize(rows) && isSize(columns)) return 1 + 4 / (rows * columns);
    section.reject('weight_block_size', 'a list of two whole numbers');
  }
  return undefined;
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function texts(section: ConfigFields, name: string): readonly string[] | undefined {
  const value = section.value(name);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  section.reject(name, 'a list of texts');
  return undefined;
}
