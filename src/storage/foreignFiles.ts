/** Files and folders that a user names as results of another tool → what is in them. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { ForeignInput } from '../core/foreign/foreign.ts';
import type { Problem } from '../core/result.ts';

/** A file of a benchmark with every gap of every request is some 100 MB; text of more than this does not fit a string. */
const MOST_BYTES = 400 * 1024 * 1024;
const MOST_FILES = 5000;
const MOST_DEPTH = 8;

export interface ForeignFiles {
  readonly files: readonly ForeignInput[];
  readonly problems: readonly Problem[];
}

/** `resolve`: a name as the user wrote it → its path. Of folders, `.json`, `.jsonl` and `.csv` below them. Never rejects. */
export async function readForeignFiles(
  names: readonly string[],
  resolve: (name: string) => string,
): Promise<ForeignFiles> {
  const files: ForeignInput[] = [];
  const problems: Problem[] = [];
  const take = async (name: string, path: string, found: boolean): Promise<void> => {
    if (files.length >= MOST_FILES) return;
    try {
      const { size } = await stat(path);
      if (size > MOST_BYTES) {
        problems.push(
          problemOf(
            name,
            `It has ${Math.round(size / 2 ** 20)} MiB; at most 400 can be read. Have the tool write less detail.`,
          ),
        );
        return;
      }
      files.push({ name, text: await readFile(path, 'utf8'), found });
    } catch (error) {
      problems.push(problemOf(name, reasonOf(error)));
    }
  };
  const walk = async (name: string, path: string, depth: number): Promise<void> => {
    const entries = await readdir(path, { withFileTypes: true }).catch((error: unknown) => {
      problems.push(problemOf(name, reasonOf(error)));
      return [];
    });
    for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
      const [childName, child] = [`${name}/${entry.name}`, join(path, entry.name)];
      const hidden = entry.name.startsWith('.') || entry.name === 'node_modules';
      if (entry.isDirectory() && !hidden && depth < MOST_DEPTH) await walk(childName, child, depth + 1);
      else if (entry.isFile() && /\.(jsonl?|csv)$/i.test(entry.name)) await take(childName, child, true);
    }
  };
  for (const written of names) {
    const path = resolve(written);
    const name = written.replaceAll('\\', '/').replace(/(.)\/+$/, '$1');
    const kind = await stat(path).catch(() => undefined);
    if (kind?.isDirectory()) await walk(name, path, 0);
    else await take(name, path, false);
  }
  return { files, problems };
}

function problemOf(name: string, message: string): Problem {
  return { code: 'foreign.unreadable', message, path: [name] };
}

function reasonOf(error: unknown): string {
  const code = (error as NodeJS.ErrnoException | null)?.code;
  if (code === 'ENOENT') return 'There is no such file.';
  if (code === 'EACCES') return 'It is not readable for you.';
  return error instanceof Error ? error.message : String(error);
}
