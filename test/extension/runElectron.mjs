// The suite of index.ts in a desktop VS Code, oldest supported and newest: `node test/extension/runElectron.mjs`. For machines
// with a display that may download VS Code; CI without either runs the same suite in the server build (suite.test.ts).
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runTests } from '@vscode/test-electron';

const root = fileURLToPath(new URL('../..', import.meta.url));
const oldest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).engines.vscode.replace('^', '');

for (const version of [oldest, 'stable']) {
  const work = mkdtempSync(join(tmpdir(), 'loadline-electron-'));
  cpSync(join(root, 'examples'), join(work, 'examples'), { recursive: true });
  mkdirSync(join(work, 'other'));
  const workspace = join(work, 'both.code-workspace');
  writeFileSync(workspace, JSON.stringify({ folders: [{ path: 'examples' }, { path: 'other' }] }));
  try {
    await runTests({
      version,
      extensionDevelopmentPath: root,
      extensionTestsPath: join(root, 'dist', 'test', 'extension.js'),
      launchArgs: [
        workspace,
        ...['--disable-extensions', '--skip-welcome', '--disable-gpu', '--disable-workspace-trust'],
        ...['--user-data-dir', join(work, 'user')],
      ],
    });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}
