import { randomBytes } from 'node:crypto';
import { mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A file that could not be written. The message names the path and what to do; `diskFull` covers quotas too. */
export class StorageError extends Error {
  constructor(
    readonly path: string,
    readonly diskFull: boolean,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StorageError';
  }
}

const fullCodes = new Set(['ENOSPC', 'EDQUOT', 'EFBIG']);

/** The error of a file operation as a StorageError that says what to do. */
export function storageError(path: string, error: unknown): StorageError {
  if (error instanceof StorageError) return error;
  const code = (error as NodeJS.ErrnoException | null)?.code;
  const cause = { cause: error };
  if (code !== undefined && fullCodes.has(code))
    return new StorageError(
      path,
      true,
      `Cannot write ${path}: no space left on the disk (or in the quota). Free space there and try again.`,
      cause,
    );
  const reason =
    code === 'EACCES' || code === 'EPERM' || code === 'EROFS'
      ? 'it is not writable for you'
      : code === 'EEXIST'
        ? 'there is such a file already. Name another, or remove it'
        : error instanceof Error
          ? error.message
          : String(error);
  return new StorageError(path, false, `Cannot write ${path}: ${reason}.`, cause);
}

/**
 * Writes the whole file or nothing: a reader, also after a crash, sees the old content or the new one. Folders above it
 * are made. Throws StorageError.
 */
export async function writeFileAtomically(
  path: string,
  content: string | Uint8Array,
  options: { readonly mode?: number } = {},
): Promise<void> {
  const temporary = `${path}.${process.pid}.${randomBytes(4).toString('hex')}.part`;
  try {
    await mkdir(dirname(path), { recursive: true });
    const file = await open(temporary, 'wx', options.mode ?? 0o644);
    try {
      await file.writeFile(content);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
    await syncFolder(dirname(path));
  } catch (error) {
    await rm(temporary, { force: true });
    throw storageError(path, error);
  }
}

/** The rename itself must reach the disk. Not every system can sync a folder; there the rename is as safe as it gets. */
async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return;
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
