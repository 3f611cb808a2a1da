import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

const made: string[] = [];
// Importing this module is enough: its folders go after the last test of the file.
afterAll(() => {
  for (const folder of made) rmSync(folder, { recursive: true, force: true });
});

/** A new folder for the tests of one file. */
export function temporaryFolder(name: string): string {
  const folder = mkdtempSync(join(tmpdir(), `loadline-${name}-`));
  made.push(folder);
  return folder;
}
