/** JSON that a host wrote, whose texts end in terminals, panels and reports. */
import { withoutControlCharacters } from '../core/controlCharacters.ts';

/** As JSON.parse, control characters taken out of every text. Throws a SyntaxError where it is no JSON. */
export function parseHostJson(text: string): unknown {
  // Most lines have none and are long columns of numbers, which a reviver would be called for one by one.
  return mayHaveControls.test(text) ? JSON.parse(text, withoutControls) : JSON.parse(text);
}

/** An escape that can stand for one, or one as it is (of those, JSON forbids only the ones below U+0020). */
const mayHaveControls = /\\[bfru]|[\u007f-\u009f]/;

function withoutControls(_key: string, value: unknown): unknown {
  return typeof value === 'string' ? withoutControlCharacters(value) : value;
}
