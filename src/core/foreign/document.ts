/** A result file of another tool, parsed as far as its format goes. */
import { isRecord } from '../model/configFields.ts';
import type { Problem } from '../result.ts';
import { parseCsv } from './csv.ts';
import { parsePythonJson } from './pythonJson.ts';

export interface ForeignFile {
  /** As the user knows it: a path with `/`. */
  readonly name: string;
  readonly text: string;
}

/** One JSON object of a file: the file itself, an element of its list, or one of its lines. */
export interface ForeignRecord {
  readonly value: Readonly<Record<string, unknown>>;
  /** Where it stands: the file's name, then what leads to it. */
  readonly path: readonly (string | number)[];
}

export interface ForeignDocument {
  readonly name: string;
  /** Of the name: all up to the last `/`; '' where there is none. */
  readonly folder: string;
  /** Of the name: what follows the last `/`. */
  readonly base: string;
  /** Of a JSON file. Empty for CSV. */
  readonly records: readonly ForeignRecord[];
  /** Of a CSV file. */
  readonly rows: readonly (readonly string[])[];
  /** What was skipped in it. */
  readonly notes: readonly string[];
}

/** Never throws. `problem`: why it cannot be read at all. */
export function readDocument(file: ForeignFile): ForeignDocument | { readonly problem: Problem } {
  const slash = file.name.lastIndexOf('/');
  const place = {
    name: file.name,
    folder: file.name.slice(0, Math.max(0, slash)),
    base: file.name.slice(slash + 1),
  };
  const text = file.text.replace(/^\uFEFF/, '');
  const start = text.trimStart().charAt(0);
  if (start === '')
    return { problem: { code: 'foreign.empty', message: 'The file is empty.', path: [file.name] } };
  if (start !== '{' && start !== '[') return { ...place, records: [], rows: parseCsv(text), notes: [] };
  const whole = parsePythonJson(text);
  if (whole.ok) return { ...place, records: recordsOf(whole.value, [file.name]), rows: [], notes: [] };
  const lines = readLines(file.name, text);
  if (lines !== undefined) return { ...place, ...lines, rows: [] };
  const [problem] = whole.problems;
  return { problem: { code: 'foreign.torn-json', message: '', ...problem, path: [file.name] } };
}

function recordsOf(value: unknown, path: readonly (string | number)[]): readonly ForeignRecord[] {
  if (isRecord(value)) return [{ value, path }];
  if (!Array.isArray(value)) return [];
  return value.flatMap((element, index) =>
    isRecord(element) ? [{ value: element, path: [...path, index] }] : [],
  );
}

/** JSON lines; undefined where the first line is no object by itself. A line that is none is left out and said. */
function readLines(
  name: string,
  text: string,
): { readonly records: readonly ForeignRecord[]; readonly notes: readonly string[] } | undefined {
  const records: ForeignRecord[] = [];
  const notes: string[] = [];
  for (const [index, line] of text.split('\n').entries()) {
    if (line.trim() === '') continue;
    const parsed = parsePythonJson(line);
    if (parsed.ok && isRecord(parsed.value)) {
      records.push({ value: parsed.value, path: [name, `line ${index + 1}`] });
      continue;
    }
    if (records.length === 0) return undefined;
    notes.push(`${name}, line ${index + 1}: no JSON object (torn?); left out.`);
  }
  return { records, notes };
}
