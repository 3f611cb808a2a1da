/** A model's name as people write it -> its facts, from files of this machine. */
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { closest } from '../core/closest.ts';
import { checkpointFacts } from '../core/model/checkpoint.ts';
import type { ModelFacts } from '../core/model/facts.ts';
import { knownModel, knownModelNames } from '../core/model/known.ts';
import { parseModelConfig } from '../core/model/parse.ts';
import { failure, type Problem, type Result, success } from '../core/result.ts';
import { type ByteReader, localReader, unreadable } from './checkpoint/byteReader.ts';
import type { HubAccess } from './checkpoint/hubAccess.ts';
import { cachedSnapshot, type Environment, isHubId } from './checkpoint/hubCache.ts';
import { readJsonFile } from './checkpoint/jsonFile.ts';
import { readSafetensorsFolder } from './checkpoint/safetensors.ts';

/** No config.json comes near this; a file that is larger is something else. */
const MOST_CONFIG_BYTES = 16 * 1024 * 1024;

export interface ResolveOptions {
  /** Branch, tag or commit, as the engine's `--revision` has it. Default `main`. */
  readonly revision?: string;
  /** Names the folder of downloaded models. Default: this process's. */
  readonly environment?: Environment;
  /** Default: this machine's files. */
  readonly reader?: ByteReader;
  /**
   * Leave to ask a model hub, where the user gave it: asked for only when no file of this machine says what is needed, which is the
   * exact bytes of a model whose facts ship, or everything of another. Left out, no other machine is asked.
   */
  readonly hub?: (need: HubNeed) => Promise<HubAccess | undefined>;
}

/** What only a hub can say, of which model. */
export interface HubNeed {
  readonly model: string;
  readonly need: 'facts' | 'bytes';
}

/**
 * Model facts for a reference as people write it: a folder with a config.json or the path of one, `~` and paths relative to each of
 * `folders`, first that is there wins; then a hub id that was downloaded into the hub's cache; then a shipped model's name. Headers of
 * safetensors files beside the config.json give the exact bytes. Never throws; asks another machine only by `hub`. Problems:
 * those of `parseModelConfig` and `hubModel`, and `model.not-found`, `model.network-path`, `model.unreadable`, `model.too-large-file`, `model.torn-config`.
 * Weight files that cannot be used are warnings (`checkpoint.…`): the facts are then without them.
 */
export async function resolveModel(
  reference: string,
  folders: readonly string[],
  options: ResolveOptions = {},
): Promise<Result<ModelFacts>> {
  const { reader = localReader, environment = process.env, revision = 'main' } = options;
  const name = reference.trim();
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
    const found = await configPath(place, reader);
    if (found.kind === 'unreadable') return failure(found.problem);
    if (found.kind === 'found') return readModel(name, found.path, reader);
  }
  const known = knownModel(name);
  const snapshot = await cachedSnapshot(known?.id ?? name, revision, environment, reader);
  if (snapshot !== undefined) {
    const found = await configPath(snapshot, reader);
    if (found.kind === 'found') return readModel(known?.id ?? name, found.path, reader);
  }
  const asked = await askHub(known?.id ?? name, known === undefined ? 'facts' : 'bytes', revision, options);
  if (asked?.ok) return asked;
  if (known !== undefined) return success(known, asked?.problems);
  return asked ?? failure(notFound(name, places));
}

/** undefined where no hub may be asked. */
async function askHub(
  model: string,
  need: HubNeed['need'],
  revision: string,
  { hub }: ResolveOptions,
): Promise<Result<ModelFacts> | undefined> {
  if (hub === undefined || !isHubId(model)) return undefined;
  const access = await hub({ model, need });
  if (access === undefined) return undefined;
  const { hubModel } = await import('./checkpoint/hubModel.ts');
  return hubModel(model, revision, access);
}

function notFound(name: string, places: readonly string[]): Problem {
  const near = closest(name, knownModelNames());
  const hint = near === undefined ? '' : ` Did you mean ${near}?`;
  return {
    code: 'model.not-found',
    message: `"${name}" is not a shipped model, was not downloaded, and no config.json was found at ${places.join(', ')}.${hint} Download its config.json, or name its folder.`,
  };
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
async function configPath(place: string, reader: ByteReader): Promise<Found> {
  try {
    const there = await reader.entry(place);
    if (there.kind === 'absent') return { kind: 'absent' };
    if (there.kind === 'file') return { kind: 'found', path: place };
    if (there.kind === 'other') return notAFile(place);
    const path = join(place, 'config.json');
    const inFolder = await reader.entry(path);
    if (inFolder.kind === 'absent') return { kind: 'absent' };
    return inFolder.kind === 'file' ? { kind: 'found', path } : notAFile(path);
  } catch (error) {
    return { kind: 'unreadable', problem: unreadable(place, error) };
  }
}

async function readModel(name: string, path: string, reader: ByteReader): Promise<Result<ModelFacts>> {
  const config = await readJsonFile(reader, path, {
    mostBytes: MOST_CONFIG_BYTES,
    what: 'that is no config.json',
    codes: {
      tooLarge: 'model.too-large-file',
      torn: 'model.torn-config',
      unreadable: 'model.unreadable',
    },
  });
  if (!config.ok) return config;
  const facts = parseModelConfig(config.value, { id: name, source: path });
  if (!facts.ok || basename(path) !== 'config.json') return facts;
  return withCheckpoint(facts.value, facts.warnings, dirname(path), reader);
}

/** Facts with what the headers beside the config.json say; a warning and the facts alone where those cannot be used. */
async function withCheckpoint(
  facts: ModelFacts,
  warnings: readonly Problem[],
  folder: string,
  reader: ByteReader,
): Promise<Result<ModelFacts>> {
  const stored = await readSafetensorsFolder(folder, reader);
  if (!stored.ok) return success(facts, [...warnings, ...stored.problems]);
  if (stored.value === undefined) return success(facts, warnings);
  const { tensors, files, besides } = stored.value;
  const checkpoint = checkpointFacts(
    tensors,
    { layers: facts.layers.length, tiedEmbeddings: facts.tiedEmbeddings },
    { format: 'safetensors', files, besides },
  );
  return success({ ...facts, checkpoint }, [...warnings, ...stored.warnings]);
}

function notAFile(path: string): Found {
  return {
    kind: 'unreadable',
    problem: { code: 'model.unreadable', message: `${path} is neither a file nor a folder.` },
  };
}
