import { open, stat } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join, resolve } from 'node:path';
import type { ModelFacts } from '../core/model/facts.ts';
import { knownModel } from '../core/model/known.ts';
import { parseModelConfig } from '../core/model/parse.ts';
import { failure, type Problem, type Result, success } from '../core/result.ts';

/** No config.json comes near this; a file that is larger is something else. */
const MOST_BYTES = 16 * 1024 * 1024;

/**
 * Model facts for a reference as people write it: a shipped model's name, a folder with a config.json, or the path of a config.json;
 * `~` and paths relative to each of `folders`, first that is there wins. Never throws. Problems: those of `parseModelConfig`, and
 * `model.not-found`, `model.network-path`, `model.unreadable`, `model.too-large-file`, `model.torn-config`.
 */
export async function resolveModel(
  reference: string,
  folders: readonly string[],
): Promise<Result<ModelFacts>> {
  const name = reference.trim();
  const known = knownModel(name);
  if (known !== undefined) return success(known);
  if (name === '' || name.includes('\0')) {
    return failure({ code: 'model.not-found', message: 'No model is named.' });
  }
  // Windows would log on to the machine that such a path names, and documents of strangers name models too.
  if (/^[\\/]{2}/.test(name)) {
    return failure({
      code: 'model.network-path',
      message: `"${name}" begins with two slashes, as paths of other machines do, and is not looked for: name a folder of this machine.`,
    });
  }
  const places = placesOf(name, folders);
  for (const place of places) {
    const found = await configPath(place);
    if (found.kind === 'unreadable') return failure(found.problem);
    if (found.kind === 'found') return readConfig(name, found.path);
  }
  return failure({
    code: 'model.not-found',
    message: `"${name}" is not a shipped model, and no config.json was found at ${places.join(', ')}. Download its config.json, or name its folder.`,
  });
}

function placesOf(name: string, folders: readonly string[]): string[] {
  if (name === '~' || name.startsWith('~/')) return [join(homedir(), name.slice(1))];
  if (isAbsolute(name)) return [name];
  return (folders.length > 0 ? folders : [process.cwd()]).map((folder) => resolve(folder, name));
}

type Found =
  | { readonly kind: 'absent' }
  | { readonly kind: 'found'; readonly path: string }
  | { readonly kind: 'unreadable'; readonly problem: Problem };

/** The regular file to read: the place itself, or the config.json in it. */
async function configPath(place: string): Promise<Found> {
  try {
    const there = await stat(place);
    if (there.isFile()) return { kind: 'found', path: place };
    if (!there.isDirectory()) return notAFile(place);
    const path = join(place, 'config.json');
    const inFolder = await stat(path);
    return inFolder.isFile() ? { kind: 'found', path } : notAFile(path);
  } catch (error) {
    const code = errorCode(error);
    if (code === 'ENOENT' || code === 'ENOTDIR' || code === 'ENAMETOOLONG') return { kind: 'absent' };
    return { kind: 'unreadable', problem: unreadable(place, error) };
  }
}

async function readConfig(name: string, path: string): Promise<Result<ModelFacts>> {
  let text: string;
  try {
    const file = await open(path, 'r');
    try {
      // One byte more than allowed: a file that grows while it is read is caught as well.
      const buffer = Buffer.alloc(Math.min((await file.stat()).size, MOST_BYTES) + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length, null);
        length += bytesRead;
        if (bytesRead === 0 || length === buffer.length) break;
      }
      if (length > MOST_BYTES) {
        return failure({
          code: 'model.too-large-file',
          message: `${path} is larger than 16 MiB: that is no config.json.`,
        });
      }
      text = buffer.toString('utf8', 0, length);
    } finally {
      await file.close();
    }
  } catch (error) {
    return failure(unreadable(path, error));
  }
  let config: unknown;
  try {
    config = JSON.parse(text.replace(/^\uFEFF/, ''));
  } catch (error) {
    return failure({
      code: 'model.torn-config',
      message: `${path} is not JSON: ${error instanceof Error ? error.message : String(error)}.`,
    });
  }
  return parseModelConfig(config, { id: name, source: path });
}

function notAFile(path: string): Found {
  return {
    kind: 'unreadable',
    problem: { code: 'model.unreadable', message: `${path} is neither a file nor a folder.` },
  };
}

function unreadable(path: string, error: unknown): Problem {
  const code = errorCode(error);
  const why =
    code === 'ELOOP'
      ? 'its symbolic links go in a circle'
      : code === 'EACCES' || code === 'EPERM'
        ? 'permission is denied'
        : error instanceof Error
          ? error.message
          : String(error);
  return { code: 'model.unreadable', message: `${path} cannot be read: ${why}.` };
}

function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined;
}
