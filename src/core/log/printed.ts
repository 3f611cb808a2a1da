/** Figures and flags as engines print them. */
import type { FlagValue } from '../engine/deployment.ts';
import { GB, GiB, KiB, MB, MiB } from '../units.ts';

/** A printed amount: its bytes, and half of its last digit. */
export interface PrintedBytes {
  readonly bytes: number;
  readonly halfWidth: number;
}

const units: Readonly<Record<string, number>> = { B: 1, bytes: 1, KiB, MiB, GiB, MB, GB };

/**
 * `15.0` and `GiB` -> bytes. Engines print `round(x, 2)`, whose trailing zeros Python drops: fewer than two decimals are known to
 * two. Undefined where it is no number.
 */
export function printedBytes(figure: string | undefined, unit: string): PrintedBytes | undefined {
  const factor = units[unit];
  if (figure === undefined || factor === undefined) return undefined;
  const value = printedNumber(figure);
  if (value === undefined) return undefined;
  if (factor === 1) return { bytes: value, halfWidth: 0 };
  const decimals = Math.max(2, figure.split('.')[1]?.length ?? 0);
  return { bytes: Math.round(value * factor), halfWidth: (factor * 10 ** -decimals) / 2 };
}

/** `1,400,832` or `0.92`; undefined where it is neither. */
export function printedNumber(figure: string | undefined): number | undefined {
  if (figure === undefined || figure.length > 32) return undefined;
  const plain = figure.replaceAll(',', '');
  if (!/^-?\d+(?:\.\d+)?$/.test(plain)) return undefined;
  const value = Number(plain);
  return Number.isFinite(value) ? value : undefined;
}

/** Flags whose value is nobody's business. */
const secretName = /(?:key|token(?!s|izer)|secret|password|credential)/i;

/** `{'max_model_len': 8192, 'model': '/m'}` as Python prints a dict. Values that are no plain ones are left out; undefined where it is torn. */
export function pythonDict(text: string): Record<string, FlagValue> | undefined {
  if (!text.startsWith('{')) return undefined;
  return fields(text.slice(1), '}', /\s*(?:'([^']{1,80})'|"([^"]{1,80})")\s*:\s*/y);
}

/** `Namespace(model='m', port=8000)` or `ServerArgs(…)`, from the bracket on. Undefined where it is torn. */
export function pythonCall(text: string): Record<string, FlagValue> | undefined {
  if (!text.startsWith('(')) return undefined;
  return fields(text.slice(1), ')', /\s*([A-Za-z_]\w{0,79})()=/y);
}

/** `model='/m', dtype=torch.bfloat16, …` up to the end of the line: what is whole of it. */
export function pythonFields(text: string): Record<string, FlagValue> {
  const found: Record<string, FlagValue> = {};
  read(text, '', /\s*([A-Za-z_]\w{0,79})()=/y, found);
  return found;
}

function fields(text: string, close: string, name: RegExp): Record<string, FlagValue> | undefined {
  const found: Record<string, FlagValue> = {};
  return read(text, close, name, found) ? found : undefined;
}

/** Reads `name value, name value` until `close`. False where the text ends before. */
function read(text: string, close: string, name: RegExp, found: Record<string, FlagValue>): boolean {
  let at = 0;
  while (at < text.length) {
    name.lastIndex = at;
    const head = name.exec(text);
    if (head === null) return close !== '' && text.slice(at).trimStart().startsWith(close);
    at = name.lastIndex;
    const end = valueEnd(text, at, close);
    if (end === undefined) return false;
    const key = (head[1] ?? head[2] ?? '').replaceAll('_', '-');
    const value = pythonValue(text.slice(at, end).trim());
    if (value !== undefined && !secretName.test(key) && !Object.hasOwn(Object.prototype, key)) {
      found[key] = value;
    }
    if (text[end] === close) return true;
    at = end + 1;
  }
  return false;
}

/** Where a value ends: at a comma or the closing bracket outside of quotes and brackets. */
function valueEnd(text: string, start: number, close: string): number | undefined {
  let depth = 0;
  let quote = '';
  for (let at = start; at < text.length; at++) {
    const character = text[at] ?? '';
    if (quote !== '') {
      if (character === '\\') at++;
      else if (character === quote) quote = '';
    } else if (character === "'" || character === '"') quote = character;
    else if ('([{'.includes(character)) depth++;
    else if (depth === 0 && (character === ',' || character === close)) return at;
    else if (')]}'.includes(character)) {
      if (depth === 0) return undefined;
      depth--;
    }
  }
  return undefined;
}

function pythonValue(text: string): FlagValue | undefined {
  if (text === 'True') return true;
  if (text === 'False') return false;
  const [, single, double] = /^(?:'([^'\\]*)'|"([^"\\]*)")$/.exec(text) ?? [];
  const quoted = single ?? double;
  if (quoted !== undefined) return quoted;
  if (/^-?\d{1,15}(?:\.\d+)?$/.test(text)) return Number(text);
  const [, one] = /^\['([^'\\]*)'\]$/.exec(text) ?? [];
  if (one !== undefined) return [one];
  return /^(?:torch\.)?[a-z][\w.-]*$/.test(text) ? text.replace(/^torch\./, '') : undefined;
}
