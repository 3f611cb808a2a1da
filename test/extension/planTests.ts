import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';
import { diagnostics, fileIn, lenses, show, writeFile } from './support.ts';

const plan = `name: small
hosts: [this-machine]
gpu: h100-sxm-80gb
engine: { name: vllm, version: "0.26.0" }
model: meta-llama/Llama-3.2-1B-Instruct
load:
  - concurrency: [1, 2]
    requests: 4
    warmupRequests: 0
    input: 20
    output: 5
`;

export function planTests(): void {
  describe('sweep plans', () => {
    it('have lenses that rehearse and run them, with cells and time', async () => {
      const uri = await writeFile(fileIn('other', 'small.sweep.yaml'), plan);
      await show(uri);
      const titles = await lenses(uri, (found) => found.length > 0);
      assert.match(titles.join(' '), /Rehearse \(simulated, ≈ /);
      assert.match(titles.join(' '), /Run on this-machine \(2 cells, ≈ /);
    });

    it('are marked at the key that is wrong, until it is right', async () => {
      const uri = await writeFile(fileIn('other', 'wrong.sweep.yaml'), plan.replace('requests:', 'request:'));
      const { document } = await show(uri);
      const [mark] = await diagnostics(uri, (found) => found.length === 1);
      assert.ok(mark);
      assert.equal(document.getText(mark.range), 'request');
      assert.match(mark.message, /did you mean "requests"/);
      const edit = new vscode.WorkspaceEdit();
      edit.replace(uri, mark.range, 'requests');
      await vscode.workspace.applyEdit(edit);
      await diagnostics(uri, (found) => found.length === 0);
      await lenses(uri, (found) => found.length > 0);
    });
  });
}
