// Writes media/schemas from the schemas in the source: `node test/tools/schemas.mjs`. A test says when it is due.
import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { outputFiles } = await build({
  absWorkingDir: root,
  entryPoints: ['src/core/sweep/planSchema.ts'],
  bundle: true,
  format: 'esm',
  platform: 'node',
  write: false,
});
const module = await import(
  `data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`
);
mkdirSync(`${root}media/schemas`, { recursive: true });
const schema = `${JSON.stringify(module.planJsonSchema(), null, 2)}\n`;
writeFileSync(`${root}media/schemas/sweep.schema.json`, schema);
