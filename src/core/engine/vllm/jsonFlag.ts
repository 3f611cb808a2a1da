import { isRecord } from '../../model/configFields.ts';
import type { FlagValue } from '../deployment.ts';

const MOST_CHARACTERS = 100_000;

/** A flag whose value is a JSON object, as an object; undefined where it is none. Never throws. */
export function jsonFlag(value: FlagValue | undefined): Readonly<Record<string, unknown>> | undefined {
  if (typeof value !== 'string' || value.length > MOST_CHARACTERS) return undefined;
  const text = value.trim();
  if (!text.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}
