/** Files that a person wrote, read whole: configs, plans, prices. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { whyUnreadable } from '../storage/checkpoint/byteReader.ts';
import { regularFile } from '../storage/logFile.ts';
import { BadInput } from './badInput.ts';

/** Nobody writes a config of this length; a file that is longer is something else. */
const MOST_BYTES = 16 * 1024 * 1024;

/** Throws BadInput, which begins with `where`, for what is no file, cannot be read, or is too large to have been written. */
export async function readDocument(file: string, cwd: string, where = file): Promise<string> {
  try {
    const path = await regularFile(resolve(cwd, file));
    const { size } = await stat(path);
    if (size > MOST_BYTES) {
      const megabytes = Math.ceil(size / 1024 / 1024);
      throw new Error(`${megabytes} MiB is more than a file of this kind has (16 MiB): name another one.`);
    }
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new BadInput(`${where}: ${whyUnreadable(error)}`);
  }
}
