import { strict as assert } from 'node:assert';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { promisify } from 'node:util';
import { installCli } from '../../src/extension/cliOnPath.ts';
import { contextForTest, fileIn } from './support.ts';

const run = promisify(execFile);

export function commandLineTests(): void {
  describe('the command line', () => {
    it('is on the PATH that terminals get, and runs with the Node.js of the editor', async () => {
      const storage = await mkdtemp(join(tmpdir(), "loadline's storage-"));
      try {
        const context = contextForTest(storage);
        await installCli(context);
        const added = context.variables.get('PATH') ?? '';
        assert.ok(added.endsWith(delimiter));
        const environment = { ...process.env, PATH: `${added}/usr/bin:/bin` };
        const file = fileIn('examples', 'llama-3.1-8b.serve.yaml').fsPath;
        const { stdout } = await run('loadline', ['fit', '--json', file], { env: environment });
        assert.equal(JSON.parse(stdout).deployments[0].verdict.outcome, 'fits');
      } finally {
        await rm(storage, { recursive: true, force: true });
      }
    });
  });
}
