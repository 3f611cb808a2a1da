import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterEach, describe, expect, it } from 'vitest';
import { knownModel } from '../../src/core/model/known.ts';
import { failure, success } from '../../src/core/result.ts';
import {
  chooseGpuCommand,
  type EstimatesResult,
  estimatesChanged,
  estimatesRequest,
  type FlagEditsResult,
  flagEditsRequest,
  openCalculatorCommand,
} from '../../src/protocol/lsp.ts';
import { TestClient, type TestClientOptions } from './testClient.ts';

const examples = new URL('../../examples/', import.meta.url);
const exampleUri = (name: string) => pathToFileURL(fileURLToPath(new URL(name, examples))).href;

const uri = 'file:///nowhere/serve.yaml';
const scriptUri = 'untitled:serve.sh';
const fitting = '# loadline: gpu=h200\nmodel: meta-llama/Llama-3.1-8B-Instruct\nmax-model-len: 8192\n';
const tooLong =
  '# loadline: gpu=rtx-4090-24gb\nvllm serve meta-llama/Llama-3.1-8B-Instruct \\\n  --max-model-len 131072 # long\n';

let running: TestClient | undefined;
async function start(options?: TestClientOptions): Promise<TestClient> {
  running = await TestClient.start(options);
  return running;
}
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function openExample(client: TestClient, name: string): Promise<string> {
  const text = await readFile(new URL(name, examples), 'utf8');
  const opened = exampleUri(name);
  await client.open(opened, text, name.endsWith('.sh') ? 'shellscript' : 'yaml');
  return opened;
}

describe('the lens', () => {
  it.each([
    [
      'llama-3.1-8b.serve.yaml',
      /^✔ fits H200 · \d+\.\d× at 8,192 tokens · KV [\d,]+ tokens · weights 15\.0 of 139\.8 GiB$/,
    ],
    [
      'llama-3.1-8b-rtx-4090.sh',
      /^✖ does not fit RTX 4090 · one request of 131,072 tokens needs 16\.00? GiB of KV, \d+\.\d+ available$/,
    ],
    ['llama-3.1-70b-tp2.sh', /^✔ fits 2 × H100 SXM 80 GB · .* weights [\d.]+ of [\d.]+ GiB a GPU$/],
    [
      'qwen2.5-7b-l4.serve.yaml',
      /^⚠ tight L4 · [\d.]+× at 32,768 tokens · KV [\d,]+ tokens · weights [\d.]+ of 22\.0 GiB$/,
    ],
    ['gpt2-v100.sh', /^✔ fits V100 SXM2 16 GB · [\d.]+× at 1,024 tokens/],
    ['qwen3-30b-a3b.serve.yaml', /^✔ fits H100 SXM 80 GB · [\d.]+× at 32,768 tokens/],
  ])('of %s', async (name, expected) => {
    const client = await start();
    const [title] = await client.lensTitles(await openExample(client, name));
    expect(title).toMatch(expected);
    expect(title?.startsWith('?') && /[×%]|GiB/.test(title)).toBe(false);
  });

  it('stands on the first line of its deployment and opens the calculator', async () => {
    const client = await start();
    await client.open(scriptUri, `#!/bin/sh\n\n${tooLong}\nvllm serve gpt2\n`, 'shellscript');
    const lenses = await client.lenses(scriptUri);
    expect(lenses.map(({ range }) => range.start.line)).toEqual([3, 6]);
    expect(lenses[0]?.command).toMatchObject({ command: openCalculatorCommand, arguments: [scriptUri, 0] });
  });

  it('asks for a GPU where none is named, and says nothing else', async () => {
    const client = await start();
    await client.open(uri, fitting.replace('# loadline: gpu=h200\n', ''));
    const [lens] = await client.lenses(uri);
    expect(lens?.command).toMatchObject({
      title: '? not known · choose a GPU',
      command: chooseGpuCommand,
      arguments: [uri, 0],
    });
    expect(await client.diagnostics(uri)).toEqual([]);
  });

  it('names a model that cannot be found, without the list of places', async () => {
    const client = await start();
    await client.open(uri, fitting.replace('Llama-3.1-8B-Instruct', 'Nobody-1B'));
    expect(await client.lensTitles(uri)).toEqual([
      '? not known · no config.json of meta-llama/Nobody-1B found',
    ]);
    expect(await client.hover(uri, 'Nobody')).toContain('Nobody-1B" is not a shipped model');
    expect(await client.diagnostics(uri)).toEqual([]);
  });

  it('makes up no number from what only a run can say', async () => {
    const client = await start();
    await client.open(scriptUri, '# loadline: gpu=l4\nvllm serve gpt2 --max-model-len $LEN\n', 'shellscript');
    expect(await client.lensTitles(scriptUri)).toEqual([
      '? not known · --max-model-len is $LEN, which only a run can say',
    ]);
    expect(await client.diagnostics(scriptUri)).toEqual([]);
  });

  it('is absent from files that are none of our business', async () => {
    const client = await start();
    await client.open('file:///x/compose.yaml', 'services:\n  a:\n    image: b\n');
    await client.open(uri, fitting);
    await client.diagnostics(uri);
    expect(await client.lenses('file:///x/compose.yaml')).toEqual([]);
    expect(client.published.map((each) => each.uri)).toEqual([uri]);
  });
});

describe('diagnostics and quick fixes', () => {
  it('marks the very flag, offers fixes with their effect, and is gone when one is applied', async () => {
    const client = await start();
    await client.open(scriptUri, tooLong, 'shellscript');
    const [diagnostic, ...others] = await client.diagnostics(scriptUri);
    expect(others).toEqual([]);
    if (!diagnostic) throw new Error('no diagnostic');
    const document = client.document(scriptUri);
    expect(document.getText(diagnostic.range)).toBe('--max-model-len 131072');
    expect(diagnostic).toMatchObject({ severity: 1, source: 'Loadline', code: 'verdict.does-not-fit' });
    expect(diagnostic.message).toMatch(
      /^Does not fit RTX 4090: .*131,072 tokens.*longest that fits is [\d,]+\.$/,
    );

    const actions = await client.actions(scriptUri, diagnostic.range);
    const [first] = actions;
    expect(first?.title).toMatch(/^Set --max-model-len [\d,]+ \(→ 1\.\d\d× at [\d,]+ tokens, tight\)$/);
    expect(first?.isPreferred).toBe(true);
    if (!first) throw new Error('no action');
    await client.apply(first);
    const left = await client.diagnostics(scriptUri);
    expect(left.filter(({ severity }) => severity === 1)).toEqual([]);
    expect(client.document(scriptUri).getText()).toMatch(/--max-model-len \d+ # long\n$/);
    expect((await client.lensTitles(scriptUri))[0]).toMatch(/^⚠ tight RTX 4090 · 1\.0× at/);
  });

  it.each([
    [
      'compose.yaml',
      'dockercompose',
      'services:\n  # loadline: gpu=rtx-4090\n  llm:\n    image: vllm/vllm-openai:v0.26.0\n    command:\n      - --model\n      - meta-llama/Llama-3.1-8B-Instruct\n      - --max-model-len\n      - "131072" # long\n',
      '--max-model-len',
      / {6}- --max-model-len\n {6}- "\d{5}" # long\n$/,
    ],
    [
      'pod.yaml',
      'yaml',
      'kind: Pod\nspec:\n  nodeSelector: { nvidia.com/gpu.product: NVIDIA-GeForce-RTX-4090 }\n  containers:\n  - image: vllm/vllm-openai:v0.26.0\n    args: [--model, meta-llama/Llama-3.1-8B-Instruct, --max-model-len=131072]\n',
      '--max-model-len=131072',
      /args: \[--model, meta-llama\/Llama-3.1-8B-Instruct, --max-model-len=\d{5}\]\n$/,
    ],
    [
      'Dockerfile',
      'dockerfile',
      '# loadline: gpu=rtx-4090\nFROM vllm/vllm-openai:v0.26.0\nCMD ["--model", "meta-llama/Llama-3.1-8B-Instruct", "--max-model-len", "131072"]\n',
      '--max-model-len", "131072"',
      /"--max-model-len", "\d{5}"\]\n$/,
    ],
  ])('marks the flag in %s and fixes it there', async (name, languageId, text, place, fixed) => {
    const client = await start();
    const opened = `file:///x/${name}`;
    await client.open(opened, text, languageId);
    const [diagnostic, ...others] = await client.diagnostics(opened);
    expect(others).toEqual([]);
    expect(diagnostic?.code).toBe('verdict.does-not-fit');
    if (!diagnostic) throw new Error('no diagnostic');
    expect(client.document(opened).getText(diagnostic.range)).toBe(place);
    const [first] = await client.actions(opened, diagnostic.range);
    if (!first) throw new Error('no action');
    await client.apply(first);
    expect(client.document(opened).getText()).toMatch(fixed);
    expect((await client.diagnostics(opened)).filter(({ severity }) => severity === 1)).toEqual([]);
  });

  it('warns where it is tight, on what the user would change', async () => {
    const client = await start();
    const opened = await openExample(client, 'qwen2.5-7b-l4.serve.yaml');
    const [diagnostic] = await client.diagnostics(opened);
    if (!diagnostic) throw new Error('no diagnostic');
    expect(diagnostic.severity).toBe(2);
    expect(client.document(opened).getText(diagnostic.range)).toBe('gpu_memory_utilization: 0.97');
  });

  it('falls back to the model where the cause is not written', async () => {
    const client = await start();
    await client.open(
      uri,
      '# loadline: gpu=rtx-4090-24gb\nmodel: meta-llama/Llama-3.1-8B-Instruct\nmax-num-seqs: 8\n',
    );
    const [diagnostic] = await client.diagnostics(uri);
    expect(diagnostic && client.document(uri).getText(diagnostic.range)).toBe(
      'meta-llama/Llama-3.1-8B-Instruct',
    );
  });

  it.each([
    ['a misspelt flag', 'max-model-length: 1024', 'flag.unknown', 1, 'max-model-length'],
    ['a value that is no number', 'max-num-seqs: many', 'flag.not-a-number', 1, 'many'],
    [
      'a value out of range',
      'gpu-memory-utilization: 1.5',
      'flag.bad-value',
      1,
      'gpu-memory-utilization: 1.5',
    ],
    [
      'a split that does not divide',
      'tensor-parallel-size: 3',
      'verdict.does-not-fit',
      1,
      'tensor-parallel-size: 3',
    ],
    [
      'a length beyond the model and the memory',
      'max-num-seqs: 1',
      'verdict.does-not-fit',
      1,
      'max-model-len: 99999999',
    ],
    ['a length beyond the model', 'max-num-seqs: 1', 'verdict.does-not-fit', 1, 'max-model-len: 150000'],
    ['a repeated key', 'max_model_len: 4096', 'flag.duplicate', 2, 'max-model-len'],
    ['torn YAML', 'hf-overrides: {a: [', 'yaml.torn', 3, ''],
  ])('marks %s at its place, once', async (_, line, code, severity, place) => {
    const client = await start();
    const head = place.startsWith('max-model-len: ')
      ? fitting.replace('max-model-len: 8192', place)
      : fitting;
    await client.open(uri, `${head}${line}\n`);
    const diagnostics = await client.diagnostics(uri);
    expect(diagnostics.map((each) => [each.code, each.severity])).toEqual([[code, severity]]);
    const [diagnostic] = diagnostics;
    if (diagnostic && place !== '') expect(client.document(uri).getText(diagnostic.range)).toBe(place);
  });

  it('respells a flag', async () => {
    const client = await start();
    await client.open(uri, `${fitting}max_num_seq: 64\n`);
    const [diagnostic] = await client.diagnostics(uri);
    if (!diagnostic) throw new Error('no diagnostic');
    const [action] = await client.actions(uri, diagnostic.range);
    if (!action) throw new Error('no action');
    expect(action.title).toBe('Replace by max_num_seqs');
    await client.apply(action);
    expect(await client.diagnostics(uri)).toEqual([]);
  });

  it('knows no flag by a name that every object has', async () => {
    const client = await start();
    await client.open(uri, `${fitting}constructor: 1\nvalueOf: 1\n`);
    const diagnostics = await client.diagnostics(uri);
    expect(diagnostics.map(({ code, range }) => [code, client.document(uri).getText(range)])).toEqual([
      ['flag.unknown', 'constructor'],
      ['flag.unknown', 'valueOf'],
    ]);
    for (const { range } of diagnostics) {
      const titles = (await client.actions(uri, range)).map(({ title }) => title);
      expect(titles).toEqual([`Remove --${client.document(uri).getText(range)}`]);
    }
  });

  it('says of a GPU that it does not know it, at the comment', async () => {
    const client = await start();
    await client.open(uri, fitting.replace('h200', 'h900'));
    const [diagnostic] = await client.diagnostics(uri);
    expect(diagnostic && client.document(uri).getText(diagnostic.range)).toBe('gpu=h900');
    expect(await client.lensTitles(uri)).toEqual([expect.stringContaining('the GPU "h900" is not in')]);
  });

  it('is silent where all is well, and takes its marks away on close', async () => {
    const client = await start();
    await client.open(uri, fitting.replace('8192', 'x'));
    expect(await client.diagnostics(uri)).toHaveLength(1);
    const range = { start: { line: 2, character: 0 }, end: { line: 2, character: 99 } };
    await client.edit(uri, [{ range, newText: 'max-model-len: 8192' }]);
    expect(await client.diagnostics(uri)).toEqual([]);
    await client.close(uri);
    await client.until(() => client.published.at(-1)?.version === undefined);
    expect(client.published.at(-1)).toEqual({ uri, diagnostics: [] });
  });

  it.each(['llama-3.1-8b.serve.yaml', 'llama-3.1-8b-rtx-4090.sh'])('bears every cut of %s', async (name) => {
    const client = await start();
    const opened = await openExample(client, name);
    const text = client.document(opened).getText();
    for (let length = text.length; length >= 0; length -= 1) {
      const range = {
        start: client.document(opened).positionAt(length),
        end: client.document(opened).positionAt(length + 1),
      };
      await client.edit(opened, [{ range, newText: '' }]);
      const titles = await client.lensTitles(opened);
      expect(titles.length).toBeLessThanOrEqual(1);
      for (const title of titles) expect(title).toMatch(/^[✔⚠✖?] (fits|tight|does not fit|not known) /);
    }
  });

  it('drops what a later change overtook', async () => {
    const facts = knownModel('gpt2');
    if (!facts) throw new Error('gpt2 is shipped');
    const asked: string[] = [];
    let release: () => void = () => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let reached: () => void = () => undefined;
    const slowIsAsked = new Promise<void>((resolve) => {
      reached = resolve;
    });
    const client = await start({
      resolveModel: async (reference) => {
        asked.push(reference);
        if (reference !== 'slow') return success(facts);
        reached();
        await held;
        return failure({ code: 'model.torn-config', message: 'of the old version' });
      },
    });
    await client.open(uri, '# loadline: gpu=l4\nmodel: slow\nmax-num-seqs: 8\nmax-num-seqs: 8\n');
    await slowIsAsked;
    const range = { start: { line: 1, character: 0 }, end: { line: 4, character: 0 } };
    await client.edit(uri, [{ range, newText: 'model: quick\nmax-num-seqs: 8\n' }]);
    expect(await client.diagnostics(uri)).toEqual([]);
    release();
    expect(await client.lensTitles(uri)).toEqual([expect.stringMatching(/^✔ fits L4/)]);
    expect(client.published.map(({ version }) => version)).toEqual([2]);
    expect(asked).toEqual(['slow', 'quick']);
  });
});

describe('the hover', () => {
  it('shows the terms with formula and source on a flag, the model and the first line', async () => {
    const client = await start();
    await client.open(uri, fitting);
    for (const place of ['max-model-len', 'meta-llama', 'model:']) {
      const text = await client.hover(uri, place);
      expect(text).toContain('**✔ fits** H200: ');
      expect(text).toMatch(/\n\| weights \| 1\d\.\d\d \| (exact|± [\d.]+) \| [^|]+ \| formula: [^|]+ \|\n/);
      expect(text).toMatch(/KV cache: \d+\.\d\d GiB, [\d,]+ tokens/);
    }
    const flag = await client.hover(uri, 'max-model-len');
    expect(flag).toMatch(
      /^`--max-model-len` = 8,192 · .*\n\nvLLM 0\.26\.0 has no fixed default for it\.\n\n\| Instead /,
    );
    expect(flag).toMatch(/\n\| `16,384` \| [\d,]+ \| 0 \| [\d.]+× \| ✔ fits \|\n/);
  });

  it('has nothing to say elsewhere', async () => {
    const client = await start();
    await client.open(uri, fitting);
    expect(await client.hover(uri, '# loadline')).toBe('');
  });

  it('tells of the model, its parameters by kind, and of the GPU in a comment', async () => {
    const client = await start();
    await client.open(uri, fitting);
    const model = await client.hover(uri, 'meta-llama');
    expect(model).toContain('8,030,261,248 parameters: MLP 5.64 billion, attention 1.34 billion, ');
    expect(model).toContain('32 layers, context up to 131,072 tokens.');
    const gpu = await client.hover(uri, 'gpu=h200');
    expect(gpu).toMatch(/^\*\*H200\*\* · `NVIDIA H200`/);
    expect(gpu).toMatch(/\n- memory: 140 GiB to CUDA.*, [\d,]+ GB\/s\n/);
    expect(gpu).toContain('MIG: 1g.18gb');
    expect(gpu).toContain('**✔ fits** H200: ');
  });

  it('shows what a user wrote as it stands', async () => {
    const client = await start();
    await client.open(uri, '# loadline: gpu=l4\nmodel: "![a](https://x.y/z.png)"\nmax-num-seqs: 2\n');
    const text = await client.hover(uri, '![a]');
    expect(text).not.toMatch(/!\[a\]\(/);
    expect(text).toContain('!\\[a\\](');
  });
});

describe('settings', () => {
  const bare = fitting.replace('# loadline: gpu=h200\n', '');

  it('come with initialize, and follow didChangeConfiguration', async () => {
    const client = await start({ initializationOptions: { gpu: 'h200', gpuCount: 1, engineVersion: null } });
    await client.open(uri, bare);
    expect((await client.lensTitles(uri))[0]).toMatch(/^✔ fits H200/);
    await client.connection.sendNotification('workspace/didChangeConfiguration', {
      settings: { loadline: { gpu: 'b200', gpuCount: 1 } },
    });
    await client.until(() => client.codeLensRefreshes > 0);
    expect((await client.lensTitles(uri))[0]).toMatch(/^✔ fits B200/);
  });

  it('are asked of the client per document where it answers', async () => {
    const client = await start({
      configuration: (scopeUri) => ({
        gpu: scopeUri === uri ? 'l4' : 'h200',
        gpuCount: 2,
        engineVersion: '',
      }),
    });
    await client.open(uri, bare);
    expect((await client.lensTitles(uri))[0]).toMatch(/2 × L4/);
  });

  it('give way to the document', async () => {
    const client = await start({ initializationOptions: { gpu: 'l4', gpuCount: 8 } });
    await client.open(uri, fitting);
    expect((await client.lensTitles(uri))[0]).toMatch(/^✔ fits H200 ·/);
  });
});

describe('models in folders', () => {
  const folders: string[] = [];
  afterEach(async () => {
    for (const folder of folders.splice(0)) await rm(folder, { recursive: true });
  });

  it('are found beside the document and read again when they change', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'loadline-test-'));
    folders.push(folder);
    const config = join(folder, 'config.json');
    const opened = pathToFileURL(join(folder, 'serve.yaml')).href;
    const client = await start();
    await client.open(opened, '# loadline: gpu=l4\nmodel: .\nmax-model-len: 512\n');
    expect(await client.lensTitles(opened)).toEqual(['? not known · no config.json of . found']);
    const gpt2 = {
      model_type: 'gpt2',
      architectures: ['GPT2LMHeadModel'],
      n_embd: 768,
      n_layer: 12,
      n_head: 12,
      n_positions: 1024,
      vocab_size: 50257,
    };
    await writeFile(config, JSON.stringify(gpt2));
    await client.connection.sendNotification('workspace/didChangeWatchedFiles', {
      changes: [{ uri: pathToFileURL(config).href, type: 1 }],
    });
    await client.until(() => client.codeLensRefreshes > 0);
    expect((await client.lensTitles(opened))[0]).toMatch(/^✔ fits L4 · /);
  });
});

describe("Loadline's own requests", () => {
  it('hands out requests, estimates and places of flags', async () => {
    const client = await start();
    await client.open(scriptUri, `${tooLong}\n# loadline: gpu=l4\nvllm serve nobody/x\n`, 'shellscript');
    const result = await client.connection.sendRequest<EstimatesResult>(estimatesRequest, { uri: scriptUri });
    expect(result).toMatchObject({ uri: scriptUri, version: 1 });
    const [first, second] = result.deployments;
    expect(first?.request?.source).toBe('serve.sh:2');
    expect(first?.request?.device.id).toBe('rtx-4090-24gb');
    expect(first?.estimate.verdict.outcome).toBe('does-not-fit');
    const place = first?.flagRanges['max-model-len'];
    expect(place && client.document(scriptUri).getText(place)).toBe('131072');
    expect(second).toMatchObject({ index: 1, request: null, estimate: { verdict: { outcome: 'unknown' } } });
  });

  it('makes edits for several flags at once', async () => {
    const client = await start();
    await client.open(uri, fitting);
    const { version, edits } = await client.connection.sendRequest<FlagEditsResult>(flagEditsRequest, {
      uri,
      index: 0,
      changes: [
        { flag: 'max-model-len', to: 4096 },
        { flag: 'enforce-eager', to: true },
        { flag: 'kv-cache-dtype', to: 'fp8' },
      ],
    });
    expect(version).toBe(1);
    await client.edit(uri, edits);
    expect(client.document(uri).getText()).toBe(
      `${fitting.replace('8192', '4096')}enforce-eager: true\nkv-cache-dtype: fp8\n`,
    );
  });

  it('says when the estimates of a document changed', async () => {
    const client = await start();
    const changed: { uri: string; version: number }[] = [];
    const told = new Promise<void>((resolve) => {
      client.connection.onNotification(estimatesChanged, (params: { uri: string; version: number }) => {
        changed.push(params);
        resolve();
      });
    });
    await client.open(uri, fitting);
    await told;
    expect(changed).toEqual([{ uri, version: 1 }]);
  });
});
