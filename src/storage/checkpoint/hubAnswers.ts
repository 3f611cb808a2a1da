/** What the hub said of a model, kept by its commit: the same question is not asked twice, and works without a network. */
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { StoredTensor } from '../../core/model/checkpoint.ts';
import { isRecord } from '../../core/model/configFields.ts';
import { writeFileAtomically } from '../atomicFile.ts';
import { localReader } from './byteReader.ts';
import type { HubAccess, HubModelName } from './hubAccess.ts';

const SCHEMA = 1;
const MOST_BYTES = 256 * 1024 * 1024;

/** config.json as it is (or as GGUF's metadata says it), and the headers of the weights where there are any. */
export interface HubAnswer {
  readonly config: unknown;
  readonly weights?: { readonly tensors: readonly StoredTensor[]; readonly files: number };
}

/** Answers of one model at one endpoint, or of one quantisation of it. */
export class HubAnswers {
  readonly #folder: string;

  constructor(access: HubAccess, { id, quantization }: HubModelName) {
    const host = access.endpoint.replace(/^https?:\/\//, '').replace(/[^A-Za-z0-9.-]/g, '_');
    const name = id.replace('/', '--');
    const model = quantization === undefined ? name : `${name}--${quantization.toLowerCase()}`;
    this.#folder = join(access.cacheFolder, host, model);
  }

  async read(commit: string): Promise<HubAnswer | undefined> {
    const path = this.#path(commit);
    try {
      const entry = await localReader.entry(path);
      if (entry.kind !== 'file' || entry.bytes > MOST_BYTES) return undefined;
      const packed = await localReader.read(path, 0, entry.bytes);
      const text = (await promisify(gunzip)(packed, { maxOutputLength: MOST_BYTES })).toString('utf8');
      return answerOf(JSON.parse(text));
    } catch {
      // Torn, or of another version: it is asked for again and written anew.
      return undefined;
    }
  }

  /** The commit that a branch or tag was at when it was last asked for. */
  async commitOf(revision: string): Promise<string | undefined> {
    try {
      const path = this.#refPath(revision);
      if ((await localReader.entry(path)).kind !== 'file') return undefined;
      const written = Buffer.from(await localReader.read(path, 0, 100))
        .toString('utf8')
        .trim();
      return isCommit(written) ? written : undefined;
    } catch {
      return undefined;
    }
  }

  /** Throws StorageError. */
  async write(revision: string, commit: string, answer: HubAnswer): Promise<void> {
    const { config, weights } = answer;
    const rows = weights?.tensors.map(({ name, dataType, elements, bytes }) => [
      name,
      dataType,
      elements,
      bytes,
    ]);
    const text = JSON.stringify({
      schema: SCHEMA,
      config,
      ...(weights === undefined ? {} : { files: weights.files, tensors: rows }),
    });
    await writeFileAtomically(this.#path(commit), await promisify(gzip)(text), { mode: 0o600 });
    await this.remember(revision, commit);
  }

  /** Throws StorageError. */
  async remember(revision: string, commit: string): Promise<void> {
    await writeFileAtomically(this.#refPath(revision), `${commit}\n`, { mode: 0o600 });
  }

  #path(commit: string): string {
    return join(this.#folder, `${commit}.json.gz`);
  }

  #refPath(revision: string): string {
    return join(this.#folder, `at-${encodeURIComponent(revision)}`);
  }
}

export function isCommit(text: unknown): text is string {
  return typeof text === 'string' && /^[0-9a-f]{7,64}$/.test(text);
}

function answerOf(kept: unknown): HubAnswer | undefined {
  if (!isRecord(kept) || kept['schema'] !== SCHEMA) return undefined;
  const { config, files, tensors } = kept;
  if (tensors === undefined) return { config };
  if (!Array.isArray(tensors) || typeof files !== 'number') return undefined;
  const read: StoredTensor[] = [];
  for (const row of tensors) {
    const [name, dataType, elements, bytes]: unknown[] = Array.isArray(row) ? row : [];
    if (typeof name !== 'string' || typeof dataType !== 'string') return undefined;
    if (typeof elements !== 'number' || typeof bytes !== 'number') return undefined;
    read.push({ name, dataType, elements, bytes });
  }
  return { config, weights: { tensors: read, files } };
}
