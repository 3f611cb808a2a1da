import { jsonRecord } from '../../model/jsonRecord.ts';
import type { FlagValue } from '../deployment.ts';

/** A flag whose value is a JSON object, as an object; undefined where it is none. Never throws. */
export function jsonFlag(value: FlagValue | undefined): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'string' ? jsonRecord(value) : undefined;
}
