// `npm run bench`: figures of speed, as ratios and counts. Nothing here fails a test: clocks are noisy.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { ensurePrograms } from '../tools/setup.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
if (ensurePrograms(['python3', 'gcc']).length > 0) process.exit(1);
const build = spawnSync(process.execPath, ['esbuild.mjs', '--production'], { cwd: root, encoding: 'utf8' });
if (build.status !== 0) {
  console.error(`${build.stdout}${build.stderr}`);
  process.exit(1);
}
process.exit(
  spawnSync(process.execPath, ['dist/test/bench.js', ...process.argv.slice(2)], {
    cwd: root,
    stdio: 'inherit',
  }).status ?? 1,
);
