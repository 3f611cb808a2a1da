import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';
import { ask, diagnostics, fileIn, lenses, show, writeFile } from './support.ts';

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

    it('offer what may be written: keys, and flags of the engine with their values', async () => {
      const uri = await writeFile(fileIn('other', 'typed.sweep.yaml'), `${plan}matrix:\n  kv-cache-d\n`);
      const { document } = await show(uri);
      const end = document.positionAt(document.getText().length - 1);
      const { items } = await ask<vscode.CompletionList>('vscode.executeCompletionItemProvider', uri, end);
      const item = items.find(({ label }) => label === 'kv-cache-dtype');
      assert.match(String(item?.insertText), /^kv-cache-dtype: \[auto/);
      const hovers = await ask<vscode.Hover[]>(
        'vscode.executeHoverProvider',
        uri,
        document.positionAt(document.getText().indexOf('warmupRequests')),
      );
      const text = hovers.flatMap(({ contents }) =>
        contents.map((one) => (one as vscode.MarkdownString).value),
      );
      assert.match(text.join(' '), /Requests sent before the measured ones/);
    });

    it('have values struck through that make cells that cannot fit, and fixes for them', async () => {
      const varied = `${plan}matrix:\n  gpu-memory-utilization: [0.02, 0.5]\n`;
      const uri = await writeFile(fileIn('other', 'unfit.sweep.yaml'), varied);
      const { document } = await show(uri);
      const [mark] = await diagnostics(uri, (found) => found.length === 1);
      assert.ok(mark);
      assert.equal(document.getText(mark.range), '0.02');
      assert.deepEqual(mark.tags, [vscode.DiagnosticTag.Deprecated]);
      assert.match(mark.message, /2 cells with this cannot fit: .*GiB.*Left out/);
      const titles = await lenses(uri, (found) => found.length > 0);
      assert.match(titles.join(' '), /2 of 4 cells are predicted not to fit, and are left out/);
      assert.match(titles.join(' '), /1 engine start for 2 cells/);
      const cells = await vscode.workspace.openTextDocument(
        vscode.Uri.from({ scheme: 'loadline-cells', path: '/unfit.cells.md', query: uri.toString() }),
      );
      assert.match(cells.getText(), /~~gpu-memory-utilization 0.02, concurrency 1~~ \| ✖ does not fit/);
      assert.match(
        cells.getText(),
        /vllm serve meta-llama\/Llama-3.2-1B-Instruct --gpu-memory-utilization 0.5/,
      );
      const actions = await ask<vscode.CodeAction[]>('vscode.executeCodeActionProvider', uri, mark.range);
      const fix = actions.find(({ title }) => title === 'Take this value out of the plan');
      assert.ok(fix?.edit, actions.map(({ title }) => title).join('; '));
      await vscode.workspace.applyEdit(fix.edit);
      await diagnostics(uri, (found) => found.length === 0);
      assert.match(document.getText(), /gpu-memory-utilization: \[0\.5\]/);
    });

    it('are begun from the deployment at the cursor', async () => {
      const serve =
        '# loadline: gpu=h200\nmodel: meta-llama/Llama-3.1-8B-Instruct\nmax-model-len: 8192\nport: 8000\n';
      await show(await writeFile(fileIn('other', 'mine.serve.yaml'), serve));
      const done = vscode.commands.executeCommand('loadline.newSweep');
      const written = fileIn('other', 'mine.chat.sweep.yaml');
      const opened = async (): Promise<vscode.TextDocument> => {
        for (;;) {
          const document = vscode.window.activeTextEditor?.document;
          if (document?.uri.toString() === written.toString()) return document;
          await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
          await new Promise((resolve) => setTimeout(resolve, 50));
        }
      };
      const document = await opened();
      await done;
      assert.match(document.getText(), /^name: mine-chat$/m);
      assert.match(document.getText(), /^gpu: h200-sxm-141gb$/m);
      assert.match(document.getText(), /^ {4}max-model-len: 8192$/m);
      assert.doesNotMatch(document.getText(), /8000/);
      const titles = await lenses(written, (found) => found.length > 0);
      assert.match(titles.join(' '), /Run on this-machine \(6 cells, ≈ .* GPU-h\)/);
      await diagnostics(written, (found) => found.length === 0);
    });

    it('that run are as they were when they were started, and what failed stands at its line', async () => {
      const running = plan
        .replace('name: small', 'name: frozen')
        .replace('[1, 2]', '1')
        .replace('requests: 4', 'requests: 30')
        .replace('output: 5', 'output: 20');
      const probing = `${running}predictedNotToFit: probe\nmatrix:\n  gpu-memory-utilization: [0.5, 0.02]\n`;
      const uri = await writeFile(fileIn('other', 'frozen.sweep.yaml'), probing);
      const { document } = await show(uri);
      await vscode.commands.executeCommand('loadline.rehearseSweep', uri);
      await show(uri);
      await lenses(uri, (titles) => titles.some((title) => title.includes('Runs on this-machine now')));
      const edit = new vscode.WorkspaceEdit();
      edit.insert(uri, new vscode.Position(0, 0), '# edited while it runs\n');
      await vscode.workspace.applyEdit(edit);
      await lenses(uri, (titles) => titles.some((title) => title.includes('as it was when it was started')));
      const failed = await diagnostics(uri, (found) =>
        found.some(({ code }) => code === 'sweep.cell-failed'),
      );
      const mark = failed.find(({ code }) => code === 'sweep.cell-failed');
      assert.ok(mark);
      assert.equal(document.getText(mark.range), '0.02');
      assert.match(mark.message, /^Simulated: /);
      await lenses(uri, (titles) => titles.every((title) => !title.includes('Runs on this-machine')));
      assert.match(await frozenPlan(), /^name: frozen/);
    });
  });
}

/** What the run kept of its plan. */
async function frozenPlan(): Promise<string> {
  const runs = fileIn('other', '.loadline/runs');
  const [run] = (await vscode.workspace.fs.readDirectory(runs)).filter(([name]) => name.includes('frozen'));
  const plan = vscode.Uri.joinPath(runs, run?.[0] ?? '', 'plan.yaml');
  return Buffer.from(await vscode.workspace.fs.readFile(plan)).toString();
}
