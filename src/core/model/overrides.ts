import { isRecord } from './configFields.ts';
import { jsonRecord } from './jsonRecord.ts';

/**
 * config.json with `--hf-overrides` put in, as vLLM does before it reads the model: fields replace those of the same name, and a
 * section is gone into (`text_config`). Undefined where the text is no JSON object. Never throws. Source: vLLM config/model.py, hf_overrides.
 */
export function overriddenConfig(
  config: Readonly<Record<string, unknown>>,
  overrides: string,
): Readonly<Record<string, unknown>> | undefined {
  const fields = jsonRecord(overrides);
  return fields === undefined ? undefined : merged(config, fields, 0);
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
      isRecord(before) && isRecord(value) && depth < 4 ? merged(before, value, depth + 1) : value,
    );
  }
  return Object.fromEntries(result);
}
