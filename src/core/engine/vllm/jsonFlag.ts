import { isJson, jsonRecord } from '../../model/jsonRecord.ts';
import type { FlagValue } from '../deployment.ts';
import type { FlagReader } from '../flagReader.ts';
import { canonicalVllmFlag } from './flags/catalogue.ts';

/** A flag whose value is a JSON object, as an object; undefined where it is none. Never throws. */
export function jsonFlag(value: FlagValue | undefined): Readonly<Record<string, unknown>> | undefined {
  return typeof value === 'string' ? jsonRecord(value) : undefined;
}

/** Flags that take nothing but a JSON object. Others take lists in words, numbers or `name=value` too. */
const objectsAlone = new Set([
  'attention-config',
  'hf-overrides',
  'kv-transfer-config',
  'mm-processor-kwargs',
  'override-generation-config',
  'rope-scaling',
  'speculative-config',
]);

/** Keeps in the reader what is meant as JSON and is none: vLLM's command line parses each such value and ends where it cannot. */
export function refuseTornJson(flags: FlagReader, written: Readonly<Record<string, FlagValue>>): void {
  for (const name in written) {
    const value = written[name];
    if (typeof value !== 'string') continue;
    const text = value.trim();
    if (isTorn(text, objectsAlone.has(name)) && canonicalVllmFlag(name)?.kind === 'json') {
      flags.refuseJson(name, text);
    }
  }
}

function isTorn(text: string, object: boolean): boolean {
  // vLLM reads an empty text and None as no value; variables and templates are filled in before it sees them.
  if ((!object && !/^[{[]/.test(text)) || text === '' || text === 'None') return false;
  return !/\$|\{\{/.test(text) && !isJson(text);
}
