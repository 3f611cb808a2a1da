import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { extensionId, fileIn, folder, tab, writeFile } from './support.ts';

/** A file of `vllm bench serve` without single requests. */
const result = {
  date: '20260820-101500',
  endpoint_type: 'openai',
  backend: 'openai',
  model_id: 'qwen',
  request_rate: 'inf',
  max_concurrency: 8,
  duration: 40,
  completed: 640,
  failed: 0,
  total_input_tokens: 128_000,
  total_output_tokens: 64_000,
  output_throughput: 1600,
  mean_ttft_ms: 210,
  median_ttft_ms: 180,
  p99_ttft_ms: 611,
};

export function importTests(): void {
  describe('results of another load generator', () => {
    const runsFolder = () => vscode.Uri.file(join(folder('other').uri.fsPath, '.loadline', 'runs'));
    after(async () => {
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
      await vscode.workspace.fs.delete(vscode.Uri.joinPath(folder('other').uri, '.loadline'), {
        recursive: true,
      });
    });

    it('open in the sweep panel as one run, a cell a file, and are kept in the workspace', async () => {
      await vscode.extensions.getExtension(extensionId)?.activate();
      const first = await writeFile(fileIn('other', 'c8.json'), JSON.stringify(result));
      const second = await writeFile(
        fileIn('other', 'c16.json'),
        JSON.stringify({ ...result, max_concurrency: 16, output_throughput: 2500 }),
      );
      // As the explorer calls it: what was clicked, then everything that is selected.
      await vscode.commands.executeCommand('loadline.importResults', first, [first, second]);
      await tab('vllm bench serve, qwen');
      const [[run]] = (await vscode.workspace.fs.readDirectory(runsFolder())) as [[string, number]];
      const text = await vscode.workspace.fs.readFile(vscode.Uri.joinPath(runsFolder(), run, 'results.json'));
      const { cells, origin } = JSON.parse(Buffer.from(text).toString());
      assert.deepEqual(
        cells.map(({ concurrency }: { concurrency: number }) => concurrency),
        [8, 16],
      );
      assert.equal(origin.tool, 'vllm bench serve');
    });

    it('that are none leave nothing behind', async () => {
      const before = await vscode.workspace.fs.readDirectory(runsFolder());
      const notes = await writeFile(fileIn('other', 'notes.json'), '{"a": 1}');
      await vscode.commands.executeCommand('loadline.importResults', notes);
      assert.deepEqual(await vscode.workspace.fs.readDirectory(runsFolder()), before);
    });
  });
}
