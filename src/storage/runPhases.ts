import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type RunPhase, runPhases } from '../core/sweep/phases.ts';
import { readRunEnvironment } from '../protocol/runEnvironment.ts';
import { readJournal } from './runFolder.ts';

/** What the run of a folder did when; nothing where the folder is of no run, or not whole. */
export async function readRunPhases(directory: string): Promise<readonly RunPhase[]> {
  try {
    const environment = readRunEnvironment(await readFile(join(directory, 'environment.json'), 'utf8'));
    if (!environment.ok) return [];
    return runPhases(environment.value.context, (await readJournal(directory)).records);
  } catch {
    return [];
  }
}
