import { strict as assert } from 'node:assert';
import { copyFile, cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as vscode from 'vscode';
import { recordedRun, recordedRunsFolder } from '../tools/recordedRuns.ts';
import { extensionId, fileIn, lenses, show, writeFile } from './support.ts';

const script = 'vllm serve meta-llama/Llama-3.1-8B-Instruct --max-model-len 8192\n';

/** Runs a command that asks with a list, and takes what stands ready in it: asked for until the list is there. */
async function accepting(command: string, ...words: readonly unknown[]): Promise<void> {
  let isRunning = true;
  const ended = Promise.resolve(vscode.commands.executeCommand(command, ...words)).then(() => {
    isRunning = false;
  });
  while (isRunning) {
    await vscode.commands.executeCommand('workbench.action.acceptSelectedQuickOpenItem');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  await ended;
}

export function targetTests(): void {
  describe('the target of a deployment', () => {
    it('is chosen for the workspace where nothing else says it', async () => {
      const uri = await writeFile(fileIn('other', 'target.sh'), script);
      const settings = () => vscode.workspace.getConfiguration('loadline', uri);
      await settings().update('gpu', 'l4', vscode.ConfigurationTarget.WorkspaceFolder);
      await show(uri);
      await lenses(uri, (titles) => titles.some((title) => title.includes('L4')));
      // The present one stands ready to be taken.
      await accepting('loadline.chooseGpu', uri.toString(), 0);
      assert.equal(settings().inspect<string>('gpu')?.workspaceFolderValue, 'l4-24gb');
    });

    it('is written into the comment where one says it', async () => {
      const uri = await writeFile(fileIn('other', 'comment.sh'), `# loadline: gpu=l4 x2\n${script}`);
      const { document } = await show(uri);
      await lenses(uri, (titles) => titles.some((title) => title.includes('2 × L4')));
      await accepting('loadline.chooseGpu', uri.toString(), 0);
      assert.match(document.getText(), /^# loadline: gpu=l4-24gb x2\n/);
    });
  });

  describe('a start-up log', () => {
    it('calibrates the deployment under the cursor, and is undone', async () => {
      const uri = await writeFile(
        fileIn('other', 'logged.sh'),
        // What the log ran with; of another deployment nothing is learned.
        `# loadline: gpu=h200 engine=0.26.0\n${script.trimEnd()} --max-num-batched-tokens 16384\n`,
      );
      const root = vscode.extensions.getExtension(extensionId)?.extensionUri.fsPath ?? '';
      const log = fileIn('other', 'start.log');
      await copyFile(join(root, 'test/fixtures/logs/vllm-0.26-h200-llama31-8b.log'), log.fsPath);
      await show(uri);
      const [plain] = await lenses(uri, (titles) => titles.some((title) => title.includes('fits H200')));
      void vscode.commands.executeCommand('loadline.readLog', log);
      await lenses(uri, (titles) => titles.some((title) => title.endsWith(' · measured')));
      const kept = await vscode.workspace.fs.readFile(fileIn('other', '.loadline/calibration.json'));
      assert.match(Buffer.from(kept).toString(), /"source": "start\.log:\d+"/);
      await vscode.commands.executeCommand('loadline.undoCalibration');
      await lenses(uri, (titles) => titles.length === 1 && titles[0] === plain);
    });
  });

  describe('a run that measured', () => {
    it('calibrates the deployments of its workspace, and is undone', async () => {
      const root = vscode.extensions.getExtension(extensionId)?.extensionUri.fsPath ?? '';
      const fixtures = join(root, 'test/fixtures');
      const recorded = await recordedRun(fixtures, 'chat');
      const directory = fileIn('other', `.loadline/runs/${recorded.run}`).fsPath;
      await cp(join(fixtures, recordedRunsFolder, 'chat'), directory, { recursive: true });
      // The model was a folder of the machine that it ran on.
      const plan = fileIn('other', `.loadline/runs/${recorded.run}/plan.yaml`);
      await writeFile(plan, (await readFile(plan.fsPath, 'utf8')).replace('/tmp/m', 'llama-1b'));
      await vscode.workspace.fs.createDirectory(fileIn('other', 'llama-1b'));
      const config = fileIn('other', 'llama-1b/config.json').fsPath;
      await copyFile(join(fixtures, 'vllm-0.26-h200/models/llama-3.2-1b.json'), config);
      await writeFile(vscode.Uri.file(join(directory, 'results.json')), JSON.stringify(recorded));
      const uri = await writeFile(
        fileIn('other', 'measured.sh'),
        '# loadline: gpu=h100-sxm-80gb engine=0.26.0\nvllm serve llama-1b --max-model-len 4096 --max-num-seqs 64\n',
      );
      await show(uri);
      const [plain] = await lenses(uri, (titles) => titles.some((title) => title.includes('fits H100')));
      // The view finds the run a moment after its results were written.
      while (!(await vscode.commands.executeCommand('loadline.calibrateByRun', recorded.run)))
        await new Promise((resolve) => setTimeout(resolve, 50));
      await lenses(uri, (titles) => titles.some((title) => title.endsWith(' · measured')));
      const kept = await vscode.workspace.fs.readFile(fileIn('other', '.loadline/calibration.json'));
      assert.match(Buffer.from(kept).toString(), /"speed": \[\s*\{\s*"batch": 1,/);
      await vscode.commands.executeCommand('loadline.undoCalibration');
      await lenses(uri, (titles) => titles.length === 1 && titles[0] === plain);
      await vscode.commands.executeCommand('loadline.deleteRun', recorded.run);
    });
  });

  describe('completion and hints', () => {
    it('come beside those of the editor', async () => {
      const text = `# loadline: gpu=h200\nmodel: meta-llama/Llama-3.1-8B-Instruct\nmax-model-len: 8192\nkv-\n`;
      const uri = await writeFile(fileIn('other', 'complete.yaml'), text);
      await show(uri);
      const list = await vscode.commands.executeCommand<vscode.CompletionList>(
        'vscode.executeCompletionItemProvider',
        uri,
        new vscode.Position(3, 3),
      );
      const label = (item: vscode.CompletionItem) =>
        typeof item.label === 'string' ? item.label : item.label.label;
      const item = list.items.find((each) => label(each) === 'kv-cache-dtype');
      assert.ok(item && typeof item.label !== 'string');
      assert.match(item.label.description ?? '', /^KV .* tokens/);
    });
  });
}
