import { mkdir, readdir, readFile, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { readJournalLine } from '../protocol/agentGuard.ts';
import type { JournalRecord } from '../protocol/agentJournal.ts';
import { storageError } from './atomicFile.ts';
import { keepOutOfCommits } from './ownFolder.ts';

/** A run as it lies in a workspace. `run` is its name: `<UTC time>-<plan name>`. */
export interface RunFolder {
  readonly run: string;
  readonly directory: string;
}

export interface JournalContent {
  readonly records: readonly JournalRecord[];
  /** What was skipped, in words: a torn last line, a record of a later version, a gap. */
  readonly notes: readonly string[];
}

export const journalFile = 'journal.jsonl';
/** The run's own journal, or `journal-3.jsonl` of array task 3: its number is the first group. */
export const anyJournalFile = /^journal(?:-(\d+))?\.jsonl$/;

const runName = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/** `<workspace>/.loadline/runs`. */
export function runsFolder(workspace: string): string {
  return join(workspace, '.loadline', 'runs');
}

/** Where a run's files are. Throws RangeError for a name that is none: it would lead elsewhere. */
export function runFolder(workspace: string, run: string): string {
  if (!runName.test(run))
    throw new RangeError(
      `'${run}' is not the name of a run (letters, digits, '.', '_' and '-', at most 200).`,
    );
  return join(runsFolder(workspace), run);
}

/** Makes the folder of a run, for its user alone, and sees to it that `.loadline` stays out of commits. Throws StorageError. */
export async function ensureRunFolder(workspace: string, run: string): Promise<string> {
  const directory = runFolder(workspace, run);
  try {
    await mkdir(dirname(directory), { recursive: true });
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await keepOutOfCommits(workspace);
  } catch (error) {
    throw storageError(directory, error);
  }
  return directory;
}

/**
 * Whether the run's host last said that it is interrupted: no record says so, results.json does, until its journal goes on. Never throws.
 */
export async function wasInterrupted(directory: string): Promise<boolean> {
  try {
    const results = join(directory, 'results.json');
    const { outcome } = JSON.parse(await readFile(results, 'utf8')) as { readonly outcome?: unknown };
    if (outcome !== 'interrupted') return false;
    const [made, grown] = await Promise.all([stat(results), stat(join(directory, journalFile))]);
    return made.mtimeMs >= grown.mtimeMs;
  } catch {
    return false;
  }
}

/** Runs of a workspace, the newest first. None where there is no `.loadline`. */
export async function listRunFolders(workspace: string): Promise<readonly RunFolder[]> {
  const folder = runsFolder(workspace);
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && runName.test(entry.name))
      .map(({ name }) => ({ run: name, directory: join(folder, name) }))
      .sort((a, b) => (a.run < b.run ? 1 : -1));
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** The journals of a run folder; empty where there is none yet. A line that cannot be used is skipped and said. */
export async function readJournal(directory: string): Promise<JournalContent> {
  const names = (await namesIn(directory)).filter((name) => anyJournalFile.test(name)).sort();
  const parts = await Promise.all(
    names.map(async (name) => parseJournal((await readOrUndefined(join(directory, name))) ?? '', name)),
  );
  return {
    records: parts.flatMap(({ records }) => records),
    notes: parts.flatMap(({ notes }) => notes),
  };
}

/** The array task that ran a cell, by the journals; undefined where the run itself did, or nobody yet. */
export async function partOfCell(directory: string, cell: string): Promise<number | undefined> {
  for (const name of await namesIn(directory)) {
    const part = anyJournalFile.exec(name)?.[1];
    if (part === undefined) continue;
    const text = (await readOrUndefined(join(directory, name))) ?? '';
    if (text.includes(`"cell":${JSON.stringify(cell)}`)) return Number(part);
  }
  return undefined;
}

async function namesIn(directory: string): Promise<readonly string[]> {
  try {
    return await readdir(directory);
  } catch (error) {
    if (isMissing(error)) return [];
    throw error;
  }
}

/** `text`: one journal, whole or up to anywhere. */
export function parseJournal(text: string, name = journalFile): JournalContent {
  const records: JournalRecord[] = [];
  const notes: string[] = [];
  const lines = text.split('\n');
  const last = lines.pop() ?? '';
  if (last !== '') notes.push(`${name}:${lines.length + 1}: the last line is torn and was skipped`);
  for (const [index, line] of lines.entries()) {
    const place = `${name}:${index + 1}`;
    const guarded = readJournalLine(line);
    if (guarded.kind === 'record') {
      const expected = (records.at(-1)?.seq ?? -1) + 1;
      if (guarded.record.seq < expected) continue;
      if (guarded.record.seq > expected)
        notes.push(
          `${place}: record ${guarded.record.seq} follows ${expected - 1}; what was in between is missing`,
        );
      records.push(guarded.record);
    } else if (guarded.kind === 'torn') notes.push(`${place}: not a record; skipped`);
    else if (guarded.kind === 'unknown')
      notes.push(`${place}: a record of the unknown type ${guarded.type}; skipped`);
    else notes.push(`${place}: ${guarded.type} has a wrong field (${guarded.message}); skipped`);
  }
  return { records, notes };
}

async function readOrUndefined(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isMissing(error)) return undefined;
    throw error;
  }
}

function isMissing(error: unknown): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === 'ENOENT';
}
