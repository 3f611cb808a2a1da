// `npm run accuracy`: bundles writeAccuracy.ts beside the other caches and runs it.
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const outfile = join(root, '.cache', 'accuracy.mjs');
await build({
  absWorkingDir: root,
  entryPoints: ['test/tools/writeAccuracy.ts'],
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  outfile,
  logLevel: 'warning',
});
const { writeAccuracy } = await import(pathToFileURL(outfile).href);
await writeAccuracy(root);
