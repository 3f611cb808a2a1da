/** Headers of the safetensors files of a folder. No weight is ever read. */
import { join } from 'node:path';
import type { NotLoaded, StoredTensor } from '../../core/model/checkpoint.ts';
import { isRecord } from '../../core/model/configFields.ts';
import { badHeader, MOST_HEADER_BYTES, safetensorsTensors } from '../../core/model/safetensorsHeader.ts';
import { failure, type Problem, type Result, success } from '../../core/result.ts';
import { type ByteReader, unreadable } from './byteReader.ts';
import { readJsonFile } from './jsonFile.ts';

export const INDEX_FILE = 'model.safetensors.index.json';

/** Kimi-K3's index of half a million tensors takes 60 MB. */
const MOST_INDEX_BYTES = 64 * 1024 * 1024;
/** Far above any sharded model; keeps a crafted index from naming millions. */
const MOST_FILES = 10_000;
/** Of all headers together: four times those of the largest models. */
const MOST_HEADERS_BYTES = 256 * 1024 * 1024;
const FILES_AT_ONCE = 8;
const LENGTH_BYTES = 8;

/** The tensors of a folder's safetensors files, and what stands beside them without being loaded. */
export interface StoredTensors {
  readonly tensors: readonly StoredTensor[];
  readonly files: number;
  readonly besides: readonly NotLoaded[];
}

/**
 * Reads what the index names, else every safetensors file of the folder; undefined where it has none. Mistral's
 * `consolidated*.safetensors` are read only where they are alone. Never throws. Problems, each with its file: `checkpoint.bad-header`,
 * `checkpoint.truncated`, `checkpoint.missing-file`, `checkpoint.bad-index`, `checkpoint.unreadable`; warnings:
 * `checkpoint.duplicate-tensor`.
 */
export async function readSafetensorsFolder(
  folder: string,
  reader: ByteReader,
): Promise<Result<StoredTensors | undefined>> {
  let names: readonly string[];
  try {
    names = (await reader.names(folder)).filter(
      (name) => name.endsWith('.safetensors') || name === INDEX_FILE,
    );
  } catch (error) {
    return failure(unreadable(folder, error, 'checkpoint.unreadable'));
  }
  const chosen = await chooseFiles(folder, names, reader);
  if (!chosen.ok) return chosen;
  const { files, leftOut } = chosen.value;
  if (files.length === 0) return success(undefined);
  const read = await readHeaders(folder, files, reader);
  if (!read.ok) return read;
  const besides: NotLoaded[] = [];
  for (const name of leftOut) {
    const entry = await reader.entry(join(folder, name)).catch(() => undefined);
    if (entry?.kind !== 'file') continue;
    const reason = isConsolidated(name) ? 'consolidated' : 'outside-the-index';
    besides.push({ reason, bytes: entry.bytes });
  }
  const tensors = read.value.flat();
  return success({ tensors, files: files.length, besides }, duplicates(tensors));
}

interface ChosenFiles {
  readonly files: readonly string[];
  readonly leftOut: readonly string[];
}

async function chooseFiles(
  folder: string,
  names: readonly string[],
  reader: ByteReader,
): Promise<Result<ChosenFiles>> {
  const weights = names.filter((name) => name !== INDEX_FILE).toSorted();
  if (names.includes(INDEX_FILE)) {
    const indexed = await indexedFiles(join(folder, INDEX_FILE), reader);
    if (!indexed.ok) return indexed;
    const files = indexed.value;
    const missing = files.filter((name) => !weights.includes(name));
    const [first] = missing;
    if (first !== undefined) {
      return failure({
        code: 'checkpoint.missing-file',
        message: `${join(folder, first)} is not there${missing.length > 1 ? `, nor are ${missing.length - 1} more` : ''}, though the index names it: ${files.length - missing.length} of ${files.length} files are there. Download the rest.`,
      });
    }
    return success({ files, leftOut: weights.filter((name) => !files.includes(name)) });
  }
  const usual = weights.filter((name) => !isConsolidated(name) && !isLeftOver(name));
  if (usual.length === 0) return success({ files: weights.filter(isConsolidated), leftOut: [] });
  const missing = missingShards(usual);
  if (missing !== undefined) {
    return failure({
      code: 'checkpoint.missing-file',
      message: `${join(folder, missing)} is not there, though its name is one of a series. Download the rest.`,
    });
  }
  return success({ files: usual, leftOut: weights.filter((name) => !usual.includes(name)) });
}

/** The files that the index names, in order. Paths out of the folder are refused. */
async function indexedFiles(path: string, reader: ByteReader): Promise<Result<readonly string[]>> {
  const index = await readJsonFile(reader, path, {
    mostBytes: MOST_INDEX_BYTES,
    what: 'no model has so many tensors',
    codes: {
      tooLarge: 'checkpoint.bad-index',
      torn: 'checkpoint.bad-index',
      unreadable: 'checkpoint.unreadable',
    },
  });
  if (!index.ok) return index;
  const map = isRecord(index.value) ? index.value['weight_map'] : undefined;
  if (!isRecord(map)) return failure(badIndex(path, 'it has no "weight_map"'));
  const files = new Set<string>();
  for (const file of Object.values(map)) {
    if (typeof file !== 'string' || !/^[^/\\\0]+\.safetensors$/.test(file)) {
      return failure(
        badIndex(path, 'its "weight_map" names something other than safetensors files beside it'),
      );
    }
    files.add(file);
    if (files.size > MOST_FILES) return failure(badIndex(path, `it names more than ${MOST_FILES} files`));
  }
  return success([...files].toSorted());
}

async function readHeaders(
  folder: string,
  files: readonly string[],
  reader: ByteReader,
): Promise<Result<readonly (readonly StoredTensor[])[]>> {
  const all: (readonly StoredTensor[])[] = [];
  const budget = { bytes: MOST_HEADERS_BYTES };
  for (let first = 0; first < files.length; first += FILES_AT_ONCE) {
    const some = files.slice(first, first + FILES_AT_ONCE);
    const results = await Promise.all(
      some.map((name) => readSafetensorsHeader(join(folder, name), reader, budget)),
    );
    for (const result of results) {
      if (!result.ok) return result;
      all.push(result.value);
    }
  }
  return success(all);
}

/**
 * Tensors of one file: 8 bytes of length, then so many of JSON. Nothing is allocated by a length that the file cannot have. `budget` is
 * what may still be read of a folder's headers.
 */
export async function readSafetensorsHeader(
  path: string,
  reader: ByteReader,
  budget = { bytes: MOST_HEADER_BYTES },
): Promise<Result<readonly StoredTensor[]>> {
  try {
    const entry = await reader.entry(path);
    if (entry.kind === 'absent') {
      return failure({
        code: 'checkpoint.missing-file',
        message: `${path} is not there. A link to a file that was not downloaded looks like this too.`,
      });
    }
    if (entry.kind !== 'file') return failure(badHeader(path, 'it is no file'));
    const prefix = await reader.read(path, 0, LENGTH_BYTES);
    if (prefix.length < LENGTH_BYTES) return failure(badHeader(path, 'it is shorter than a header'));
    const claimed = new DataView(prefix.buffer, prefix.byteOffset, LENGTH_BYTES).getBigUint64(0, true);
    if (claimed > BigInt(MOST_HEADER_BYTES)) {
      return failure(
        badHeader(path, `its header claims ${claimed} bytes, and no more than ${MOST_HEADER_BYTES} are read`),
      );
    }
    const length = Number(claimed);
    if (LENGTH_BYTES + length > entry.bytes) {
      return failure(
        badHeader(path, `its header claims ${length} bytes, and the file has ${entry.bytes} in all`),
      );
    }
    budget.bytes -= length;
    if (budget.bytes < 0) {
      return failure(badHeader(path, 'the headers of its folder are longer than those of any model'));
    }
    const bytes = await reader.read(path, LENGTH_BYTES, length);
    let header: unknown;
    try {
      header = JSON.parse(Buffer.from(bytes).toString('utf8'));
    } catch {
      return failure(badHeader(path, 'its header is not JSON'));
    }
    return safetensorsTensors(path, header, entry.bytes - LENGTH_BYTES - length);
  } catch (error) {
    return failure(unreadable(path, error, 'checkpoint.unreadable'));
  }
}

function duplicates(tensors: readonly StoredTensor[]): readonly Problem[] {
  const seen = new Set<string>();
  let count = 0;
  let example = '';
  for (const { name } of tensors) {
    if (seen.has(name)) {
      count += 1;
      example = name;
    }
    seen.add(name);
  }
  if (count === 0) return [];
  return [
    {
      code: 'checkpoint.duplicate-tensor',
      message: `${count} ${count === 1 ? 'tensor stands' : 'tensors stand'} in more than one file, such as "${example.slice(0, 80)}": each is counted once.`,
    },
  ];
}

/** `model-00002-of-00003.safetensors` where the others of its series are there; undefined where none is missing. */
function missingShards(names: readonly string[]): string | undefined {
  const there = new Set(names);
  for (const name of names) {
    const [, prefix, number, total] = /^(.*-)(\d{5,6})-of-(\d{5,6})\.safetensors$/.exec(name) ?? [];
    if (prefix === undefined || number === undefined || total === undefined) continue;
    for (let shard = 1; shard <= Math.min(Number(total), MOST_FILES); shard++) {
      const expected = `${prefix}${String(shard).padStart(number.length, '0')}-of-${total}.safetensors`;
      if (!there.has(expected)) return expected;
    }
  }
  return undefined;
}

function isConsolidated(name: string): boolean {
  return /^consolidated.*\.safetensors$/.test(name);
}

/** What training and adapters leave beside a model: vLLM loads none of it as weights. */
function isLeftOver(name: string): boolean {
  return /^(optimizer|scheduler|training|rng_state|adapter_)/.test(name);
}

function badIndex(path: string, why: string): Problem {
  return { code: 'checkpoint.bad-index', message: `${path} cannot be used: ${why}. Download it again.` };
}
