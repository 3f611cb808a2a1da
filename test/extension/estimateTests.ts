import { strict as assert } from 'node:assert';
import * as vscode from 'vscode';
import { ask, diagnostics, fileIn, lenses, show, writeFile } from './support.ts';

const tooLong = [
  '#!/bin/sh',
  '# loadline: gpu=rtx-4090-24gb engine=0.26.0',
  'vllm serve meta-llama/Llama-3.1-8B-Instruct \\',
  '  --max-model-len 131072',
  '',
];
const withoutGpu = 'vllm serve meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192\n';

/** The first quick fix at a diagnostic, applied as an editor does. */
async function applyFirstFix(document: vscode.TextDocument, { range }: vscode.Diagnostic): Promise<string> {
  const actions = await ask<vscode.CodeAction[]>(
    'vscode.executeCodeActionProvider',
    document.uri,
    range,
    vscode.CodeActionKind.QuickFix.value,
  );
  const [first] = actions.filter(({ edit }) => edit);
  assert.ok(first?.edit, 'there is a quick fix');
  await vscode.workspace.applyEdit(first.edit);
  return first.title;
}

export function estimateTests(): void {
  describe('estimates in the editor', () => {
    it('mark the flag to change, say the verdict in a lens, and follow a quick fix', async () => {
      const uri = await writeFile(fileIn('other', 'too-long.sh'), tooLong.join('\n'));
      const { document } = await show(uri);
      const [mark] = await diagnostics(uri, (found) => found.length === 1);
      assert.ok(mark);
      assert.match(document.getText(mark.range), /^(--max-model-len )?131072$|^--max-model-len/);
      assert.equal(mark.severity, vscode.DiagnosticSeverity.Error);
      await lenses(uri, (titles) => titles.some((title) => title.includes('does not fit RTX 4090')));

      const title = await applyFirstFix(document, mark);
      assert.match(title, /max-model-len/);
      await diagnostics(uri, (found) =>
        found.every(({ severity }) => severity !== vscode.DiagnosticSeverity.Error),
      );
      await lenses(uri, (titles) => titles.some((each) => /\b(fits|tight)\b/.test(each)));
      assert.doesNotMatch(document.getText(), /131072/);
    });

    it('keep the line ends of a file with CRLF', async () => {
      const uri = await writeFile(fileIn('other', 'windows.sh'), tooLong.join('\r\n'));
      const { document } = await show(uri);
      const [mark] = await diagnostics(uri, (found) => found.length === 1);
      assert.ok(mark);
      assert.equal(mark.range.start.line, 3);
      await applyFirstFix(document, mark);
      assert.equal(document.eol, vscode.EndOfLine.CRLF);
      assert.doesNotMatch(document.getText(), /[^\r]\n/);
    });

    it('set flags that the calculator applies, also those that are not written yet', async () => {
      const uri = await writeFile(fileIn('other', 'apply.sh'), tooLong.join('\n'));
      const { document } = await show(uri);
      await diagnostics(uri, (found) => found.length === 1);
      const changes = [
        { flag: 'max-model-len', to: 8192 },
        { flag: 'gpu-memory-utilization', to: 0.95 },
      ];
      assert.equal(
        await vscode.commands.executeCommand('loadline.applyFix', uri.toString(), 0, changes),
        true,
      );
      assert.match(document.getText(), /--max-model-len 8192/);
      assert.match(document.getText(), /--gpu-memory-utilization 0\.95/);
      await lenses(uri, (titles) => titles.some((title) => /\b(fits|tight)\b.* 8,192 tokens/.test(title)));
    });

    it('take the GPU from the settings of the folder that the file is in', async () => {
      const setting = (name: string) =>
        vscode.workspace
          .getConfiguration('loadline', fileIn(name, '.'))
          .update.bind(vscode.workspace.getConfiguration('loadline', fileIn(name, '.')));
      await setting('examples')('gpu', 'h200', vscode.ConfigurationTarget.WorkspaceFolder);
      await setting('other')('gpu', 'l4', vscode.ConfigurationTarget.WorkspaceFolder);
      const first = await writeFile(fileIn('examples', 'same.sh'), withoutGpu);
      const second = await writeFile(fileIn('other', 'same.sh'), withoutGpu);
      await show(first);
      await lenses(first, (titles) => titles.some((title) => title.includes('H200')));
      await show(second);
      await lenses(second, (titles) => titles.some((title) => title.includes('L4')));
      // A setting that changes is seen at once.
      await setting('other')('gpu', 'h200', vscode.ConfigurationTarget.WorkspaceFolder);
      await lenses(second, (titles) => titles.some((title) => title.includes('H200')));
    });

    it('work on a document that was never saved', async () => {
      const content = `# loadline: gpu=h200\n${withoutGpu}`;
      const document = await vscode.workspace.openTextDocument({ language: 'shellscript', content });
      await lenses(document.uri, (titles) => titles.some((title) => title.includes('fits H200')));
    });

    it('say nothing of a file that is none of theirs', async () => {
      const uri = await writeFile(fileIn('other', 'values.yaml'), 'replicas: 3\nimage: nginx\n');
      await show(uri);
      const marked = await writeFile(fileIn('other', 'marked.sh'), tooLong.join('\n'));
      await show(marked);
      await diagnostics(marked, (found) => found.length === 1);
      assert.deepEqual(await diagnostics(uri, () => true), []);
      assert.deepEqual(await lenses(uri, () => true), []);
    });
  });
}
