import { chmod, mkdir, mkdtemp, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { resolveModel } from '../../../src/storage/modelFolder.ts';

const config = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 128,
  num_hidden_layers: 2,
  num_attention_heads: 4,
  vocab_size: 1000,
};

let root = '';
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'loadline-models-'));
  await mkdir(join(root, 'mine'));
  await writeFile(join(root, 'mine', 'config.json'), `\uFEFF${JSON.stringify(config)}`);
  await mkdir(join(root, 'empty'));
});
afterAll(() => rm(root, { recursive: true, force: true }));

async function problemOf(reference: string) {
  const result = await resolveModel(reference, [root]);
  if (result.ok) throw new Error(`${reference} was found`);
  return result.problems[0];
}

describe('resolveModel', () => {
  it('finds a shipped model by name', async () => {
    expect(await resolveModel('llama-3.1-8b', [])).toMatchObject({
      ok: true,
      value: { id: 'meta-llama/Llama-3.1-8B', source: 'shipped facts' },
    });
  });

  it.each(['mine', './mine', 'mine/config.json'])('finds %s relative to a folder', async (reference) => {
    const result = await resolveModel(reference, [join(root, 'empty'), root]);
    expect(result).toMatchObject({
      ok: true,
      value: { id: reference, source: join(root, 'mine', 'config.json'), hiddenSize: 64 },
    });
  });

  it.each(['mine', 'llama-3.1-8b'])('puts overrides into the config.json of %s', async (reference) => {
    const overrides = '{"num_hidden_layers": 1, "max_position_embeddings": 777}';
    const result = await resolveModel(reference, [root], { overrides });
    expect(result).toMatchObject({ ok: true, value: { maxPositionEmbeddings: 777, overrides } });
    expect(result.ok && result.value.layers.length).toBe(1);
    const bad = await resolveModel(reference, [root], { overrides: '{"num_hidden_layers": -1}' });
    expect(bad).toMatchObject({ ok: false, problems: [{ path: ['num_hidden_layers'] }] });
  });

  it('finds an absolute path', async () => {
    expect((await resolveModel(join(root, 'mine'), [])).ok).toBe(true);
  });

  it('says where it looked for what is not there', async () => {
    const problem = await problemOf('nowhere');
    expect(problem?.code).toBe('model.not-found');
    expect(problem?.message).toContain(join(root, 'nowhere'));
    expect((await problemOf('empty'))?.code).toBe('model.not-found');
    expect((await problemOf(''))?.code).toBe('model.not-found');
    expect((await problemOf('x\0y'))?.code).toBe('model.not-found');
  });

  it('does not look for paths of other machines, not even for one that is there', async () => {
    const written = ['//host/share/model', '\\\\host\\share', '\\/host/share', ` /${join(root, 'mine')}`];
    for (const reference of written) {
      expect(await problemOf(reference)).toMatchObject({
        code: 'model.network-path',
        message: expect.stringContaining('name a folder of this machine'),
      });
    }
  });

  it('names torn JSON, and reads no more than 16 MiB', async () => {
    const torn = join(root, 'torn.json');
    await writeFile(torn, '{"model_type": "lla');
    expect((await problemOf('torn.json'))?.code).toBe('model.torn-config');
    await truncate(torn, 17 * 1024 * 1024);
    expect(await problemOf('torn.json')).toMatchObject({
      code: 'model.too-large-file',
      message: expect.stringContaining('16 MiB'),
    });
  });

  it('says that links go in a circle, and that a device is no file', async () => {
    await symlink(join(root, 'circle'), join(root, 'circle'));
    expect((await problemOf('circle'))?.message).toContain('circle');
    expect((await problemOf('/dev/null'))?.message).toContain('neither a file nor a folder');
  });

  it('says that permission is denied', async () => {
    const locked = join(root, 'locked');
    await mkdir(locked);
    await writeFile(join(locked, 'config.json'), '{}');
    await chmod(locked, 0o000);
    const problem = await problemOf('locked');
    await chmod(locked, 0o700);
    // Root may read everything: then the file is read, and its content is the problem.
    expect(problem?.message).toContain(process.getuid?.() === 0 ? 'model_type' : 'permission is denied');
  });

  it("passes on the model's own problems", async () => {
    await writeFile(join(root, 'moe.json'), JSON.stringify({ ...config, num_local_experts: 8 }));
    expect((await problemOf('moe.json'))?.code).toBe('model.not-covered');
  });
});
