import { type ConfigFields, LIMITS } from '../configFields.ts';
import type { QuantizationFacts } from '../facts.ts';
import { compressedTensors } from './compressedTensors.ts';
import { bitsAndBytes, float8, integers, microscaled, NVFP4 } from './storage.ts';

/** What a method's section says, apart from the modules that it leaves. */
export type MethodFacts = Omit<QuantizationFacts, 'method' | 'unconverted'>;

type Reader = (section: ConfigFields) => MethodFacts;

/** Group-wise integers: AWQ, GPTQ, AutoRound. `group_size` -1 is one group a row. */
function groupedIntegers(zeroPoint: (section: ConfigFields) => boolean): Reader {
  return (section) => {
    const bits = section.wholeOr(['bits', 'w_bit'], 0, 8);
    const group = groupSizeOf(section, 'group_size') ?? groupSizeOf(section, 'q_group_size') ?? 'channel';
    return {
      ...(bits === 0 ? {} : integers(bits, group, { zeroPoint: zeroPoint(section) })),
      ...(section.value('lm_head') === true ? { includesHead: true } : {}),
    };
  };
}

function groupSizeOf(section: ConfigFields, name: string): number | 'channel' | undefined {
  const value = section.value(name);
  if (value === undefined) return undefined;
  if (value === -1 || value === 0) return 'channel';
  return section.countOr(name, 1, LIMITS.width);
}

function fp8(section: ConfigFields): MethodFacts {
  const block = section.value('weight_block_size');
  if (block === undefined) return float8('tensor');
  const [rows, columns]: unknown[] = Array.isArray(block) ? block : [];
  if (isSize(rows) && isSize(columns)) return float8([rows, columns]);
  section.reject('weight_block_size', 'a list of two whole numbers');
  return {};
}

function isSize(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 1;
}

function bitsandbytes(section: ConfigFields): MethodFacts {
  if (section.value('load_in_8bit') === true) return bitsAndBytes(8, 'nf4', false);
  if (section.value('load_in_4bit') !== true) return {};
  const kind = section.value('bnb_4bit_quant_type') === 'nf4' ? 'nf4' : 'fp4';
  return bitsAndBytes(4, kind, section.value('bnb_4bit_use_double_quant') === true);
}

/** NVIDIA ModelOpt: `quant_algo`, at the top or, in its own file's layout, under `quantization`. */
function modelOpt(section: ConfigFields): MethodFacts {
  const inner = section.section('quantization') ?? section;
  const algorithm = inner.word('quant_algo').toUpperCase();
  const cache = inner.word('kv_cache_quant_algo').toUpperCase();
  const fp8KvCache = cache === 'FP8' ? { fp8KvCache: true } : {};
  if (algorithm === 'MIXED_PRECISION') return fp8KvCache;
  if (algorithm.includes('NVFP4')) return { ...NVFP4, ...fp8KvCache };
  if (algorithm.includes('MXFP8')) return { ...microscaled(8), ...fp8KvCache };
  if (algorithm.includes('FP8_PB')) return { ...float8([128, 128]), ...fp8KvCache };
  if (algorithm.startsWith('FP8')) return { ...float8('tensor'), ...fp8KvCache };
  if (algorithm.startsWith('W4A16'))
    return { ...integers(4, groupSizeOf(inner, 'group_size') ?? 128, { zeroPoint: false }), ...fp8KvCache };
  return inner.value('config_groups') === undefined ? fp8KvCache : compressedTensors(inner);
}

/** AMD Quark: one configuration for all layers; where layers differ nothing is known of the whole. */
function quark(section: ConfigFields): MethodFacts {
  const weight = section.section('global_quant_config')?.section('weight');
  const differs = Object.keys((section.value('layer_quant_config') as object | undefined) ?? {}).length > 0;
  if (weight === undefined || differs) return {};
  const type = weight.word('dtype');
  if (type.startsWith('fp8')) return float8('channel');
  if (type === 'fp4') return microscaled(4);
  if (type.startsWith('fp6')) return microscaled(6);
  const bits = /^u?int(\d)$/.exec(type)?.[1];
  const group = groupSizeOf(weight, 'group_size') ?? 'channel';
  return bits === undefined ? {} : integers(Number(bits), group, { zeroPoint: type.startsWith('u') });
}

/** torchao: a name, or a configuration with a type and a group size. */
function torchao(section: ConfigFields): MethodFacts {
  const written = section.value('quant_type');
  const inner = section.nested(['quant_type', 'default']);
  const name = (typeof written === 'string' ? written : (inner?.word('_type') ?? '')).toLowerCase();
  const data = inner?.nested(['_data']) ?? inner;
  const group = (data === undefined ? undefined : groupSizeOf(data, 'group_size')) ?? 128;
  if (name.includes('float8') || name.includes('fp8')) return float8('channel');
  if (name.includes('int4') || name.includes('uint4')) return integers(4, group);
  if (name.includes('int8')) return integers(8, 'channel');
  return {};
}

function hqq(section: ConfigFields): MethodFacts {
  const weights =
    section.nested(['quant_config', 'weight_quant_params']) ?? section.nested(['weight_quant_params']);
  if (weights === undefined) return {};
  const bits = weights.wholeOr('nbits', 0, 8);
  const group = groupSizeOf(weights, 'group_size') ?? 64;
  // A scale and a zero point of two bytes each.
  return bits === 0 ? {} : integers(bits, group, { zeroPoint: false, scaleBytes: 4 });
}

/** A mean number of bits over the whole model. */
function meanBits(section: ConfigFields): MethodFacts {
  const bits = section.positiveNumber('bits');
  return bits === undefined || bits > 16 ? {} : { bytesPerWeight: bits / 8 };
}

const awq = groupedIntegers((section) => section.value('zero_point') !== false);
// A GPTQ file has zero points whether they are needed or not.
const gptq = groupedIntegers(() => true);
const experts4: Reader = () => ({ ...microscaled(4), kinds: ['routedExperts'] });

/** Methods by `quant_method`. To add one: a reader, and its name here. */
const readers: Readonly<Record<string, Reader>> = {
  awq,
  awq_marlin: awq,
  gptq,
  gptq_marlin: gptq,
  gptqmodel: gptq,
  'auto-round': gptq,
  auto_round: gptq,
  'intel/auto-round': gptq,
  inc: gptq,
  fp8,
  fbgemm_fp8: () => float8('channel'),
  ptpc_fp8: () => float8('channel'),
  bitsandbytes,
  modelopt: modelOpt,
  modelopt_fp4: modelOpt,
  modelopt_mxfp8: modelOpt,
  modelopt_mixed: modelOpt,
  mxfp4: experts4,
  gpt_oss_mxfp4: experts4,
  'compressed-tensors': compressedTensors,
  compressed_tensors: compressedTensors,
  quark,
  torchao,
  hqq,
  exl2: meanBits,
  exl3: meanBits,
};

export function methodFacts(method: string, section: ConfigFields): MethodFacts {
  return Object.hasOwn(readers, method) ? (readers[method]?.(section) ?? {}) : {};
}
