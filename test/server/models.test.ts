import { truncate } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { knownModel } from '../../src/core/model/known.ts';
import { success } from '../../src/core/result.ts';
import { type HubAccessParams, hubChanged } from '../../src/protocol/lsp.ts';
import { temporaryFolder } from '../tools/temporaryFolder.ts';
import { FakeHub } from '../unit/storage/fakeHub.ts';
import { madeConfig, madeFile, madeHeader, madeShapes, writeModel } from '../unit/storage/madeCheckpoint.ts';
import { TestClient, type TestClientOptions } from './testClient.ts';

const folder = temporaryFolder('server-models');
process.env['XDG_CACHE_HOME'] = join(folder, 'cache');
const uri = pathToFileURL(join(folder, 'serve.yaml')).href;

const clients: TestClient[] = [];
async function start(options: TestClientOptions = {}): Promise<TestClient> {
  const client = await TestClient.start(options);
  clients.push(client);
  return client;
}
afterEach(async () => {
  for (const client of clients.splice(0)) await client.stop();
});

const serve = (model: string) => `# loadline: gpu=l4\nmodel: ${model}\nmax-model-len: 1024\n`;

describe('a model whose files are beside the document', () => {
  it('has its bytes from the header', async () => {
    await writeModel(join(folder, 'tiny'), [madeShapes()]);
    const client = await start();
    await client.open(uri, serve('./tiny'));
    expect(await client.hover(uri, './tiny')).toContain('header: checkpoint header, 1 file');
  });

  it('has a diagnostic on its name where a file is torn, and is estimated by its config.json', async () => {
    await writeModel(join(folder, 'torn'), [madeShapes()]);
    await truncate(join(folder, 'torn', 'model.safetensors'), 5);
    const client = await start();
    await client.open(uri, serve('./torn'));
    expect(await client.diagnostics(uri)).toMatchObject([
      { code: 'checkpoint.bad-header', range: { start: { line: 1, character: 7 } } },
    ]);
    expect(await client.lensTitles(uri)).toEqual([expect.stringMatching(/^✔ fits L4/)]);
  });
});

describe('hf-overrides', () => {
  it('count: a context that they lengthen is taken, without a mark', async () => {
    const client = await start();
    await client.open(uri, '# loadline: gpu=h200\nmodel: Qwen/Qwen3-8B\nmax-model-len: 65536\n');
    expect(await client.lensTitles(uri)).toEqual([expect.stringMatching(/^✖/)]);
    const end = { line: 3, character: 0 };
    const newText = 'hf-overrides: \'{"max_position_embeddings": 65536}\'\n';
    await client.edit(uri, [{ range: { start: end, end }, newText }]);
    expect(await client.lensTitles(uri)).toEqual([expect.stringMatching(/^✔ fits H200/)]);
    expect(await client.diagnostics(uri)).toEqual([]);
  });
});

describe('a model that takes long', () => {
  it('is not known yet, then known without another keystroke', async () => {
    const facts = knownModel('gpt2');
    if (!facts) throw new Error('gpt2 is shipped');
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const client = await start({
      patienceMs: 1,
      resolveModel: async () => {
        await held;
        return success(facts);
      },
    });
    await client.open(uri, serve('slow'));
    expect(await client.lensTitles(uri)).toEqual([expect.stringContaining('still being read')]);
    const before = client.codeLensRefreshes;
    release();
    await client.until(() => client.codeLensRefreshes > before);
    expect(await client.lensTitles(uri)).toEqual([expect.stringMatching(/^✔ fits L4/)]);
  });
});

describe('a model of the hub', () => {
  const token = 'hf_aSecretThatNobodyMayRead';
  async function startHub(): Promise<FakeHub> {
    const hub = await FakeHub.start();
    hub.repos.set('acme/tiny', {
      sha: 'e'.repeat(40),
      token,
      files: {
        'config.json': Buffer.from(JSON.stringify(madeConfig)),
        'model.safetensors': madeFile(madeHeader(madeShapes())),
      },
    });
    return hub;
  }

  it('is asked for as the client allows, with the token that it keeps', async () => {
    const hub = await startHub();
    const asked: HubAccessParams[] = [];
    let given: string | null = null;
    const client = await start({
      patienceMs: 20_000,
      hubAccess: (params) => {
        asked.push(params);
        return { endpoint: hub.endpoint, token: given };
      },
    });
    await client.open(uri, serve('acme/tiny'));
    const [refused] = await client.diagnostics(uri);
    expect(refused).toMatchObject({ code: 'hub.gated', range: { start: { line: 1, character: 7 } } });
    expect(asked).toEqual([{ model: 'acme/tiny', need: 'facts' }]);
    given = token;
    const before = client.published.length;
    await client.connection.sendNotification(hubChanged);
    await client.until(() => client.published.length > before);
    expect(await client.hover(uri, 'acme/tiny')).toContain('header: checkpoint header, 1 file');
    expect(JSON.stringify(client.published)).not.toContain(token);
    await hub.stop();
  });

  it('is not asked for where the client says no, or knows nothing of hubs', async () => {
    const hub = await startHub();
    process.env['HF_ENDPOINT'] = hub.endpoint;
    for (const options of [{ hubAccess: () => null }, {}]) {
      const client = await start(options);
      await client.open(uri, serve('acme/tiny'));
      expect(await client.lensTitles(uri)).toEqual([expect.stringContaining('no config.json of acme/tiny')]);
    }
    expect(hub.requests).toEqual([]);
    delete process.env['HF_ENDPOINT'];
    await hub.stop();
  });
});
