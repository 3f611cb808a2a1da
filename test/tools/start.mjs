// `npm start`: VS Code on examples/ with the extension loaded: the desktop build where `code` is found, else the
// server build in a browser at a printed address. Ctrl-C ends it.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { fetchTools } from './fetchCodeServer.mjs';
import { ensurePrograms } from './setup.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');
const examples = join(root, 'examples');

if (ensurePrograms(['python3']).length > 0) process.exit(1);
const build = spawnSync(process.execPath, ['esbuild.mjs'], {
  cwd: root,
  stdio: ['ignore', 'ignore', 'inherit'],
});
if (build.status !== 0) process.exit(build.status ?? 1);

const desktop = spawnSync('code', ['--version'], { stdio: 'ignore' }).status === 0;
if (desktop) {
  spawnSync('code', ['--new-window', `--extensionDevelopmentPath=${root}`, examples], { stdio: 'inherit' });
} else {
  await serve();
}

async function serve() {
  const { node, serverMain } = await fetchTools();
  const data = mkdtempSync(join(tmpdir(), 'loadline-start-'));
  const server = spawn(
    node,
    [
      ...[serverMain, '--host', '127.0.0.1', '--port', '0', '--server-data-dir', data],
      // The flag is what lets a page load an extension from a folder; the port is bound to loopback only.
      ...['--without-connection-token', '--accept-server-license-terms', '--telemetry-level', 'off'],
      '--enable-smoke-test-driver',
    ],
    { stdio: ['ignore', 'pipe', 'ignore'] },
  );
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => server.kill('SIGTERM'));
  const exited = once(server, 'exit');
  const port = await Promise.race([listeningPort(server.stdout), exited.then(() => undefined)]);
  if (port === undefined) {
    console.error('The server build of VS Code did not start.');
    process.exitCode = 1;
    return;
  }
  const remote = `vscode-remote://127.0.0.1:${port}`;
  const payload = JSON.stringify([
    ['extensionDevelopmentPath', `${remote}${root}`],
    ['skipWelcome', 'true'],
  ]);
  console.log(
    `\nOpen in a browser on this machine:\n  http://127.0.0.1:${port}/?folder=${encodeURIComponent(examples)}&payload=${encodeURIComponent(payload)}\n\nCtrl-C ends it.`,
  );
  await exited;
  rmSync(data, { recursive: true, force: true });
}

/** The port that the server says it listens on; its other lines are read away. */
function listeningPort(output) {
  return new Promise((resolve) => {
    createInterface({ input: output }).on('line', (line) => {
      const port = /Extension host agent listening on (\d+)/.exec(line)?.[1];
      if (port !== undefined) resolve(port);
    });
  });
}
