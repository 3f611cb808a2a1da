import { execFileSync } from 'node:child_process';
import { mkdir, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findDevice } from '../../../src/core/device/catalogue.ts';
import { estimate } from '../../../src/core/estimate/estimate.ts';
import { loadedBytes } from '../../../src/core/model/checkpoint.ts';
import { MOST_HEADER_BYTES } from '../../../src/core/model/safetensorsHeader.ts';
import type { ByteReader } from '../../../src/storage/checkpoint/byteReader.ts';
import { readSafetensorsFolder, readSafetensorsHeader } from '../../../src/storage/checkpoint/safetensors.ts';
import { resolveModel } from '../../../src/storage/modelFolder.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';
import {
  CountingReader,
  MemoryReader,
  madeConfig,
  madeFile,
  madeHeader,
  madeShapes,
  shardName,
  writeModel,
} from './madeCheckpoint.ts';

const root = temporaryFolder('safetensors');
let made = 0;
const newFolder = () => join(root, String(made++));

async function factsOf(folder: string) {
  const result = await resolveModel(folder, []);
  if (!result.ok) throw new Error(result.problems[0]?.message);
  return { facts: result.value, warnings: result.warnings };
}

/** Parameters by the formula are what this checkpoint stores, at 2 bytes each. */
const wholeBytes = 2 * (2 * 64_000 + 64 + 2 * (4 * 4096 + 3 * 8192 + 128));

function split(shapes: ReadonlyMap<string, readonly number[]>) {
  const all = [...shapes];
  return [new Map(all.slice(0, 9)), new Map(all.slice(9))];
}

describe('a folder of safetensors files', () => {
  it('gives the bytes of one file by kind, and reads no weight', async () => {
    const folder = await writeModel(newFolder(), [madeShapes()]);
    const reader = new CountingReader();
    const result = await resolveModel(folder, [], { reader });
    expect(result).toMatchObject({
      ok: true,
      warnings: [],
      value: {
        checkpoint: {
          format: 'safetensors',
          files: 1,
          bytesByKind: {
            embedding: 128_000,
            head: 128_000,
            attention: 2 * 2 * 4 * 4096,
            mlp: 2 * 2 * 3 * 8192,
            norms: 2 * (64 + 4 * 64),
            other: 0,
          },
          elementsByDataType: { BF16: wholeBytes / 2 },
          notLoaded: [],
          totalBytes: wholeBytes,
        },
      },
    });
    expect(reader.bytesRead).toBeLessThan(5000);
  });

  it('adds up the shards that the index names, and leaves consolidated copies out', async () => {
    const folder = await writeModel(newFolder(), split(madeShapes()));
    await writeFile(join(folder, 'consolidated.safetensors'), madeFile(madeHeader(madeShapes())));
    const { facts } = await factsOf(folder);
    expect(facts.checkpoint?.files).toBe(2);
    expect(facts.checkpoint && loadedBytes(facts.checkpoint)).toBe(wholeBytes);
    expect(facts.checkpoint?.notLoaded).toMatchObject([{ reason: 'consolidated' }]);
  });

  it('reads consolidated files where they are alone', async () => {
    const folder = await writeModel(newFolder(), []);
    await writeFile(join(folder, 'consolidated.safetensors'), madeFile(madeHeader(madeShapes())));
    expect((await factsOf(folder)).facts.checkpoint?.totalBytes).toBe(wholeBytes);
  });

  it('leaves draft layers, rotary buffers and a tied head in the file, and says so', async () => {
    const shapes = new Map(madeShapes(3));
    shapes.set('mtp.fc.weight', [64, 64]);
    shapes.set('model.layers.0.self_attn.rotary_emb.inv_freq', [8]);
    const folder = await writeModel(newFolder(), [shapes], { ...madeConfig, tie_word_embeddings: true });
    const { checkpoint } = (await factsOf(folder)).facts;
    expect(checkpoint && loadedBytes(checkpoint)).toBe(wholeBytes - 128_000);
    expect(checkpoint?.notLoaded).toEqual([
      { reason: 'tied-head', bytes: 128_000 },
      { reason: 'draft-layers', bytes: 2 * (4 * 4096 + 3 * 8192 + 128 + 4096) },
      { reason: 'rotary-buffers', bytes: 16 },
    ]);
  });

  it('gives no bytes where only the config.json is there', async () => {
    const { facts, warnings } = await factsOf(await writeModel(newFolder(), []));
    expect(facts.checkpoint).toBeUndefined();
    expect(warnings).toEqual([]);
  });

  it('makes the estimate say that the header was read', async () => {
    const { facts } = await factsOf(await writeModel(newFolder(), [madeShapes()]));
    const device = findDevice('h100');
    if (device === undefined) throw new Error('no h100');
    const [rank] = estimate({
      source: 'test',
      deployment: { engine: 'vllm', entrypoint: 'serve', flags: {} },
      model: facts,
      device,
      gpuCount: 1,
    }).perRank;
    expect(rank?.terms.find(({ id }) => id === 'weights')).toMatchObject({
      provenance: 'header',
      source: 'checkpoint header, 1 file',
    });
  });
});

describe('files that cannot be used', () => {
  async function warningOf(folder: string) {
    const { facts, warnings } = await factsOf(folder);
    expect(facts.checkpoint).toBeUndefined();
    return warnings[0];
  }

  it('says which shard is missing, with an index and without', async () => {
    const folder = await writeModel(newFolder(), split(madeShapes()));
    await rm(join(folder, shardName(2, 2)));
    expect(await warningOf(folder)).toMatchObject({
      code: 'checkpoint.missing-file',
      message: expect.stringContaining(shardName(2, 2)),
    });
    await rm(join(folder, 'model.safetensors.index.json'));
    expect((await warningOf(folder))?.message).toContain(shardName(2, 2));
  });

  it('does not believe a header that claims 2 GB, or more than the file has', async () => {
    const folder = await writeModel(newFolder(), [madeShapes()]);
    const file = join(folder, 'model.safetensors');
    const claiming = (bytes: bigint) => {
      const content = Buffer.alloc(100);
      content.writeBigUInt64LE(bytes);
      return writeFile(file, content);
    };
    for (const bytes of [2n ** 31n, 2n ** 64n - 1n, 1000n, 93n]) {
      await claiming(bytes);
      expect(await warningOf(folder)).toMatchObject({
        code: 'checkpoint.bad-header',
        message: expect.stringContaining(`${file} is no usable safetensors file: its header claims ${bytes}`),
      });
    }
  });

  it('says that a download was cut off', async () => {
    const folder = await writeModel(newFolder(), [madeShapes()]);
    await truncate(join(folder, 'model.safetensors'), 10_000);
    expect(await warningOf(folder)).toMatchObject({ code: 'checkpoint.truncated' });
    await truncate(join(folder, 'model.safetensors'), 5);
    expect(await warningOf(folder)).toMatchObject({ code: 'checkpoint.bad-header' });
  });

  it('refuses overlapping, reversed and absurd offsets', async () => {
    const tensor = (begin: number, end: number, shape: number[] = [2]) => ({
      dtype: 'BF16',
      shape,
      data_offsets: [begin, end] as const,
    });
    const headers = [
      { a: tensor(0, 8), b: tensor(4, 12) },
      { a: tensor(8, 0) },
      { a: tensor(-1, 4) },
      { a: tensor(0, 1.5) },
      { a: tensor(0, 4, [-1]) },
      { a: tensor(0, 4, [1e308]) },
      { a: tensor(0, 4, [2 ** 52, 2 ** 52]) },
    ];
    for (const header of headers) {
      const read = await readSafetensorsHeader('made', new MemoryReader(madeFile(header, 100)));
      expect(read.ok, JSON.stringify(header)).toBe(false);
    }
    const far = await readSafetensorsHeader('made', new MemoryReader(madeFile({ a: tensor(0, 2e15) }, 100)));
    expect(far).toMatchObject({ ok: false, problems: [{ code: 'checkpoint.truncated' }] });
  });

  it('counts a tensor once that two shards store', async () => {
    const [first, second] = split(madeShapes());
    if (!first || !second) throw new Error('no shards');
    const twice = new Map([...second, ['model.embed_tokens.weight', [1000, 64]] as const]);
    const { facts, warnings } = await factsOf(await writeModel(newFolder(), [first, twice]));
    expect(facts.checkpoint?.totalBytes).toBe(wholeBytes);
    expect(warnings).toMatchObject([{ code: 'checkpoint.duplicate-tensor' }]);
  });

  it('does not follow an index out of its folder', async () => {
    const folder = await writeModel(newFolder(), [madeShapes()]);
    for (const file of ['../other.safetensors', '/etc/passwd', 'a/b.safetensors', 7]) {
      await writeFile(
        join(folder, 'model.safetensors.index.json'),
        JSON.stringify({ weight_map: { a: file } }),
      );
      expect((await warningOf(folder))?.code).toBe('checkpoint.bad-index');
    }
    await truncate(join(folder, 'model.safetensors.index.json'), 200 * 1024 * 1024);
    expect((await warningOf(folder))?.code).toBe('checkpoint.bad-index');
  });

  it('says that links go in a circle, and that a folder is no file', async () => {
    const folder = await writeModel(newFolder(), []);
    const file = join(folder, 'model.safetensors');
    await symlink(file, file);
    expect((await warningOf(folder))?.message).toMatch(/model\.safetensors cannot be read: .*circle/);
    await rm(file);
    await mkdir(file);
    expect((await warningOf(folder))?.code).toBe('checkpoint.bad-header');
  });
});

describe('hostile folders', () => {
  it('read no more of headers than the largest model has', async () => {
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(MOST_HEADER_BYTES));
    let asked = 0;
    const reader: ByteReader = {
      entry: async () => ({ kind: 'file', bytes: 10 * MOST_HEADER_BYTES }),
      names: async () => Array.from({ length: 1000 }, (_, index) => `padded-${index}.safetensors`),
      read: async (_path, position) => {
        if (position === 0) return length;
        asked += MOST_HEADER_BYTES;
        return Buffer.from('{}');
      },
    };
    const read = await readSafetensorsFolder('hostile', reader);
    expect(read).toMatchObject({ ok: false, problems: [{ code: 'checkpoint.bad-header' }] });
    expect(asked).toBeLessThanOrEqual(256 * 1024 * 1024);
  });

  it('do not make it wait for a pipe', async () => {
    const folder = await writeModel(newFolder(), []);
    execFileSync('mkfifo', [join(folder, 'model.safetensors')]);
    expect((await factsOf(folder)).warnings).toMatchObject([{ code: 'checkpoint.bad-header' }]);
    await rm(join(folder, 'config.json'));
    execFileSync('mkfifo', [join(folder, 'config.json')]);
    expect(await resolveModel(folder, [])).toMatchObject({ problems: [{ code: 'model.unreadable' }] });
  });
});

describe('any bytes at all', () => {
  const whole = madeFile(madeHeader(madeShapes()));
  const headerEnd = 8 + Number(whole.readBigUInt64LE());

  it('never throws and never asks for more than the cap, wherever the file ends', async () => {
    for (let end = 0; end <= headerEnd; end++) {
      const reader = new MemoryReader(whole.subarray(0, end));
      expect((await readSafetensorsHeader('cut', reader)).ok).toBe(false);
      expect(reader.mostAsked).toBeLessThanOrEqual(headerEnd);
    }
  });

  it('never throws for changed bytes', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(headerEnd - 1), fc.nat(255)), { minLength: 1, maxLength: 8 }),
        async (changes) => {
          const content = Buffer.from(whole);
          for (const [at, value] of changes) content[at] = value;
          const reader = new MemoryReader(content);
          const read = await readSafetensorsHeader('changed', reader);
          expect(reader.mostAsked).toBeLessThanOrEqual(MOST_HEADER_BYTES);
          if (read.ok) for (const { bytes } of read.value) expect(bytes).toBeGreaterThanOrEqual(0);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('never throws for a header of any JSON', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (json) => {
        const length = Buffer.alloc(8);
        length.writeBigUInt64LE(BigInt(Buffer.byteLength(json)));
        await readSafetensorsHeader('any', new MemoryReader(Buffer.concat([length, Buffer.from(json)])));
      }),
    );
  });
});
