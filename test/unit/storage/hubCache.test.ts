import { mkdir, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hubCacheFolder } from '../../../src/storage/checkpoint/hubCache.ts';
import { resolveModel } from '../../../src/storage/modelFolder.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';
import { madeConfig, madeShapes, writeModel } from './madeCheckpoint.ts';

const root = temporaryFolder('hub-cache');
const commit = 'a'.repeat(40);

/** A cache as huggingface_hub leaves it: a ref, a snapshot of links, the content under its hash. */
async function writeCache(name: string, id: string, revision = 'main'): Promise<string> {
  const hub = join(root, name);
  const model = join(hub, `models--${id.replace('/', '--')}`);
  const snapshot = join(model, 'snapshots', commit);
  await mkdir(join(model, 'refs'), { recursive: true });
  await writeFile(join(model, 'refs', revision), commit);
  await writeModel(snapshot, [madeShapes()]);
  await mkdir(join(model, 'blobs'));
  for (const file of ['config.json', 'model.safetensors']) {
    await rename(join(snapshot, file), join(model, 'blobs', `blob-of-${file}`));
    await symlink(join('..', '..', 'blobs', `blob-of-${file}`), join(snapshot, file));
  }
  return hub;
}

describe('models that were downloaded', () => {
  it('are found by their id, with their bytes', async () => {
    const hub = await writeCache('usual', 'acme/Tiny-1M');
    expect(await resolveModel('acme/Tiny-1M', [root], { environment: { HF_HUB_CACHE: hub } })).toMatchObject({
      ok: true,
      value: {
        id: 'acme/Tiny-1M',
        hiddenSize: 64,
        source: expect.stringContaining(join('snapshots', commit, 'config.json')),
        checkpoint: { files: 1 },
      },
    });
  });

  it('are found by a branch, and by the commit itself', async () => {
    const hub = await writeCache('branch', 'acme/Tiny-1M', 'experiment');
    const environment = { HF_HUB_CACHE: hub };
    const of = (revision: string) => resolveModel('acme/Tiny-1M', [root], { environment, revision });
    expect((await of('experiment')).ok).toBe(true);
    expect((await of(commit)).ok).toBe(true);
    expect((await of('main')).ok).toBe(false);
    expect((await of('../refs')).ok).toBe(false);
  });

  it('win over the facts that ship, and give way to them where nothing was downloaded', async () => {
    const hub = await writeCache('known', 'Qwen/Qwen3-8B');
    const environment = { HF_HUB_CACHE: hub };
    expect(await resolveModel('qwen3-8b', [root], { environment })).toMatchObject({
      value: { id: 'Qwen/Qwen3-8B', hiddenSize: madeConfig.hidden_size },
    });
    expect(await resolveModel('Qwen/Qwen3-4B', [root], { environment })).toMatchObject({
      value: { source: 'shipped facts' },
    });
  });

  it('give facts alone where only the config.json was downloaded', async () => {
    const hub = join(root, 'partial');
    await mkdir(join(hub, 'models--acme--part', 'refs'), { recursive: true });
    await writeFile(join(hub, 'models--acme--part', 'refs', 'main'), commit);
    await writeModel(join(hub, 'models--acme--part', 'snapshots', commit), []);
    const result = await resolveModel('acme/part', [root], { environment: { HF_HUB_CACHE: hub } });
    expect(result).toMatchObject({ ok: true, warnings: [] });
    expect(result.ok && result.value.checkpoint).toBeUndefined();
  });

  it('stand where the environment says', () => {
    expect(hubCacheFolder({ HF_HUB_CACHE: '/a', HUGGINGFACE_HUB_CACHE: '/b', HF_HOME: '/c' })).toBe('/a');
    expect(hubCacheFolder({ HUGGINGFACE_HUB_CACHE: '/b', HF_HOME: '/c' })).toBe('/b');
    expect(hubCacheFolder({ HF_HOME: '/c' })).toBe(join('/c', 'hub'));
    expect(hubCacheFolder({ XDG_CACHE_HOME: '/x' })).toBe(join('/x', 'huggingface', 'hub'));
    expect(hubCacheFolder({})).toMatch(/\.cache.huggingface.hub$/);
  });
});
