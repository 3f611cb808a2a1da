import { readdir, readFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { CompletionItem } from 'vscode-languageserver';
import { TestClient } from './testClient.ts';

const uri = 'file:///nowhere/serve.yaml';
const scriptUri = 'file:///nowhere/serve.sh';
const composeUri = 'file:///nowhere/compose.yaml';

let client: TestClient;
beforeEach(async () => {
  client = await TestClient.start();
});
afterEach(async () => {
  await client.stop();
});

const labels = (items: readonly CompletionItem[]) => items.map(({ label }) => label);

/** The item of that label, and the text once it is taken. */
async function take(opened: string, items: readonly CompletionItem[], label: string) {
  const item = items.find((each) => each.label === label);
  if (!item?.textEdit || !('range' in item.textEdit)) {
    throw new Error(`no ${label} among ${labels(items).join(' ')}`);
  }
  await client.edit(opened, [item.textEdit]);
  return { item, text: client.document(opened).getText() };
}

const script = '# loadline: gpu=h200\nvllm serve meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192';
const yaml = '# loadline: gpu=h200\nmodel: meta-llama/Llama-3.1-8B-Instruct\nmax_model_len: 8192\n';
const compose = (item: string) =>
  `services:\n  # loadline: gpu=h200\n  llm:\n    image: vllm/vllm-openai:v0.26.0\n    command:\n      - --model\n      - meta-llama/Llama-3.1-8B-Instruct\n      ${item}\n`;

describe('options', () => {
  it('are offered in a script behind two dashes, with default and effect; those that are written are not', async () => {
    const items = await client.completions(scriptUri, `${script} \\\n  --max-num-|\n`, 'shellscript');
    expect(labels(items)).not.toContain('--max-model-len');
    expect(items.every(({ label }) => label.startsWith('--'))).toBe(true);
    const { item, text } = await take(scriptUri, items, '--max-num-seqs');
    expect(text).toBe(`${script} \\\n  --max-num-seqs \n`);
    expect(item.detail).toBe('integer, 1,024 here');
    expect(item.labelDetails?.description).toMatch(/^KV 92\dk → 9\d\dk tokens$/);
    expect(item.documentation).toMatchObject({
      value: expect.stringMatching(/- `512`: fits, KV [\d,]+ tokens \(\+[\d,]+\), [\d.]+×/),
    });
  });

  it('come first where they enter the estimate', async () => {
    const items = await client.completions(scriptUri, `${script} --|\n`, 'shellscript');
    const sorted = items.toSorted((a, b) => ((a.sortText ?? '') < (b.sortText ?? '') ? -1 : 1));
    expect(labels(sorted).slice(0, 8)).toContain('--kv-cache-dtype');
    expect(labels(sorted).indexOf('--uvicorn-log-level')).toBeGreaterThan(20);
  });

  it('are keys in a YAML config, spelt as its other keys', async () => {
    const items = await client.completions(uri, `${yaml}gpu_|`);
    const { item, text } = await take(uri, items, 'gpu_memory_utilization');
    expect(text).toBe(`${yaml}gpu_memory_utilization: `);
    expect(item.detail).toBe('number, default 0.92');
    // The YAML extension's own are none of our business: keys of this file, nothing nested.
    expect(await client.completions(uri, `${yaml}hf_overrides:\n  a|`)).toEqual([]);
  });

  it('are items of a list in compose files and manifests', async () => {
    const items = await client.completions(composeUri, compose('- --kv-|'), 'dockercompose');
    const { text } = await take(composeUri, items, '--kv-cache-dtype');
    expect(text).toBe(compose('- --kv-cache-dtype'));
    const manifest = (argument: string) =>
      `kind: Pod\nspec:\n  containers:\n  - image: vllm/vllm-openai:v0.26.0\n    args: ["--model", "gpt2", "${argument}"]\n`;
    expect(labels(await client.completions(uri, manifest('--max-|')))).toContain('--max-num-seqs');
  });

  it('are those of the version in use', async () => {
    const old = script.replace('h200', 'h200 engine=0.8.5');
    const items = labels(await client.completions(scriptUri, `${old} --|\n`, 'shellscript'));
    expect(items).toContain('--swap-space');
    expect(items).not.toContain('--attention-backend');
  });

  it('are not offered elsewhere', async () => {
    for (const [text, language] of [
      ['services:\n  web:\n    image: nginx\n    command: --max|\n', 'dockercompose'],
      [`${script}\necho --max|\n`, 'shellscript'],
      [`${script} # --max|\n`, 'shellscript'],
      [`${script}\n\n--max|\n`, 'shellscript'],
      ['model: gpt2\nma|\n', 'yaml'],
    ] as const) {
      expect(await client.completions(scriptUri, text, language), text).toEqual([]);
    }
  });
});

describe('values', () => {
  it('are offered with what each does, behind a blank, an equals sign, a colon and in the next item', async () => {
    for (const [opened, text, language] of [
      [scriptUri, `${script} --kv-cache-dtype |\n`, 'shellscript'],
      [scriptUri, `${script} --kv-cache-dtype=f|\n`, 'shellscript'],
      [uri, `${yaml}kv_cache_dtype: |\n`, 'yaml'],
      [composeUri, compose('- --kv-cache-dtype\n      - |'), 'dockercompose'],
    ] as const) {
      const items = await client.completions(opened, text, language);
      const fp8 = items.find(({ label }) => label === 'fp8');
      expect(fp8?.labelDetails?.description, text).toMatch(/^KV 9\d\dk → 1\.8\dM tokens$/);
      expect(fp8?.detail).toMatch(/^✔ fits · [\d.]+× · KV 1,8\d\d,\d{3} tokens$/);
    }
  });

  it('name the longest context that fits', async () => {
    const text = '# loadline: gpu=rtx-4090\nmodel: meta-llama/Llama-3.1-8B-Instruct\nmax-model-len: |\n';
    const items = await client.completions(uri, text);
    const longest = items.at(-1);
    expect(longest?.documentation).toBe('The longest that fits.');
    expect(Number(longest?.label)).toBeGreaterThan(40_000);
    expect(items.find(({ label }) => label === '131072')?.labelDetails?.description).toBe('✖ does not fit');
  });

  it('say how many GPUs a split takes', async () => {
    const items = await client.completions(scriptUri, `${script} --tensor-parallel-size |\n`, 'shellscript');
    expect(items.find(({ label }) => label === '2')?.labelDetails?.description).toMatch(/, 2 GPUs$/);
  });
});

it('is asked at any place of any document without harm', async () => {
  const folder = new URL('../../examples/', import.meta.url);
  for (const name of (await readdir(folder)).filter((each) => /\.(ya?ml|sh)$/.test(each))) {
    const text = await readFile(new URL(name, folder), 'utf8');
    const opened = `file:///nowhere/${name}`;
    const language = name.endsWith('.sh') ? 'shellscript' : 'yaml';
    for (let at = 0; at <= text.length; at += 11) {
      const items = await client.completions(opened, `${text.slice(0, at)}|${text.slice(at)}`, language);
      for (const { textEdit } of items) expect(textEdit).toBeDefined();
      await client.hover(opened, text.slice(at, at + 5));
    }
  }
});

describe('words of a comment', () => {
  it('are GPUs of the catalogue with the verdict on each', async () => {
    const items = await client.completions(uri, yaml.replace('gpu=h200', 'gpu=|'));
    const { item, text } = await take(uri, items, 'l4-24gb');
    expect(text).toContain('# loadline: gpu=l4-24gb\n');
    expect(item.detail).toMatch(/^L4, 22\.\d GiB, compute capability 8\.9$/);
  });

  it('are versions, and the words themselves', async () => {
    const items = await client.completions(uri, yaml.replace('gpu=h200', 'gpu=h200 |'));
    expect(labels(items)).toEqual(['gpu=', 'x2', 'engine=', 'model=']);
    const versions = await client.completions(uri, yaml.replace('gpu=h200', 'gpu=h200 engine=0|'));
    expect(labels(versions)[0]).toBe('0.33.0');
    const gpus = await client.completions(uri, yaml.replace('gpu=h200', 'engine=0.26.0 gpu=h|'));
    const h200 = gpus.find(({ label }) => label === 'h200-sxm-141gb');
    expect(h200?.labelDetails?.description).toMatch(/^✔ fits · 11\d\.\d×$/);
  });
});

describe('inlay hints', () => {
  const text = `${yaml}gpu_memory_utilization: 0.9\nkv_cache_dtype: auto\n`;

  it('stand beside what they follow from where the user asked for them', async () => {
    await client.stop();
    client = await TestClient.start({ initializationOptions: { inlayHints: { enabled: true } } });
    await client.open(uri, text);
    const hints = (await client.inlayHints(uri)).map(({ position, label }) => [position.line, label]);
    expect(hints).toEqual([
      [1, 'weights 14.99 GiB'],
      [3, expect.stringMatching(/^KV [\d,]+ tokens$/)],
      [2, expect.stringMatching(/^[\d.]+× at once$/)],
      [4, '= bfloat16'],
    ]);
  });

  it('are off otherwise', async () => {
    await client.open(uri, text);
    expect(await client.inlayHints(uri)).toEqual([]);
  });
});
