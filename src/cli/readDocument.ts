/** Files that a person wrote, read whole: configs, plans, prices. */
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { whyUnreadable } from '../storage/checkpoint/byteReader.ts';
import { regularFile } from '../storage/logFile.ts';
import { BadInput } from './badInput.ts';

/** Nobody writes a config of this length; a file that is longer is something else. */
const MOST_BYTES = 16 * 1024 * 1024;

/** `-` is stdin. Throws BadInput, which begins with `where`, for what is no file, cannot be read, or is too large to have been written. */
export async function readDocument(file: string, cwd: string, where = file): Promise<string> {
  try {
    if (file === '-') return await readAll(process.stdin);
    const path = await regularFile(resolve(cwd, file));
    const { size } = await stat(path);
    if (size > MOST_BYTES) throw tooLong(`${Math.ceil(size / 1024 / 1024)} MiB`);
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new BadInput(`${where}: ${whyUnreadable(error)}`);
  }
}

async function readAll(stream: AsyncIterable<Buffer | string>): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk);
    length += bytes.length;
    if (length > MOST_BYTES) throw tooLong('It');
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function tooLong(size: string): Error {
  return new Error(`${size} is more than a file of this kind has (16 MiB): name another one.`);
}
