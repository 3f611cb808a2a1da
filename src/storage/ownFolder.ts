import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from './atomicFile.ts';

/** Writes `.loadline/.gitignore` where it is not there yet. Throws StorageError. */
export async function keepOutOfCommits(workspace: string): Promise<void> {
  const ignore = join(workspace, '.loadline', '.gitignore');
  if (!existsSync(ignore)) await writeFileAtomically(ignore, '*\n');
}
