/** What stands in the file, in a real VS Code: lens, marks, hover, completion, hints and the GPU in the status bar, document by document. */
import { cp, mkdtemp, realpath, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, test } from 'vitest';
import { CodeServer, launchBrowser, newProfile, repository } from '../tools/codeServer.ts';
import { failurePicture, takePictures } from './pictures.ts';
import { Workbench } from './workbench.ts';

const compose = [
  'services:',
  '  # loadline: gpu=h100',
  '  chat:',
  '    image: vllm/vllm-openai:v0.26.0',
  '    command: --model meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192 --gpu-memory-utilization 0.6',
  '    environment:',
  '      CUDA_VISIBLE_DEVICES: "0"',
  '  # loadline: gpu=h100',
  '  code:',
  '    image: vllm/vllm-openai:v0.26.0',
  '    command:',
  '      - --model',
  '      - Qwen/Qwen2.5-7B-Instruct',
  '      - --gpu-memory-utilization=0.6',
  '      - --cuda-graph-sizes',
  '      - "8"',
  '    environment:',
  '      CUDA_VISIBLE_DEVICES: "0"',
  '',
].join('\n');

let folder: string;
let server: CodeServer;
let browser: Browser;
let workbench: Workbench;

beforeAll(async () => {
  folder = join(await realpath(await mkdtemp(join(tmpdir(), 'loadline-editor-'))), 'examples');
  await cp(join(repository, 'examples'), folder, { recursive: true });
  await writeFile(join(folder, 'shared.compose.yaml'), compose);
  server = await CodeServer.start({
    settings: {
      'window.autoDetectColorScheme': true,
      'workbench.preferredDarkColorTheme': 'Default Dark Modern',
      'workbench.preferredLightColorTheme': 'Default Light Modern',
      'files.autoSave': 'off',
      'loadline.inlayHints.enabled': true,
      'editor.hover.delay': 100,
    },
  });
  browser = await launchBrowser();
  workbench = await Workbench.open(server, await newProfile(browser), folder);
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') await failurePicture(workbench, task.name);
});

afterAll(async () => {
  await browser?.close();
  await server?.dispose();
  if (folder) await rm(join(folder, '..'), { recursive: true, force: true });
});

test('services that share a GPU say so in their lenses and at the last of them', async () => {
  await workbench.openFile('shared.compose.yaml');
  await workbench.lens('2 share GPU 0').waitFor();
  await workbench.errorMarks().first().waitFor();
  await workbench.page.locator('.statusbar-item', { hasText: 'H100' }).first().waitFor();
  await takePictures(workbench, 'editor-compose');
});

test('an option that was renamed has its quick fix', async () => {
  await workbench.openQuickFixes('--cuda-graph-sizes');
  await workbench.page
    .locator('.action-widget .monaco-list-row', { hasText: 'cudagraph-capture-sizes' })
    .waitFor();
  await takePictures(workbench, 'editor-fixes');
  await workbench.chooseQuickFix('--cuda-graph-sizes', /Replace by --cudagraph-capture-sizes/);
  await workbench.page.locator('.view-line', { hasText: '--cudagraph-capture-sizes' }).waitFor();
});

test('an option tells what it does to the KV cache when the pointer rests on it', async () => {
  await workbench.openFile('llama-3.1-8b.serve.yaml');
  await workbench.lens('fits H200').waitFor();
  const hover = workbench.page
    .locator('.monaco-hover', { hasText: 'How it is computed' })
    .filter({ hasText: 'Requests at once' })
    .first();
  await workbench.rest(/max[-_]model[-_]len/, hover);
  await takePictures(workbench, 'editor-hover');
});

test('options are completed with their effect', async () => {
  await workbench.page.keyboard.press('Escape');
  await workbench.page.locator('.view-lines').first().click();
  await workbench.page.keyboard.press('Control+End');
  await workbench.page.keyboard.press('Enter');
  await workbench.page.keyboard.type('kv-cache');
  const row = workbench.page
    .locator('.suggest-widget .monaco-list-row', { hasText: 'kv-cache-dtype' })
    .filter({ hasText: /KV .* tokens/ })
    .first();
  await workbench.pressFor('Control+Space', row);
  await takePictures(workbench, 'editor-completion');
  await workbench.page.keyboard.press('Escape');
});

test('a GPU is chosen with the verdict on each', async () => {
  await workbench.openFile('llama-3.1-8b-rtx-4090.sh');
  await workbench.lens('does not fit RTX 4090').waitFor();
  const input = await workbench.pressStatus('RTX 4090');
  await input.fill('H200');
  const rows = workbench.page.locator('.quick-input-list .monaco-list-row');
  await rows
    .filter({ hasText: /H200.*fits/ })
    .first()
    .waitFor();
  await takePictures(workbench, 'editor-gpus');
  await workbench.choose('H200');
  await workbench.lens('fits H200').waitFor();
});

test('a manifest is read and marked like a script', async () => {
  await workbench.openFile('llama-3.1-70b.kubernetes.yaml');
  await workbench.lens(/fits|tight|not known/).waitFor();
  await takePictures(workbench, 'editor-kubernetes');
});
