import { open, readdir, stat } from 'node:fs/promises';
import type { Problem } from '../../core/result.ts';

/** What stands at a path: a regular file with its size, a folder, something that is neither, or nothing. */
export type Entry =
  | { readonly kind: 'file'; readonly bytes: number }
  | { readonly kind: 'folder' | 'other' | 'absent' };

/** File access of the checkpoint readers. A parameter, so that tests can count what is read. Rejects as node's own functions do. */
export interface ByteReader {
  entry(path: string): Promise<Entry>;
  /** At most `length` bytes from `position` on; fewer where the file ends. */
  read(path: string, position: number, length: number): Promise<Uint8Array>;
  names(folder: string): Promise<readonly string[]>;
}

export const localReader: ByteReader = {
  async entry(path) {
    try {
      const there = await stat(path);
      if (there.isFile()) return { kind: 'file', bytes: there.size };
      return { kind: there.isDirectory() ? 'folder' : 'other' };
    } catch (error) {
      if (isAbsence(error)) return { kind: 'absent' };
      throw error;
    }
  },
  async read(path, position, length) {
    const file = await open(path, 'r');
    try {
      const buffer = Buffer.alloc(Math.max(0, Math.min(length, (await file.stat()).size - position)));
      let filled = 0;
      while (filled < buffer.length) {
        const { bytesRead } = await file.read(buffer, filled, buffer.length - filled, position + filled);
        if (bytesRead === 0) break;
        filled += bytesRead;
      }
      return buffer.subarray(0, filled);
    } finally {
      await file.close();
    }
  },
  names: (folder) => readdir(folder),
};

/** True where an error says that nothing stands there. */
export function isAbsence(error: unknown): boolean {
  const code = errorCode(error);
  return code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG';
}

/** The error of a file operation as a problem that names the path. */
export function unreadable(path: string, error: unknown, code = 'model.unreadable'): Problem {
  return { code, message: `${path} cannot be read: ${whyUnreadable(error)}.` };
}

/** What went wrong with a file, in words. */
export function whyUnreadable(error: unknown): string {
  const cause = errorCode(error);
  if (cause === 'ELOOP') return 'its symbolic links go in a circle';
  if (cause === 'ENOENT' || cause === 'ENOTDIR') return 'there is no such file';
  if (cause === 'EACCES' || cause === 'EPERM') return 'permission is denied';
  return error instanceof Error ? error.message : String(error);
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
