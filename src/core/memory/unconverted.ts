import type { ModelFacts, WeightGroup } from '../model/facts.ts';

const found = new WeakMap<readonly string[], Map<string, boolean>>();

/**
 * True where a quantised checkpoint leaves a module as it was (`modules_to_not_convert`, `ignore`): a pattern that names the module
 * in every layer. One that names a single layer is passed over: it is one layer of many. True as well where the method quantises
 * other kinds of weights alone.
 */
export function isUnconverted(model: ModelFacts, { kind, module }: WeightGroup): boolean {
  if (model.quantization?.kinds?.includes(kind) === false) return true;
  const patterns = model.quantization?.unconverted;
  if (patterns === undefined || patterns.length === 0) return false;
  let modules = found.get(patterns);
  if (modules === undefined) {
    modules = new Map();
    found.set(patterns, modules);
  }
  let matches = modules.get(module);
  if (matches === undefined) {
    matches = patterns.some((pattern) => names(pattern, module));
    modules.set(module, matches);
  }
  return matches;
}

/** `re:.*self_attn.*`, `model.layers.*.self_attn`, `self_attn` and `lm_head` name their module; `model.layers.0.mlp` names one layer's. */
function names(pattern: string, module: string): boolean {
  const plain = pattern
    .replace(/^re:/, '')
    .replaceAll(/\\([.\-_])/g, '$1')
    .replaceAll(/\.?\*|[\^$]|\\d\+/g, '.')
    .replaceAll(/\.{2,}/g, '.')
    .replace(/^\.|\.$/g, '');
  if (/\.\d+\./.test(`.${plain}.`)) return false;
  return plain !== '' && (`.${plain}`.endsWith(`.${module}`) || module.startsWith(`${plain}.`));
}
