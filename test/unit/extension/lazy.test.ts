import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../..', import.meta.url));

/** Everything that is evaluated when the extension is loaded: what is reached from its entry without `await import()`. */
async function loadedAtStart(): Promise<readonly string[]> {
  const { metafile } = await esbuild.build({
    absWorkingDir: root,
    entryPoints: ['src/extension/main.ts'],
    bundle: true,
    write: false,
    metafile: true,
    outfile: 'extension.js',
    platform: 'node',
    format: 'cjs',
    external: ['vscode', '*.node', 'cpu-features'],
  });
  const reached = new Set<string>();
  const waiting = ['src/extension/main.ts'];
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    for (const { path, kind, external } of metafile.inputs[file]?.imports ?? [])
      if (kind !== 'dynamic-import' && !external) waiting.push(path);
  }
  return [...reached];
}

test('activation evaluates no package, nothing of SSH, and none of the language client', async () => {
  const files = await loadedAtStart();
  expect(files).toContain('src/extension/commands.ts');
  expect(files.filter((file) => file.includes('node_modules/'))).toEqual([]);
  expect(files.filter((file) => file.startsWith('src/remote/'))).toEqual([]);
  expect(files).not.toContain('src/extension/client.ts');
});
