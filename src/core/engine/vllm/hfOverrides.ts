import type { FlagValue } from '../deployment.ts';
import { jsonFlag } from './jsonFlag.ts';

/**
 * config.json with `--hf-overrides` put in, as vLLM does before it reads the model: fields replace those of the same name, and a
 * section is gone into (`text_config`). For whoever has the file; say `overridesApplied` in the request then. Undefined where the
 * value is no JSON object. Source: vLLM config/model.py, hf_overrides.
 */
export function withHfOverrides(
  config: Readonly<Record<string, unknown>>,
  value: FlagValue | undefined,
): Readonly<Record<string, unknown>> | undefined {
  const overrides = jsonFlag(value);
  return overrides === undefined ? undefined : merged(config, overrides, 0);
}

function merged(
  config: Readonly<Record<string, unknown>>,
  overrides: Readonly<Record<string, unknown>>,
  depth: number,
): Readonly<Record<string, unknown>> {
  const result = new Map(Object.entries(config));
  for (const [name, value] of Object.entries(overrides)) {
    // Prototype keys would reach every object.
    if (name === '__proto__' || name === 'constructor' || name === 'prototype') continue;
    const before = result.get(name);
    result.set(
      name,
      isSection(before) && isSection(value) && depth < 4 ? merged(before, value, depth + 1) : value,
    );
  }
  return Object.fromEntries(result);
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
