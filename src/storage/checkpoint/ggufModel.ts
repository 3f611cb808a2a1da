/** GGUF files -> model facts. Their header is read, no weight is. */
import { basename, dirname, join } from 'node:path';
import { checkpointFacts, type StoredTensor } from '../../core/model/checkpoint.ts';
import type { ModelFacts } from '../../core/model/facts.ts';
import { badGguf, chooseGguf, ggufBytesPerWeight, ggufConfig, ggufTensors } from '../../core/model/gguf.ts';
import { parseModelConfig } from '../../core/model/parse.ts';
import { failure, type Result, success } from '../../core/result.ts';
import { type ByteReader, unreadable } from './byteReader.ts';

/** The name of a file that the reader asks for; it reaches no network. */
const LOCAL = 'https://gguf.invalid/';

/** What a header says: metadata as it stands, and exact bytes. */
export interface GgufHeader {
  readonly metadata: Readonly<Record<string, unknown>>;
  readonly tensors: readonly StoredTensor[];
}

/**
 * Facts of a GGUF file, with the rest of its series (`-00001-of-00003`). Never throws. Problems: those of `parseModelConfig`,
 * `checkpoint.bad-gguf`, `checkpoint.truncated`, `checkpoint.missing-file`, `checkpoint.unreadable`.
 */
export async function ggufModel(id: string, path: string, reader: ByteReader): Promise<Result<ModelFacts>> {
  const [, series] = /^(.*)-\d{5}-of-\d{5}\.gguf$/i.exec(basename(path)) ?? [];
  if (series === undefined) return readAll(id, [path], reader);
  try {
    const names = (await reader.names(dirname(path))).filter((name) => name.startsWith(`${series}-`));
    const chosen = chooseGguf(dirname(path), names, undefined);
    if (!chosen.ok) return chosen;
    const files = chosen.value?.files ?? [];
    return readAll(
      id,
      files.map((name) => join(dirname(path), name)),
      reader,
    );
  } catch (error) {
    return failure(unreadable(dirname(path), error, 'checkpoint.unreadable'));
  }
}

/** Facts of the one model that a folder holds as GGUF, or of that with this quantisation; undefined where it holds none. */
export async function ggufFolder(
  id: string,
  folder: string,
  quantization: string | undefined,
  reader: ByteReader,
): Promise<Result<ModelFacts> | undefined> {
  let names: readonly string[];
  try {
    names = await reader.names(folder);
  } catch (error) {
    return failure(unreadable(folder, error, 'checkpoint.unreadable'));
  }
  const chosen = chooseGguf(folder, names, quantization);
  if (!chosen.ok) return chosen;
  if (chosen.value === undefined) return undefined;
  return readAll(
    id,
    chosen.value.files.map((name) => join(folder, name)),
    reader,
  );
}

async function readAll(
  id: string,
  files: readonly string[],
  reader: ByteReader,
): Promise<Result<ModelFacts>> {
  const headers: GgufHeader[] = [];
  for (const file of files) {
    const header = await readFile(file, reader);
    if (!header.ok) return header;
    headers.push(header.value);
  }
  const source = files[0] ?? id;
  const content = ggufContent(source, headers);
  return content.ok ? ggufFacts(id, source, content.value) : content;
}

async function readFile(path: string, reader: ByteReader): Promise<Result<GgufHeader>> {
  let bytes: number;
  try {
    const entry = await reader.entry(path);
    if (entry.kind !== 'file') return failure(badGguf(path, 'it is no file'));
    bytes = entry.bytes;
  } catch (error) {
    return failure(unreadable(path, error, 'checkpoint.unreadable'));
  }
  const ranges: typeof fetch = async (_input, init) => {
    const [, first, last] = /^bytes=(\d+)-(\d+)$/.exec(new Headers(init?.headers).get('Range') ?? '') ?? [];
    const start = Number(first);
    // Past the end the reader would go on with zeros.
    if (!(start < bytes)) throw new Error('the file ends in its header');
    const part = await reader.read(path, start, Number(last) + 1 - start);
    const headers = { 'Content-Range': `bytes ${start}-${start + part.length - 1}/${bytes}` };
    return new Response(new Uint8Array(part), { status: 206, headers });
  };
  return ggufHeader(path, LOCAL, ranges, bytes);
}

/** The header of a file at an address. `bytes`: its length, where that is known. Throws only what `fetching` throws on purpose. */
export async function ggufHeader(
  file: string,
  address: string,
  fetching: typeof fetch,
  bytes: number | undefined,
): Promise<Result<GgufHeader>> {
  const { gguf } = await import('./ggufLibrary.ts');
  try {
    const { metadata, tensorInfos, tensorDataOffset } = await gguf(address, { fetch: fetching });
    const dataBytes = bytes === undefined ? undefined : bytes - Number(tensorDataOffset);
    const tensors = ggufTensors(file, tensorInfos, dataBytes);
    return tensors.ok ? success({ metadata: { ...metadata }, tensors: tensors.value }) : tensors;
  } catch (error) {
    // The reader's own words hold sizes and names of the file, no addresses.
    const why = error instanceof Error && error.message !== '' ? error.message : 'its header cannot be read';
    return failure(badGguf(file, why.replace(/\.$/, '').slice(0, 200)));
  }
}

/** Headers of a model's files -> a config.json and all tensors; the first file says what the model is. */
export function ggufContent(source: string, headers: readonly GgufHeader[]): Result<GgufContent> {
  const tensors = headers.flatMap((header) => header.tensors);
  const config = ggufConfig(source, headers[0]?.metadata ?? {}, tensors);
  return config.ok ? success({ config: config.value, tensors, files: headers.length }) : config;
}

export interface GgufContent {
  readonly config: unknown;
  readonly tensors: readonly StoredTensor[];
  readonly files: number;
}

export function ggufFacts(id: string, source: string, content: GgufContent): Result<ModelFacts> {
  const { config, tensors, files } = content;
  const parsed = parseModelConfig(config, { id, source });
  if (!parsed.ok) return parsed;
  const { layers, tiedEmbeddings } = parsed.value;
  const checkpoint = checkpointFacts(
    tensors,
    { layers: layers.length, tiedEmbeddings },
    { format: 'gguf', files },
  );
  const bytesPerWeight = ggufBytesPerWeight(tensors);
  const quantization = {
    method: 'gguf',
    unconverted: [],
    ...(bytesPerWeight === undefined ? {} : { bytesPerWeight }),
  };
  return success({ ...parsed.value, quantization, checkpoint }, parsed.warnings);
}
