import { mkdir, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { chooseGguf } from '../../../src/core/model/gguf.ts';
import { ggufModel } from '../../../src/storage/checkpoint/ggufModel.ts';
import { hubAccess } from '../../../src/storage/checkpoint/hubAccess.ts';
import { resolveModel } from '../../../src/storage/modelFolder.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';
import { FakeHub } from './fakeHub.ts';
import { CountingReader, MemoryReader } from './madeCheckpoint.ts';
import { madeGguf, madeMetadata, madeTensors } from './madeGguf.ts';

const root = temporaryFolder('gguf');
const whole = madeGguf(madeMetadata, madeTensors());
let made = 0;
async function newFolder(files: Readonly<Record<string, Buffer>>): Promise<string> {
  const folder = join(root, String(made++));
  await mkdir(folder);
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content);
  return folder;
}

const layerMatrices = 2 * (2 * 4096 + 2 * 2048 + 3 * 8192);
const expected = {
  modelType: 'llama',
  hiddenSize: 64,
  vocabularySize: 1000,
  maxPositionEmbeddings: 2048,
  tiedEmbeddings: false,
  quantization: { method: 'gguf', bytesPerWeight: 34 / 32 },
  parameters: { total: 128_000 + layerMatrices + 5 * 64 },
  checkpoint: {
    format: 'gguf',
    bytesByKind: {
      embedding: 128_000,
      head: 128_000,
      attention: (2 * (2 * 4096 + 2 * 2048) * 34) / 32,
      mlp: (2 * 3 * 8192 * 34) / 32,
      norms: 5 * 256,
    },
    elementsByDataType: { F16: 128_000, Q8_0: layerMatrices, F32: 320 },
  },
};

async function problemOf(path: string) {
  const result = await resolveModel(path, []);
  if (result.ok) throw new Error(`${path} was read`);
  return result.problems[0];
}

describe('a GGUF file', () => {
  it('gives facts and bytes by its path, with no weight read', async () => {
    const folder = await newFolder({ 'tiny-Q8_0.gguf': whole });
    const reader = new CountingReader();
    const path = join(folder, 'tiny-Q8_0.gguf');
    expect(await resolveModel(path, [], { reader })).toMatchObject({ ok: true, value: expected });
    expect(await resolveModel('tiny-Q8_0.gguf', [folder])).toMatchObject({ ok: true, value: expected });
    expect(await resolveModel(folder, [])).toMatchObject({ ok: true, value: expected });
    expect(reader.bytesRead).toBeLessThanOrEqual(2_000_000);
  });

  it('may come in a series, of which each part is needed', async () => {
    const tensors = madeTensors();
    const first = madeGguf(madeMetadata, tensors.slice(0, 7));
    const second = madeGguf({ 'general.architecture': 'llama' }, tensors.slice(7));
    const names = ['tiny-Q8_0-00001-of-00002.gguf', 'tiny-Q8_0-00002-of-00002.gguf'] as const;
    const folder = await newFolder({ [names[0]]: first, [names[1]]: second });
    expect(await resolveModel(join(folder, names[0]), [])).toMatchObject({
      ok: true,
      value: { ...expected, checkpoint: { ...expected.checkpoint, files: 2 } },
    });
    const part = await newFolder({ [names[0]]: first });
    expect((await problemOf(join(part, names[0])))?.code).toBe('checkpoint.missing-file');
  });

  it('has a tied head where it stores none', async () => {
    const tensors = madeTensors().filter(({ name }) => name !== 'output.weight');
    const folder = await newFolder({ 'tied.gguf': madeGguf(madeMetadata, tensors) });
    expect(await resolveModel(folder, [])).toMatchObject({ ok: true, value: { tiedEmbeddings: true } });
  });

  it('is asked for by name where a folder holds several', async () => {
    const folder = await newFolder({
      'tiny-Q4_K_M.gguf': whole,
      'tiny-Q8_0.gguf': whole,
      'mmproj-F16.gguf': whole,
    });
    expect(await problemOf(folder)).toMatchObject({
      code: 'checkpoint.which-gguf',
      message: expect.stringMatching(/tiny-Q4_K_M, tiny-Q8_0\. Name one file/),
    });
  });
});

describe('chooseGguf', () => {
  const names = [
    'm-Q4_K_M.gguf',
    'm-Q4_K_S.gguf',
    'm-IQ4_K_M.gguf',
    'm-f16-00001-of-00002.gguf',
    'm-f16-00002-of-00002.gguf',
  ];
  it.each([
    ['Q4_K_M', ['m-Q4_K_M.gguf']],
    ['q4_k_s', ['m-Q4_K_S.gguf']],
    ['F16', ['m-f16-00001-of-00002.gguf', 'm-f16-00002-of-00002.gguf']],
  ])('finds %s', (quantization, files) => {
    expect(chooseGguf('here', names, quantization)).toMatchObject({ ok: true, value: { files } });
  });

  it('says what there is where nothing is meant, or too much', () => {
    for (const quantization of ['Q2_K', 'K', undefined]) {
      expect(chooseGguf('here', names, quantization)).toMatchObject({
        ok: false,
        problems: [{ code: 'checkpoint.which-gguf', message: expect.stringContaining('m-Q4_K_S') }],
      });
    }
    expect(chooseGguf('here', ['config.json'], undefined)).toMatchObject({ ok: true, value: undefined });
  });
});

describe('a GGUF file that cannot be used', () => {
  it.each([
    ['something else', Buffer.from('not a GGUF file at all')],
    ['nothing', Buffer.alloc(0)],
    ['no architecture', madeGguf({}, madeTensors())],
    ['a type that is not known', madeGguf(madeMetadata, [{ name: 'x', shape: [4], type: 99, bytes: 4 }])],
    ['half a block', madeGguf(madeMetadata, [{ name: 'x', shape: [33], type: 8, bytes: 34 }])],
  ])('is said to be so: %s', async (_what, content) => {
    const folder = await newFolder({ 'bad.gguf': content });
    expect(await problemOf(folder)).toMatchObject({
      code: 'checkpoint.bad-gguf',
      message: expect.stringContaining(join(folder, 'bad.gguf')),
    });
  });

  it('is said to be cut off', async () => {
    const folder = await newFolder({ 'cut.gguf': whole });
    await truncate(join(folder, 'cut.gguf'), whole.length - 1000);
    expect((await problemOf(folder))?.code).toBe('checkpoint.truncated');
  });

  it('is not covered where layers differ in heads', async () => {
    const mixed = { ...madeMetadata, 'llama.attention.head_count_kv': [2, 4] };
    const folder = await newFolder({ 'mixed.gguf': madeGguf(mixed, madeTensors()) });
    expect((await problemOf(folder))?.code).toBe('model.not-covered');
  });

  it('never throws for changed bytes and cut ends', async () => {
    const small = madeGguf({ ...madeMetadata, 'tokenizer.ggml.tokens': ['a', 'b'] }, madeTensors());
    const header = 2500;
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.nat(header), fc.nat(255)), { maxLength: 6 }),
        fc.nat(small.length),
        async (changes, end) => {
          const content = Buffer.from(small);
          for (const [at, value] of changes) content[at] = value;
          const reader = new MemoryReader(content.subarray(0, end));
          await ggufModel('made', '/made.gguf', reader);
          expect(reader.mostAsked).toBeLessThanOrEqual(2_000_000);
        },
      ),
      { numRuns: 200 },
    );
  });
});

describe('GGUF of the hub', () => {
  it('is named by its quantisation after a colon, downloaded or not', async () => {
    const hub = await FakeHub.start();
    const sha = 'd'.repeat(40);
    hub.repos.set('acme/tiny-GGUF', { sha, files: { 'tiny-Q8_0.gguf': whole, 'tiny-Q4_K_M.gguf': whole } });
    const environment = { XDG_CACHE_HOME: await newFolder({}) };
    const access = hubAccess({ endpoint: hub.endpoint }, environment);
    if (!access.ok) throw new Error('no access');
    const options = { environment, hub: async () => access.value };
    const id = 'acme/tiny-GGUF:Q8_0';
    expect(await resolveModel(id, [root], options)).toMatchObject({ ok: true, value: { id, ...expected } });
    expect(hub.requests.filter(({ path }) => path.includes('Q4_K_M'))).toEqual([]);
    expect(await resolveModel('acme/tiny-GGUF:Q2_K', [root], options)).toMatchObject({
      ok: false,
      problems: [{ code: 'checkpoint.which-gguf', message: expect.stringContaining('tiny-Q4_K_M') }],
    });
    expect(await resolveModel('acme/tiny-GGUF', [root], options)).toMatchObject({
      ok: false,
      problems: [{ code: 'hub.no-config', message: expect.stringContaining('acme/tiny-GGUF:Q4_K_M') }],
    });
    await hub.stop();
    expect(await resolveModel(id, [root], options)).toMatchObject({
      ok: true,
      warnings: [{ code: 'hub.kept-answer' }],
    });

    const snapshot = join(environment.XDG_CACHE_HOME, 'huggingface/hub/models--acme--tiny-GGUF');
    await mkdir(join(snapshot, 'snapshots', sha), { recursive: true });
    await mkdir(join(snapshot, 'refs'));
    await writeFile(join(snapshot, 'refs', 'main'), sha);
    await writeFile(join(snapshot, 'snapshots', sha, 'tiny-Q8_0.gguf'), whole);
    expect(await resolveModel(id, [root], { environment })).toMatchObject({
      ok: true,
      value: { id, ...expected },
    });
  });
});
