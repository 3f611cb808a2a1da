/** No file imports itself by way of others, types included: each can be read with what stands below it alone. */
import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));

it('has no circle of imports', () => {
  const files = ['src', 'webview'].flatMap((folder) =>
    readdirSync(root + folder, { encoding: 'utf8', recursive: true })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => posix.join(folder, file)),
  );
  expect(files.length).toBeGreaterThan(500);
  const imports = new Map(files.map((file) => [file, importsOf(file)]));
  expect([...imports.values()].flat().length, 'imports that were found').toBeGreaterThan(2000);
  // What imports nothing that is left cannot be in a circle: it is taken out, until nothing more can be.
  for (let before = -1; before !== imports.size; ) {
    before = imports.size;
    for (const [file, imported] of imports)
      if (!imported.some((one) => imports.has(one))) imports.delete(file);
  }
  const left = [...imports].map(
    ([file, imported]) => `${file} -> ${imported.filter((one) => imports.has(one))}`,
  );
  expect(left).toEqual([]);
});

/** Files of ours that a file imports, at its head or when they are needed. */
function importsOf(file: string): string[] {
  const named = readFileSync(root + file, 'utf8').matchAll(
    /^(?:import|export|\}) .*from '(\..+)';$|import\('(\..+)'\)/gm,
  );
  return [...named].map(([, head, needed]) => posix.join(posix.dirname(file), head ?? needed ?? ''));
}
