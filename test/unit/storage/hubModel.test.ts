import { readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadedBytes } from '../../../src/core/model/checkpoint.ts';
import { carriesTokens, hubAccess, tokenOf } from '../../../src/storage/checkpoint/hubAccess.ts';
import { resolveModel } from '../../../src/storage/modelFolder.ts';
import { temporaryFolder } from '../../tools/temporaryFolder.ts';
import { FakeHub } from './fakeHub.ts';
import { madeConfig, madeFile, madeHeader, madeShapes, shardName } from './madeCheckpoint.ts';

const root = temporaryFolder('hub-model');
const token = 'hf_aSecretThatNobodyMayRead';
const sha = 'b'.repeat(40);
const config = Buffer.from(JSON.stringify(madeConfig));

let hub: FakeHub;
let environment: Record<string, string>;
let made = 0;

beforeEach(async () => {
  hub = await FakeHub.start();
  const folder = join(root, String(made++));
  environment = { XDG_CACHE_HOME: folder };
  hub.repos.set('acme/tiny', {
    sha,
    files: { 'config.json': config, 'model.safetensors': madeFile(madeHeader(madeShapes())) },
  });
});
afterEach(() => hub.stop());

interface Asking {
  readonly token?: string;
  readonly requestMs?: number;
  readonly signal?: AbortSignal;
  readonly revision?: string;
}

function ask(model: string, asking: Asking = {}) {
  const { revision, ...wishes } = asking;
  const access = hubAccess({ endpoint: hub.endpoint, ...wishes }, environment);
  if (!access.ok) throw new Error(access.problems[0]?.message);
  return resolveModel(model, [root], {
    environment,
    hub: async () => access.value,
    ...(revision === undefined ? {} : { revision }),
  });
}

async function problemOf(model: string, asking?: Asking) {
  const result = await ask(model, asking);
  if (result.ok) throw new Error(`${model} was found`);
  const [problem] = result.problems;
  expect(problem?.message).not.toContain(token);
  return problem;
}

describe('a model of the hub', () => {
  it('gives facts and exact bytes from ranges, with no weight downloaded', async () => {
    const result = await ask('acme/tiny');
    expect(result).toMatchObject({
      ok: true,
      warnings: [],
      value: {
        id: 'acme/tiny',
        hiddenSize: 64,
        source: `${hub.endpoint}/acme/tiny/blob/${sha}/config.json`,
        checkpoint: { format: 'safetensors', files: 1, totalBytes: 420_480 },
      },
    });
    const files = hub.requests.filter(({ path }) => path.includes('/resolve/'));
    expect(files.every(({ path, range }) => range !== undefined || path.endsWith('config.json'))).toBe(true);
  });

  it('adds up shards', async () => {
    const all = [...madeShapes()];
    const shards = [new Map(all.slice(0, 9)), new Map(all.slice(9))];
    const files: Record<string, Buffer> = { 'config.json': config };
    const map: Record<string, string> = {};
    for (const [index, shapes] of shards.entries()) {
      const name = shardName(index + 1, 2);
      files[name] = madeFile(madeHeader(shapes));
      for (const tensor of shapes.keys()) map[tensor] = name;
    }
    files['model.safetensors.index.json'] = Buffer.from(JSON.stringify({ metadata: {}, weight_map: map }));
    hub.repos.set('acme/sharded', { sha, files });
    const result = await ask('acme/sharded');
    const checkpoint = result.ok ? result.value.checkpoint : undefined;
    expect(checkpoint?.files).toBe(2);
    expect(checkpoint && loadedBytes(checkpoint)).toBe(420_480);
  });

  it('is asked once for a commit, and answers without a network afterwards', async () => {
    await ask('acme/tiny');
    const before = hub.requests.length;
    expect((await ask('acme/tiny')).ok).toBe(true);
    expect(hub.requests.slice(before).map(({ path }) => path.split('?')[0])).toEqual([
      '/api/models/acme/tiny/revision/main',
    ]);
    await hub.stop();
    const offline = await ask('acme/tiny');
    expect(offline).toMatchObject({
      ok: true,
      value: { checkpoint: { totalBytes: 420_480 } },
      warnings: [{ code: 'hub.kept-answer', message: expect.stringContaining('bbbbbbb') }],
    });
    hub = await FakeHub.start();
  });

  it('is asked anew where what was kept is torn', async () => {
    await ask('acme/tiny');
    const kept = await readdir(join(environment['XDG_CACHE_HOME'] ?? '', 'loadline', 'hub'), {
      recursive: true,
      withFileTypes: true,
    });
    const answer = kept.find(({ name }) => name === `${sha}.json.gz`);
    if (answer === undefined) throw new Error('nothing was kept');
    await writeFile(join(answer.parentPath, answer.name), 'torn');
    expect(await ask('acme/tiny')).toMatchObject({ ok: true, value: { checkpoint: { files: 1 } } });
  });

  it('is not asked at all where nobody allowed it', async () => {
    expect(await resolveModel('acme/tiny', [root], { environment })).toMatchObject({
      ok: false,
      problems: [{ code: 'model.not-found' }],
    });
    expect(hub.requests).toEqual([]);
  });

  it('has facts without bytes where it has no safetensors file', async () => {
    hub.repos.set('acme/bare', { sha, files: { 'config.json': config } });
    const result = await ask('acme/bare');
    expect(result).toMatchObject({ ok: true, warnings: [] });
    expect(result.ok && result.value.checkpoint).toBeUndefined();
  });

  it('ships its facts, and a hub that fails is only said', async () => {
    await hub.stop();
    expect(await ask('Qwen/Qwen3-8B')).toMatchObject({
      ok: true,
      value: { source: 'shipped facts' },
      warnings: [{ code: 'hub.unreachable' }],
    });
    hub = await FakeHub.start();
  });
});

describe('the token', () => {
  it('goes to the endpoint, not to where files are sent from', async () => {
    const storage = await FakeHub.start();
    hub.repos.set('acme/gated', {
      sha,
      token,
      files: { 'config.json': config, 'model.safetensors': madeFile(madeHeader(madeShapes())) },
    });
    const gated = hub.repos.get('acme/gated');
    if (gated) storage.repos.set('acme/gated', gated);
    hub.storage = storage.endpoint;
    const result = await ask('acme/gated', { token });
    expect(result).toMatchObject({ ok: true, value: { checkpoint: { files: 1 } } });
    expect(hub.requests.every(({ authorization }) => authorization === `Bearer ${token}`)).toBe(true);
    expect(storage.requests.length).toBeGreaterThan(0);
    expect(storage.requests.every(({ authorization }) => authorization === undefined)).toBe(true);
    await storage.stop();
  });

  it('is read from the environment, or the file that signing in writes', async () => {
    const home = temporaryFolder('hf-home');
    expect(await tokenOf({ HF_HOME: home })).toBeUndefined();
    await writeFile(join(home, 'token'), `${token}\n`);
    expect(await tokenOf({ HF_HOME: home })).toBe(token);
    expect(await tokenOf({ HF_HOME: home, HF_TOKEN: 'hf_other' })).toBe('hf_other');
    expect(await tokenOf({ HF_TOKEN: 'two words\r\nX-Evil: 1', HF_HOME: root })).toBeUndefined();
  });

  it('is in no message and in no file that is kept', async () => {
    hub.repos.set('acme/gated', { sha, token: 'hf_another', files: {} });
    expect((await problemOf('acme/gated', { token }))?.code).toBe('hub.gated');
    hub.misbehave = { path: '/api/', how: { status: 500, body: `Bearer ${token}` } };
    expect((await problemOf('acme/tiny', { token }))?.code).toBe('hub.failed');
  });

  it('is not sent over a connection that others can read', async () => {
    for (const [address, safe] of [
      ['https://hub.example', true],
      ['http://127.0.0.1:1', true],
      ['http://hub.example', false],
      ['http://127.0.0.1.example', false],
    ] as const) {
      expect(carriesTokens(new URL(address)), address).toBe(safe);
    }
    const access = hubAccess({ endpoint: 'http://user:pw@hub.example', token }, {});
    expect(access).toMatchObject({ ok: false, problems: [{ code: 'hub.bad-endpoint' }] });
    expect(JSON.stringify(access)).not.toContain('pw');
    for (const endpoint of ['ftp://hub.example', 'hub.example', 'file:///etc']) {
      expect(hubAccess({ endpoint }, {}).ok, endpoint).toBe(false);
    }
  });
});

describe('a hub that does not give it', () => {
  it.each([
    [
      'a model that is not there',
      { status: 404, headers: { 'X-Error-Code': 'RepoNotFound' } },
      'hub.not-found',
    ],
    ['one that is private', { status: 401, headers: { 'X-Error-Code': 'RepoNotFound' } }, 'hub.not-found'],
    ['one that is gated', { status: 401, headers: { 'X-Error-Code': 'GatedRepo' } }, 'hub.gated'],
    ['one that is forbidden', { status: 403 }, 'hub.gated'],
    ['too many requests', { status: 429, headers: { 'Retry-After': '17' } }, 'hub.rate-limited'],
    ['a failure of its own', { status: 503 }, 'hub.failed'],
    ['something that is no hub', { status: 200, body: '<html>' }, 'hub.failed'],
    ['silence', { silent: true }, 'hub.timed-out'],
  ])('says %s', async (_what, how, code) => {
    hub.misbehave = { path: '/api/', how };
    const problem = await problemOf('acme/tiny', { requestMs: 300 });
    expect(problem?.code).toBe(code);
    expect(problem?.message).toContain(new URL(hub.endpoint).host);
  });

  it('says what to do about each', async () => {
    expect((await problemOf('Qwen/Qwen3-8'))?.message).toContain('Did you mean Qwen/Qwen3-8B?');
    expect((await problemOf('acme/nothing'))?.message).toContain('private and needs a token');
    hub.misbehave = { path: '/api/', how: { status: 401 } };
    expect(await problemOf('acme/tiny', { token })).toMatchObject({
      code: 'hub.token-refused',
      message: expect.stringContaining('/settings/tokens'),
    });
    hub.misbehave = { path: '/api/', how: { status: 429, headers: { 'Retry-After': '17' } } };
    expect((await problemOf('acme/tiny'))?.message).toContain('in 17 s');
    hub.misbehave = undefined;
    expect((await problemOf('acme/tiny', { revision: 'nowhere' }))?.code).toBe('hub.no-revision');
  });

  it('gives facts with a warning where headers are cut off, and keeps nothing of it', async () => {
    hub.misbehave = { path: '.safetensors', how: { cut: true } };
    expect(await ask('acme/tiny')).toMatchObject({ ok: true, warnings: [{ code: 'hub.unreachable' }] });
    hub.misbehave = undefined;
    expect(await ask('acme/tiny')).toMatchObject({ ok: true, warnings: [], value: { checkpoint: {} } });
  });

  it('does not believe a header that claims 2 GB', async () => {
    const file = Buffer.alloc(1000);
    file.writeBigUInt64LE(2n ** 31n);
    hub.repos.set('acme/liar', { sha, files: { 'config.json': config, 'model.safetensors': file } });
    expect(await ask('acme/liar')).toMatchObject({ ok: true, warnings: [{ code: 'checkpoint.bad-header' }] });
    expect(hub.requests.some(({ range }) => range?.includes('2147483'))).toBe(false);
  });

  it('stops an answer without an end', async () => {
    hub.misbehave = { path: 'config.json', how: { flood: 200 * 1024 * 1024 } };
    const problem = await problemOf('acme/tiny');
    expect(problem?.code).toBe('hub.too-large');
  });

  it('says so where there is no network, and where nobody waits', async () => {
    hub.misbehave = { path: '/api/', how: { silent: true } };
    const leaving = new AbortController();
    const asked = problemOf('acme/tiny', { signal: leaving.signal });
    leaving.abort();
    expect((await asked)?.code).toBe('hub.cancelled');
    await hub.stop();
    expect(await problemOf('acme/tiny')).toMatchObject({
      code: 'hub.unreachable',
      message: expect.stringContaining('ECONNREFUSED'),
    });
    hub = await FakeHub.start();
  });
});
