/** A recorded load: a request a line, each with its time. */
import { failure, type Result, success } from '../result.ts';
import type { TraceEntry } from './run.ts';

/** A run's request carries them all. */
const MOST_ENTRIES = 50_000;
const MOST_TOKENS = 1_048_576;

const timeKeys = ['timestamp', 'atMs'];
const inputKeys = ['input_length', 'inputTokens'];
const outputKeys = ['output_length', 'outputTokens'];

/**
 * JSON lines with `timestamp` (or `atMs`, milliseconds), `input_length` (`inputTokens`) and `output_length` (`outputTokens`): the format of
 * the Mooncake traces (kvcache-ai/Mooncake, FAST25-release/traces). A `session` is a whole number. The first request is at 0 ms.
 * Problem `trace.line`, with the line's number from 1 as its path.
 */
export function parseTrace(text: string): Result<readonly TraceEntry[]> {
  const entries: TraceEntry[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const entry = entryOf(line);
    if (typeof entry === 'string') {
      return failure({ code: 'trace.line', message: `Line ${index + 1}: ${entry}.`, path: [index + 1] });
    }
    entries.push(entry);
    if (entries.length > MOST_ENTRIES) {
      const message = `The trace has more than ${MOST_ENTRIES} requests: cut it.`;
      return failure({ code: 'trace.line', message, path: [index + 1] });
    }
  }
  if (entries.length === 0) {
    return failure({ code: 'trace.line', message: 'The trace has no request.', path: [1] });
  }
  const ordered = entries.toSorted((a, b) => a.atMs - b.atMs);
  const first = ordered[0]?.atMs ?? 0;
  return success(ordered.map((entry) => ({ ...entry, atMs: entry.atMs - first })));
}

/** The entry, or what is wrong with it. */
function entryOf(line: string): TraceEntry | string {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    return 'no JSON object';
  }
  if (typeof value !== 'object' || value === null) return 'no JSON object';
  const record = value as Readonly<Record<string, unknown>>;
  const atMs = given(record, timeKeys);
  const inputTokens = given(record, inputKeys);
  const outputTokens = given(record, outputKeys);
  if (typeof atMs !== 'number' || !(atMs >= 0)) return 'timestamp is no number of milliseconds';
  if (!isTokens(inputTokens)) return 'input_length is no number of tokens';
  if (!isTokens(outputTokens)) return 'output_length is no number of tokens';
  const { session } = record;
  const hasSession = typeof session === 'number' && Number.isInteger(session) && session >= 0;
  return { atMs, inputTokens, outputTokens, ...(hasSession ? { session } : {}) };
}

function given(record: Readonly<Record<string, unknown>>, keys: readonly string[]): unknown {
  const key = keys.find((name) => Object.hasOwn(record, name));
  return key === undefined ? undefined : record[key];
}

function isTokens(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= MOST_TOKENS;
}
