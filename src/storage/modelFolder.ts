/** A model's name as people write it -> its facts, from files of this machine. */
import { homedir } from 'node:os';
import { basename, dirname, isAbsolute, join, resolve } from 'node:path';
import { closest } from '../core/closest.ts';
import { checkpointFacts } from '../core/model/checkpoint.ts';
import type { ModelFacts } from '../core/model/facts.ts';
import { knownModel, knownModelNames, knownModelWith } from '../core/model/known.ts';
import { parseModelConfig } from '../core/model/parse.ts';
import { failure, type Problem, type Result, success } from '../core/result.ts';
import { type ByteReader, localReader, unreadable } from './checkpoint/byteReader.ts';
import type { HubAccess, HubModelName } from './checkpoint/hubAccess.ts';
import { cachedSnapshot, type Environment, isHubId } from './checkpoint/hubCache.ts';
import { readJsonFile } from './checkpoint/jsonFile.ts';
import { readSafetensorsFolder } from './checkpoint/safetensors.ts';

/** No config.json comes near this; a file that is larger is something else. */
const MOST_CONFIG_BYTES = 16 * 1024 * 1024;

export interface ResolveOptions {
  /** Branch, tag or commit, as the engine's `--revision` has it. Default `main`. */
  readonly revision?: string;
  /** The value of `--hf-overrides`, put into config.json before it is read. GGUF files have none. */
  readonly overrides?: string;
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
  const { reader = localReader, environment = process.env, revision = 'main', overrides } = options;
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
    const found = await readPlace(name, place, undefined, reader, overrides);
    if (found !== undefined) return found;
  }
  // `org/name:Q4_K_M`: a hub id and which of its GGUF files, as vLLM and llama.cpp write it.
  const [, written = name, quantization] = /^([^:\\]+):(\w[\w.-]*)$/.exec(name) ?? [];
  const known = quantization === undefined ? knownModel(name) : undefined;
  const id = known?.id ?? written;
  const snapshot = await cachedSnapshot(id, revision, environment, reader);
  const downloaded =
    snapshot === undefined
      ? undefined
      : await readPlace(quantization === undefined ? id : name, snapshot, quantization, reader, overrides);
  if (downloaded !== undefined) return downloaded;
  const asked = await askHub(
    { id, quantization },
    known === undefined ? 'facts' : 'bytes',
    revision,
    options,
  );
  if (asked?.ok) return asked;
  if (known !== undefined) {
    const changed = overrides === undefined ? undefined : knownModelWith(name, overrides);
    if (changed?.ok === false) return changed;
    return success(changed?.value ?? known, asked?.problems);
  }
  return asked ?? failure(notFound(name, places));
}

/** undefined where no hub may be asked. */
async function askHub(
  model: HubModelName,
  need: HubNeed['need'],
  revision: string,
  { hub, overrides }: ResolveOptions,
): Promise<Result<ModelFacts> | undefined> {
  if (hub === undefined || !isHubId(model.id)) return undefined;
  const access = await hub({ model: model.id, need });
  if (access === undefined) return undefined;
  const { hubModel } = await import('./checkpoint/hubModel.ts');
  return hubModel({ ...model, ...(overrides === undefined ? {} : { overrides }) }, revision, access);
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
  const places = (folders.length > 0 ? folders : [process.cwd()]).map((folder) => resolve(folder, name));
  return [...new Set(places)];
}

/**
 * The model at a place: a GGUF file, a config.json, or a folder with either; undefined where there is none of it. A quantisation asks
 * for GGUF.
 */
async function readPlace(
  name: string,
  place: string,
  quantization: string | undefined,
  reader: ByteReader,
  overrides: string | undefined,
): Promise<Result<ModelFacts> | undefined> {
  try {
    const there = await reader.entry(place);
    if (there.kind === 'absent') return undefined;
    if (there.kind === 'other') return failure(notAFile(place));
    if (there.kind === 'file') {
      if (!/\.gguf$/i.test(place)) return await readModel(name, place, reader, overrides);
      const { ggufModel } = await import('./checkpoint/ggufModel.ts');
      return await ggufModel(name, place, reader);
    }
    const path = join(place, 'config.json');
    const inFolder = await reader.entry(path);
    if (quantization !== undefined || inFolder.kind === 'absent') {
      const { ggufFolder } = await import('./checkpoint/ggufModel.ts');
      return await ggufFolder(name, place, quantization, reader);
    }
    return inFolder.kind === 'file'
      ? await readModel(name, path, reader, overrides)
      : failure(notAFile(path));
  } catch (error) {
    return failure(unreadable(place, error));
  }
}

async function readModel(
  name: string,
  path: string,
  reader: ByteReader,
  overrides: string | undefined,
): Promise<Result<ModelFacts>> {
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
  const facts = parseModelConfig(config.value, {
    id: name,
    source: path,
    ...(overrides === undefined ? {} : { overrides }),
  });
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

function notAFile(path: string): Problem {
  return { code: 'model.unreadable', message: `${path} is neither a file nor a folder.` };
}
