/** The folder in which Hugging Face's libraries keep what they download: what is here needs no network. */
import { homedir } from 'node:os';
import { join } from 'node:path';
import type { ByteReader } from './byteReader.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** `HF_HUB_CACHE`, its older name, or `hub` in `HF_HOME`: in this order, as huggingface_hub 0.36's constants.py has it. */
export function hubCacheFolder(environment: Environment): string {
  return (
    folderOf(environment['HF_HUB_CACHE']) ??
    folderOf(environment['HUGGINGFACE_HUB_CACHE']) ??
    join(huggingFaceHome(environment), 'hub')
  );
}

/** `HF_HOME`, else `huggingface` in the user's cache folder. The token's file stands in it. */
export function huggingFaceHome(environment: Environment): string {
  return folderOf(environment['HF_HOME']) ?? join(userCacheFolder(environment), 'huggingface');
}

export function userCacheFolder(environment: Environment): string {
  return folderOf(environment['XDG_CACHE_HOME']) ?? join(homedir(), '.cache');
}

/** True for what can name a model on the hub: `org/name`, or `name` alone as the first models have it. */
export function isHubId(name: string): boolean {
  return (
    name.length <= 200 &&
    /^[A-Za-z0-9][\w.-]*(\/[A-Za-z0-9][\w.-]*)?$/.test(name) &&
    !name.includes('..') &&
    !name.includes('--')
  );
}

/** True for a branch, tag or commit that can be part of a path. */
export function isRevision(revision: string): boolean {
  return /^[\w][\w./-]{0,199}$/.test(revision) && !revision.includes('..');
}

/** The folder of a model's files at a revision; undefined where nothing of it was downloaded. */
export async function cachedSnapshot(
  id: string,
  revision: string,
  environment: Environment,
  reader: ByteReader,
): Promise<string | undefined> {
  if (!isHubId(id) || !isRevision(revision)) return undefined;
  const model = join(hubCacheFolder(environment), `models--${id.replace('/', '--')}`);
  const commit = (await commitOf(join(model, 'refs', revision), reader)) ?? revision;
  const snapshot = join(model, 'snapshots', commit);
  try {
    return (await reader.entry(snapshot)).kind === 'folder' ? snapshot : undefined;
  } catch {
    // A cache that cannot be read is as good as none: the name may be known in another way.
    return undefined;
  }
}

async function commitOf(path: string, reader: ByteReader): Promise<string | undefined> {
  try {
    if ((await reader.entry(path)).kind !== 'file') return undefined;
    const written = Buffer.from(await reader.read(path, 0, 100))
      .toString('utf8')
      .trim();
    return /^[0-9a-f]{7,64}$/.test(written) ? written : undefined;
  } catch {
    return undefined;
  }
}

function folderOf(written: string | undefined): string | undefined {
  if (written === undefined || written.trim() === '') return undefined;
  return written === '~' || written.startsWith('~/') ? join(homedir(), written.slice(1)) : written;
}
