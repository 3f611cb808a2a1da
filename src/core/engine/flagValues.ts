import type { FlagValue } from './deployment.ts';

/**
 * A whole number as vLLM's command line reads it: plain, or with a suffix, where `k` is a thousand and `K` 1,024
 * (likewise m/M, g/G). Undefined where it is none.
 */
export function wholeNumber(value: FlagValue): number | undefined {
  const plain = plainNumber(value);
  if (plain !== undefined) return Number.isSafeInteger(plain) ? plain : undefined;
  const match = typeof value === 'string' ? /^(\d+(?:\.\d+)?)\s*([kKmMgG])$/.exec(value.trim()) : null;
  const [, digits, suffix] = match ?? [];
  if (digits === undefined || suffix === undefined) return undefined;
  const power = 'kmg'.indexOf(suffix.toLowerCase()) + 1;
  const base = suffix === suffix.toLowerCase() ? 1000 : 1024;
  // As the engine does: a fraction only with the decimal suffixes.
  if (base === 1024 && digits.includes('.')) return undefined;
  const whole = Math.trunc(Number(digits) * base ** power);
  return Number.isSafeInteger(whole) ? whole : undefined;
}

export function plainNumber(value: FlagValue): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? value : undefined;
  if (typeof value !== 'string' || value.trim() === '') return undefined;
  const number = Number(value.replaceAll('_', ''));
  return Number.isFinite(number) ? number : undefined;
}

/** A switch: bare, or a YAML boolean, or its text. */
export function switchValue(value: FlagValue): boolean | undefined {
  if (typeof value === 'boolean') return value;
  if (value === 'true' || value === 'True') return true;
  if (value === 'false' || value === 'False') return false;
  return undefined;
}
