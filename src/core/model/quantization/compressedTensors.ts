import { type ConfigFields, isRecord, LIMITS } from '../configFields.ts';
import type { QuantizationFacts } from '../facts.ts';
import { float8, integers, microscaled, NVFP4, type WeightStorageFacts } from './storage.ts';

/**
 * compressed-tensors (llm-compressor, newer ModelOpt): `config_groups`, each with its weights' bits, type and strategy. Groups that store
 * differently leave the bytes unknown.
 */
export function compressedTensors(section: ConfigFields): Omit<QuantizationFacts, 'method' | 'unconverted'> {
  const cache = section.section('kv_cache_scheme');
  const fp8KvCache =
    cache?.value('num_bits') === 8 && cache.value('type') === 'float' ? { fp8KvCache: true } : {};
  const groups = section.section('config_groups');
  if (groups === undefined) return fp8KvCache;
  const stored = groups
    .names()
    .filter((name) => isRecord(groups.value(name)))
    .flatMap((name) => {
      const weights = groups.section(name)?.section('weights');
      return weights === undefined ? [] : [ofWeights(weights, section.word('format'))];
    });
  const [first, ...rest] = stored;
  const isOne = first !== undefined && rest.every((other) => other.bytesPerWeight === first.bytesPerWeight);
  return { ...(isOne ? first : {}), ...fp8KvCache };
}

function ofWeights(weights: ConfigFields, format: string): WeightStorageFacts {
  const bits = weights.wholeOr('num_bits', 0, 16);
  const strategy = weights.value('strategy');
  const isFloat = weights.value('type') === 'float';
  if (bits === 0) return {};
  if (isFloat && bits === 4) {
    return format.startsWith('mxfp4') || weights.value('group_size') === 32 ? microscaled(4) : NVFP4;
  }
  if (isFloat && bits === 8) {
    if (format.startsWith('mxfp8')) return microscaled(8);
    const block = weights.numbers('block_structure');
    const [rows = 0, columns = 0] = block;
    if (strategy === 'block' && rows >= 1 && columns >= 1) return float8([rows, columns]);
    return float8(strategy === 'channel' ? 'channel' : 'tensor');
  }
  if (isFloat) return { bytesPerWeight: bits / 8 };
  const zeroPoint = weights.value('symmetric') === false;
  if (strategy === 'group' || typeof weights.value('group_size') === 'number') {
    const written = weights.value('group_size');
    const group = written === -1 ? 'channel' : weights.countOr('group_size', 128, LIMITS.width);
    return integers(bits, group, { zeroPoint });
  }
  return integers(bits, strategy === 'tensor' ? 'tensor' : 'channel', { zeroPoint });
}
