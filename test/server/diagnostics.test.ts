import { readFile } from 'node:fs/promises';
import { afterEach, describe, expect, it } from 'vitest';
import { anchorOf, diagnosticCodes } from '../../src/server/features/diagnosticCodes.ts';
import { TestClient } from './testClient.ts';

const uri = 'file:///nowhere/serve.yaml';
const scriptUri = 'file:///nowhere/serve.sh';
const composeUri = 'file:///nowhere/compose.yaml';

let client: TestClient;
afterEach(async () => {
  await client.stop();
});

/** Opens it, and gives each diagnostic as its code and the text that it stands on. */
async function marks(opened: string, text: string, languageId = 'yaml'): Promise<[unknown, string][]> {
  client = await TestClient.start();
  await client.open(opened, text, languageId);
  const found = await client.diagnostics(opened);
  return found.map(({ code, range }) => [code, client.document(opened).getText(range)]);
}

/** Applies the action of that title at the first diagnostic, and gives the text afterwards. */
async function apply(opened: string, title: string | RegExp): Promise<string> {
  const [diagnostic] = await client.diagnostics(opened);
  if (!diagnostic) throw new Error('no diagnostic');
  const actions = await client.actions(opened, diagnostic.range);
  const action = actions.find((each) =>
    typeof title === 'string' ? each.title === title : title.test(each.title),
  );
  if (!action) throw new Error(`no ${title} among ${actions.map((each) => each.title).join(' | ')}`);
  await client.apply(action);
  return client.document(opened).getText();
}

const script = (engine: string, flags: string) =>
  `# loadline: gpu=h200 engine=${engine}\nvllm serve meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192 ${flags}\n`;

describe('options of another release', () => {
  it('that were renamed are marked on the name, and renamed with their value kept', async () => {
    expect(await marks(scriptUri, script('0.26.0', '--cuda-graph-sizes 8 --port 80'), 'shellscript')).toEqual(
      [['flag.renamed', '--cuda-graph-sizes']],
    );
    expect(await apply(scriptUri, 'Replace by --cudagraph-capture-sizes')).toContain(
      '--max-model-len 8192 --cudagraph-capture-sizes 8 --port 80\n',
    );
    expect(await client.diagnostics(scriptUri)).toEqual([]);
  });

  it('that became a value of another are written anew', async () => {
    expect(await marks(scriptUri, script('0.26.0', '--worker-use-ray'), 'shellscript')).toEqual([
      ['flag.renamed', '--worker-use-ray'],
    ]);
    expect(await apply(scriptUri, /^Replace by --distributed-executor-backend ray/)).toContain(
      '--distributed-executor-backend ray',
    );
    expect(await client.diagnostics(scriptUri)).toEqual([]);
  });

  it('that are gone are removed, in YAML with their line', async () => {
    const text = `# loadline: gpu=h200 engine=0.26.0\nmodel: meta-llama/Llama-3.1-8B-Instruct\nswap_space: 4\nmax_model_len: 8192\n`;
    expect(await marks(uri, text)).toEqual([['flag.removed', 'swap_space: 4']]);
    expect(await apply(uri, 'Remove --swap-space')).toBe(text.replace('swap_space: 4\n', ''));
    expect(await client.diagnostics(uri)).toEqual([]);
  });

  it('that come later are said with the release', async () => {
    expect(await marks(scriptUri, script('0.10.2', '--attention-backend FLASH_ATTN'), 'shellscript')).toEqual(
      [['flag.later', '--attention-backend FLASH_ATTN']],
    );
    const [diagnostic] = await client.diagnostics(scriptUri);
    expect(diagnostic?.message).toContain('came with vLLM 0.13.0');
    expect(diagnostic?.message).toContain('does not start with it');
  });

  it('are errors where the release is named, and warnings where it is assumed', async () => {
    const text = (engine: string) =>
      `# loadline: gpu=h200${engine}\nmodel: meta-llama/Llama-3.1-8B-Instruct\nswap_space: 4\n`;
    await marks(uri, text(' engine=0.26.0'));
    expect(await client.diagnostics(uri)).toMatchObject([{ code: 'flag.removed', severity: 1 }]);
    await client.stop();
    await marks(uri, text(''));
    expect(await client.diagnostics(uri)).toMatchObject([{ code: 'flag.removed', severity: 2 }]);
  });

  it('have defaults that changed: a hint where the document names the release and relies on one', async () => {
    expect(await marks(scriptUri, script('0.21.0', ''), 'shellscript')).toEqual([
      ['flag.default-changed', 'meta-llama/Llama-3.1-8B-Instruct'],
    ]);
    const [diagnostic] = await client.diagnostics(scriptUri);
    expect(diagnostic).toMatchObject({
      severity: 4,
      message: expect.stringContaining('gpu-memory-utilization is 0.92 since vLLM 0.21.0; before it was 0.9'),
    });
    await client.stop();
    expect(await marks(scriptUri, script('0.21.0', '--gpu-memory-utilization 0.9'), 'shellscript')).toEqual(
      [],
    );
  });
});

describe('marks that are one edit from being gone', () => {
  it('duplicate: the earlier one is removed', async () => {
    const text = script('0.26.0', '--max-num-seqs 8 --max-num-seqs 16');
    expect(await marks(scriptUri, text, 'shellscript')).toEqual([['flag.duplicate', '--max-num-seqs']]);
    expect(await apply(scriptUri, /^Remove this --max-num-seqs/)).toBe(text.replace('--max-num-seqs 8 ', ''));
    expect(await client.diagnostics(scriptUri)).toEqual([]);
  });

  it('no effect: information, faded, removable', async () => {
    const text = script('0.26.0', '--max-loras 4');
    expect(await marks(scriptUri, text, 'shellscript')).toEqual([['flag.no-effect', '--max-loras 4']]);
    const [diagnostic] = await client.diagnostics(scriptUri);
    expect(diagnostic).toMatchObject({ severity: 3, tags: [1] });
    expect(await apply(scriptUri, 'Remove --max-loras')).toBe(text.replace(' --max-loras 4', ''));
  });

  it('a GPU that is not known: the nearest is named in the comment', async () => {
    const text = script('0.26.0', '').replace('gpu=h200', 'gpu=h20o x2');
    expect(await marks(scriptUri, text, 'shellscript')).toEqual([['gpu.unknown', 'gpu=h20o x2']]);
    const [diagnostic] = await client.diagnostics(scriptUri);
    expect(diagnostic?.message).toContain('did you mean h200?');
    expect(await apply(scriptUri, 'Name the GPU h200')).toContain('gpu=h200 x2');
    expect(await client.diagnostics(scriptUri)).toEqual([]);
  });

  it('several flags are set by one fix where one does not do', async () => {
    const text = '# loadline: gpu=l4\nmodel: meta-llama/Llama-3.1-70B-Instruct\nmax-model-len: 131072\n';
    const found = await marks(uri, text);
    expect(found).toHaveLength(1);
    const [diagnostic] = await client.diagnostics(uri);
    const actions = diagnostic ? await client.actions(uri, diagnostic.range) : [];
    const pair = actions.find(({ title }) => / and set --/.test(title));
    expect(pair?.title).toMatch(/\(→ (on \d GPUs )?[\d.]+× at [\d,]+ tokens/);
    if (pair) await client.apply(pair);
    expect((await client.diagnostics(uri)).filter(({ severity }) => severity === 1)).toEqual([]);
  });
});

describe('deployments that share a GPU', () => {
  const service = (name: string, gpu: string, share: number) => [
    '  # loadline: gpu=h100',
    `  ${name}:`,
    '    image: vllm/vllm-openai:v0.26.0',
    `    command: --model meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192 --gpu-memory-utilization ${share}`,
    '    deploy:',
    '      resources:',
    '        reservations:',
    `          devices: [{ driver: nvidia, device_ids: ["${gpu}"], capabilities: [gpu] }]`,
  ];
  const compose = (...services: readonly string[][]) => ['services:', ...services.flat(), ''].join('\n');

  it('ask for too much together: marked once, at the last of them, with what is left for it', async () => {
    const text = compose(service('a', '0', 0.6), service('b', '1', 0.6), service('c', '0', 0.6));
    expect(await marks(composeUri, text, 'dockercompose')).toEqual([
      ['gpu.shared', '--gpu-memory-utilization 0.6'],
    ]);
    const [diagnostic] = await client.diagnostics(composeUri);
    expect(diagnostic?.range.start.line).toBe(text.split('\n').indexOf('  c:') + 2);
    expect(await client.lensTitles(composeUri)).toEqual([
      expect.stringMatching(/ · 2 share GPU 0: ✖ 9\d\.\d of 79\.\d GiB$/),
      expect.not.stringContaining('share'),
      expect.stringMatching(/ · 2 share GPU 0: ✖ 9\d\.\d of 79\.\d GiB$/),
    ]);
    expect(await apply(composeUri, /^Set --gpu-memory-utilization 0\.(39|4) \(→ together/)).toMatch(
      /0\.(39|4)\n/,
    );
    expect(await client.diagnostics(composeUri)).toEqual([]);
  });

  it('is not taken for granted where the GPUs are not named', async () => {
    const text = compose(service('a', '0', 0.6), service('b', '0', 0.6)).replaceAll(
      'device_ids: ["0"]',
      'count: 1',
    );
    expect(await marks(composeUri, text, 'dockercompose')).toEqual([]);
  });
});

describe('codes', () => {
  it('are each explained in docs/diagnostics.md, where the mark leads', async () => {
    const docs = await readFile(new URL('../../docs/diagnostics.md', import.meta.url), 'utf8');
    const headings = [...docs.matchAll(/^### (\S+)$/gm)].map(([, code]) => code);
    expect(headings.toSorted()).toEqual(Object.keys(diagnosticCodes).toSorted());
    await marks(uri, '# loadline: gpu=h200\nmodel: gpt2\nmax-num-seq: 3\n');
    const [diagnostic] = await client.diagnostics(uri);
    expect(diagnostic?.codeDescription?.href).toMatch(
      new RegExp(`diagnostics\\.md#${anchorOf('flag.unknown')}$`),
    );
  });
});
