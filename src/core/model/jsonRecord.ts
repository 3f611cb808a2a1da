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
