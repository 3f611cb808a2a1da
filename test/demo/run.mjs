// `npm run demo`: set-up, build, then the demo. No GPU, no network.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensurePrograms } from '../tools/setup.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const missing = ensurePrograms(['python3', 'sshd', 'ssh']);
if (missing.includes('python3')) process.exit(1);
const build = spawnSync(process.execPath, ['esbuild.mjs'], { cwd: root, encoding: 'utf8' });
if (build.status !== 0) {
  console.error(`${build.stdout}${build.stderr}`);
  process.exit(1);
}
process.exit(
  spawnSync(process.execPath, ['dist/test/demo.js', ...(missing.length > 0 ? ['--without-ssh'] : [])], {
    cwd: root,
    stdio: 'inherit',
  }).status ?? 1,
);
