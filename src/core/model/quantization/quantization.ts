import type { ConfigFields } from '../configFields.ts';
import type { QuantizationFacts } from '../facts.ts';
import { methodFacts } from './methods.ts';

/** Lists of modules that are left as they were, by the names that the methods use. */
const UNCONVERTED = [
  'modules_to_not_convert',
  'ignored_layers',
  'ignore',
  'exclude_modules',
  'exclude',
  'llm_int8_skip_modules',
  'skip_modules',
];

/** `quantization_config` (or `compression_config`) of config.json. What cannot be read becomes a problem of `fields`. */
export function quantizationFacts(fields: ConfigFields): QuantizationFacts | undefined {
  const section = fields.section('quantization_config') ?? fields.section('compression_config');
  if (section === undefined) return undefined;
  const method = methodOf(section);
  if (method === undefined) {
    section.reject('quant_method', 'the name of a method');
    return undefined;
  }
  return { method, ...methodFacts(method.toLowerCase(), section), unconverted: unconvertedModules(section) };
}

/** Files of ModelOpt and bitsandbytes can leave the name out and are known by what they say. */
function methodOf(section: ConfigFields): string | undefined {
  const method = section.value('quant_method');
  if (typeof method === 'string' && method !== '') return method;
  if (method !== undefined) return undefined;
  if (section.value('load_in_4bit') === true || section.value('load_in_8bit') === true) return 'bitsandbytes';
  if (section.value('config_groups') !== undefined) return 'compressed-tensors';
  const isModelOpt = section.value('quant_algo') !== undefined || section.value('producer') !== undefined;
  return isModelOpt ? 'modelopt' : undefined;
}

function unconvertedModules(section: ConfigFields): readonly string[] {
  const inner = section.nested(['quantization']) ?? section;
  const listed = UNCONVERTED.map((name) => texts(inner, name)).find((list) => list !== undefined) ?? [];
  // GPTQModel writes rules by pattern; those that begin with "-:" leave a module.
  const rules = Object.keys((section.value('dynamic') as object | undefined) ?? {});
  return [...listed, ...rules.filter((rule) => rule.startsWith('-:')).map((rule) => rule.slice(2))];
}

function texts(section: ConfigFields, name: string): readonly string[] | undefined {
  const value = section.value(name);
  if (value === undefined) return undefined;
  if (Array.isArray(value) && value.every((item) => typeof item === 'string')) return value;
  section.reject(name, 'a list of texts');
  return undefined;
}
