import { isRecord } from './configFields.ts';

const MOST_CHARACTERS = 100_000;

/** A JSON object out of text that people write on a command line; undefined where it is none. Never throws. */
export function jsonRecord(written: string): Readonly<Record<string, unknown>> | undefined {
  if (written.length > MOST_CHARACTERS) return undefined;
  const text = written.trim();
  if (!text.startsWith('{')) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isRecord(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** Whether a text is JSON of any kind. Text too long to be from a command line counts as JSON: it is not looked into. */
export function isJson(text: string): boolean {
  if (text.length > MOST_CHARACTERS) return true;
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
