/** Quick fixes that take more GPUs say so wherever the document counts them. */
import { afterEach, beforeEach, expect, it } from 'vitest';
import { TestClient } from './testClient.ts';

const scriptUri = 'untitled:serve.sh';

let client: TestClient;
beforeEach(async () => {
  client = await TestClient.start();
});
afterEach(async () => {
  await client.stop();
});

const pod = (resources: string) =>
  `kind: Pod\nspec:\n  nodeSelector: { nvidia.com/gpu.product: NVIDIA-GeForce-RTX-4090 }\n  containers:\n  - image: vllm/vllm-openai:v0.26.0\n    args: [--model, meta-llama/Llama-3.1-8B-Instruct, --max-model-len=65536]\n    resources:\n${resources}`;

it('gives the GPUs that a fix needs to the comment too', async () => {
  await client.open(
    scriptUri,
    '# loadline: gpu=rtx-4090-24gb\nvllm serve meta-llama/Llama-3.1-8B-Instruct \\\n  --max-model-len 65536\n',
    'shellscript',
  );
  const [diagnostic] = await client.diagnostics(scriptUri);
  if (!diagnostic) throw new Error('no diagnostic');
  const actions = await client.actions(scriptUri, diagnostic.range);
  const moreGpus = actions.find(({ title }) => title.includes('--tensor-parallel-size'));
  if (!moreGpus) throw new Error('no such action');
  await client.apply(moreGpus);
  expect(client.document(scriptUri).getText()).toContain('# loadline: gpu=rtx-4090-24gb x2\n');
  expect((await client.lensTitles(scriptUri))[0]).toMatch(/^(✔ fits|⚠ tight) 2 × RTX 4090 · /);
});

it.each([
  ['limits', pod('      limits: { nvidia.com/gpu: "1" }\n'), '      limits: { nvidia.com/gpu: "2" }\n'],
  [
    'limits and requests, which must be the same',
    pod('      limits:\n        nvidia.com/gpu: 1\n      requests:\n        nvidia.com/gpu: 1 # as above\n'),
    '      limits:\n        nvidia.com/gpu: 2\n      requests:\n        nvidia.com/gpu: 2 # as above\n',
  ],
  [
    'a comment that counts them too',
    `# loadline: gpu=rtx-4090 x1\n${pod('      limits: { nvidia.com/gpu: 1 }\n')}`,
    '# loadline: gpu=rtx-4090 x2\n',
  ],
])('gives the GPUs that a fix needs where the manifest counts them: %s', async (_, text, expected) => {
  const uri = 'file:///x/pod.yaml';
  await client.open(uri, text, 'yaml');
  const [diagnostic] = await client.diagnostics(uri);
  const actions = diagnostic ? await client.actions(uri, diagnostic.range) : [];
  const moreGpus = actions.find(({ title }) => title.includes('--tensor-parallel-size'));
  if (!moreGpus) throw new Error('no such action');
  await client.apply(moreGpus);
  const fixed = client.document(uri).getText();
  expect(fixed).toContain(expected);
  expect(fixed).not.toMatch(/gpu: "?1/);
  expect(fixed.match(/loadline:/g)?.length).toBe(text.match(/loadline:/g)?.length);
  expect((await client.lensTitles(uri))[0]).toMatch(/^(✔ fits|⚠ tight) 2 × RTX 4090 · /);
});

it('gives as many GPUs as the flags ask for, and says what comes of it', async () => {
  const run = (gpus: string) =>
    `# loadline: gpu=rtx-4090\ndocker run --gpus ${gpus} vllm/vllm-openai:v0.26.0 --model meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192 --tensor-parallel-size 2\n`;
  await client.open(scriptUri, run('1'), 'shellscript');
  const [diagnostic] = await client.diagnostics(scriptUri);
  if (!diagnostic) throw new Error('no diagnostic');
  const give = (await client.actions(scriptUri, diagnostic.range)).find(({ title }) =>
    title.startsWith('Give it'),
  );
  expect(give?.title).toMatch(/^Give it 2 GPUs \(→ fits, [\d.]+× at 8,192 tokens\)$/);
  if (!give) throw new Error('no such action');
  await client.apply(give);
  expect(client.document(scriptUri).getText()).toBe(run('2'));
  expect((await client.lensTitles(scriptUri))[0]).toMatch(/^✔ fits 2 × RTX 4090 · /);
});

it('gives no more GPUs where the very ones are named', async () => {
  const text =
    '# loadline: gpu=rtx-4090\ndocker run --gpus \'"device=3"\' vllm/vllm-openai:v0.26.0 --model meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192 --tensor-parallel-size 2\n';
  await client.open(scriptUri, text, 'shellscript');
  const [diagnostic] = await client.diagnostics(scriptUri);
  if (!diagnostic) throw new Error('no diagnostic');
  const titles = (await client.actions(scriptUri, diagnostic.range)).map(({ title }) => title);
  expect(titles).toEqual([expect.stringContaining('Set --tensor-parallel-size 1')]);
});
