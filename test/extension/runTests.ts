import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';
import { memoryLimitResults } from '../webview/examples.ts';
import { ask, diagnostics, extensionId, fileIn, folder, show, tab, writeFile } from './support.ts';

const plan = `name: memory-limit
question: memory-limit
hosts: [this-machine]
gpu: h200-sxm-141gb
engine: { name: vllm, version: "0.26.0" }
model: meta-llama/Llama-3.1-8B-Instruct
deployment:
  flags:
    max-model-len: 8192
matrix:
  gpu-memory-utilization: [0.2, 0.3, 0.9]
load:
  - concurrency: 16
    input: 200
    output: 100
`;
const results = memoryLimitResults({ searches: [] });

export function runTests(): void {
  describe('a run that is over', () => {
    const runs = () => vscode.Uri.joinPath(folder('other').uri, '.loadline', 'runs');
    const directory = () => vscode.Uri.joinPath(runs(), results.run);
    const ofRun = (found: readonly vscode.Diagnostic[]) =>
      found.filter(({ code }) => code === 'sweep.cell-failed');

    after(async () => {
      await vscode.commands.executeCommand('workbench.action.closeAllEditors');
    });

    it('that a terminal wrote stands in its plan where cells failed, with a fix', async () => {
      await vscode.extensions.getExtension(extensionId)?.activate();
      const uri = await writeFile(fileIn('other', 'memory-limit.sweep.yaml'), plan);
      const { document } = await show(uri);
      await writeFile(vscode.Uri.joinPath(directory(), 'plan.yaml'), plan);
      await writeFile(vscode.Uri.joinPath(directory(), 'results.json'), JSON.stringify(results));
      const [mark] = ofRun(await diagnostics(uri, (found) => ofRun(found).length > 0));
      assert.ok(mark);
      assert.equal(document.getText(mark.range), '0.2');
      assert.match(mark.message, /^gpu-memory-utilization 0\.2: OOM at profile\. No memory is left/);
      assert.match(
        mark.relatedInformation?.[0]?.message ?? '',
        /run 20261123T120000Z-memory-limit on gpu-01/,
      );
      const actions = await ask<vscode.CodeAction[]>('vscode.executeCodeActionProvider', uri, mark.range);
      const fix = actions.find(({ title }) => title.startsWith('Set gpu-memory-utilization to 0.24'));
      assert.ok(fix?.edit, actions.map(({ title }) => title).join('; '));
      await vscode.workspace.applyEdit(fix.edit);
      assert.match(document.getText(), /gpu-memory-utilization: \[0\.24, 0\.3, 0\.9\]/);
      await diagnostics(uri, (found) => ofRun(found).length === 0);
    });

    it('has its fix in the config that the plan was made from, too', async () => {
      const config = await writeFile(
        fileIn('other', 'made-from.serve.sh'),
        'vllm serve meta-llama/Llama-3.1-8B-Instruct --gpu-memory-utilization 0.2\n',
      );
      const uri = await writeFile(
        fileIn('other', 'made.sweep.yaml'),
        `# Made from made-from.serve.sh. The lines above the first key show what it takes.\n${plan}`,
      );
      await show(uri);
      const [mark] = ofRun(await diagnostics(uri, (found) => ofRun(found).length > 0));
      assert.ok(mark);
      const actions = await ask<vscode.CodeAction[]>('vscode.executeCodeActionProvider', uri, mark.range);
      const fix = actions.find(({ title }) => title.endsWith('in made-from.serve.sh too'));
      assert.ok(fix?.command, actions.map(({ title }) => title).join('; '));
      await vscode.commands.executeCommand(fix.command.command, ...(fix.command.arguments ?? []));
      const { document } = await show(config);
      assert.match(document.getText(), /--gpu-memory-utilization 0\.24/);
    });

    it('is shown in its panel, and gone from this machine when it is deleted', async () => {
      await vscode.commands.executeCommand('loadline.openSweep', results.run);
      await tab('memory-limit');
      await vscode.commands.executeCommand('loadline.deleteRun', results.run);
      const left = await vscode.workspace.fs.readDirectory(runs());
      assert.deepEqual(
        left.filter(([name]) => name === results.run),
        [],
      );
    });
  });
}
