/** Runs that another tool measured, as they lie among ours: a run folder with results.json alone. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ReportInput } from '../core/sweep/reportContent.ts';
import type { RunResults } from '../core/sweep/run.ts';
import { writeFileAtomically } from './atomicFile.ts';
import { ensureRunFolder } from './runFolder.ts';

/** Gives the folder. The same files imported again replace what they gave before. Throws StorageError. */
export async function writeImportedRun(workspace: string, results: RunResults): Promise<string> {
  const directory = await ensureRunFolder(workspace, results.run);
  await writeFileAtomically(join(directory, 'results.json'), `${JSON.stringify(results, null, 1)}\n`);
  return directory;
}

/** The results of a run folder that was imported; undefined where it is none. */
export async function readImportedRun(directory: string): Promise<RunResults | undefined> {
  try {
    const results = JSON.parse(await readFile(join(directory, 'results.json'), 'utf8')) as RunResults | null;
    const isImported = results?.schema === 1 && Array.isArray(results.cells) && results.origin !== undefined;
    return isImported ? results : undefined;
  } catch {
    return undefined;
  }
}

/** A report of results alone: no plan was run, and nothing is known of the host. */
export function importedReport(results: RunResults): ReportInput {
  return { results, cells: [], planText: '', environment: [], commands: [] };
}
