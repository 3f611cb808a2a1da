import type { FlagValue } from '../deployment.ts';
import { jsonFlag } from './jsonFlag.ts';

/** The value of `--hf-overrides`, for whoever reads the model's config.json; undefined where there is none that can be read. */
export function hfOverrides(flags: Readonly<Record<string, FlagValue>>): string | undefined {
  const value = Object.hasOwn(flags, 'hf-overrides') ? flags['hf-overrides'] : undefined;
  return typeof value === 'string' && jsonFlag(value) !== undefined ? value : undefined;
}
