/** Flag values as vLLM's command line reads them. A refusal is a sentence, never a guess. */
import type { FlagDefinition } from '../core/engine/engine.ts';

export type ReadValue =
  | { readonly ok: true; readonly value: string | number }
  | { readonly ok: false; readonly code: string; readonly message: string };

/** The flags that take `8k` and `8K`; vLLM's argument parser names just these. */
const humanReadable = new Set(['max-model-len', 'max-num-batched-tokens', 'kv-cache-memory-bytes']);
const decimalSuffixes: Readonly<Record<string, number>> = { k: 1e3, m: 1e6, g: 1e9, t: 1e12 };
const binarySuffixes: Readonly<Record<string, number>> = { K: 2 ** 10, M: 2 ** 20, G: 2 ** 30, T: 2 ** 40 };

/** Text -> value of the flag's kind. Strings and JSON are taken as they stand. */
export function readFlagValue(definition: FlagDefinition, text: string): ReadValue {
  if (definition.kind === 'integer') return readInteger(definition.name, text.trim());
  if (definition.kind === 'number') return readNumber(definition.name, text.trim());
  return { ok: true, value: text };
}

function readInteger(name: string, text: string): ReadValue {
  const human = humanReadable.has(name);
  if (name === 'max-model-len' && text.toLowerCase() === 'auto') return { ok: true, value: -1 };
  if (/^[+-]?\d+(?:_\d+)*$/.test(text)) return { ok: true, value: Number(text.replaceAll('_', '')) };
  const suffixed = human ? /^(\d+(?:\.\d+)?)([kKmMgGtT])$/.exec(text) : null;
  const [, digits = '', suffix = ''] = suffixed ?? [];
  const decimal = decimalSuffixes[suffix];
  if (decimal !== undefined) return { ok: true, value: Math.trunc(Number(digits) * decimal) };
  const binary = binarySuffixes[suffix];
  if (binary !== undefined && !digits.includes('.')) return { ok: true, value: Number(digits) * binary };
  if (binary !== undefined) {
    return {
      ok: false,
      code: 'flag.decimal-with-binary-suffix',
      message: `--${name} takes no decimals with ${suffix}: write ${digits}${suffix.toLowerCase()} or a whole number.`,
    };
  }
  return {
    ok: false,
    code: 'flag.not-a-number',
    message: human
      ? `--${name} takes a whole number such as 8192, 8k (8,000) or 8K (8,192), not "${text}".`
      : `--${name} takes a whole number, not "${text}".`,
  };
}

function readNumber(name: string, text: string): ReadValue {
  if (/^[+-]?(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?$/.test(text)) {
    return { ok: true, value: Number(text.replaceAll('_', '')) };
  }
  return { ok: false, code: 'flag.not-a-number', message: `--${name} takes a number, not "${text}".` };
}
