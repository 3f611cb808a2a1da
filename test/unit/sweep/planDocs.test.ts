/** What is written of plans for people names all that a plan can have and all that can be said of one. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { knownKeys } from '../../../src/core/sweep/schemaNodes.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const read = (file: string) => readFileSync(join(root, file), 'utf8');
const quoted = (text: string, pattern: RegExp) =>
  new Set([...text.matchAll(pattern)].map(([, word = '']) => word));

describe('what is written of plans', () => {
  it('has each code of a plan in docs/diagnostics.md', () => {
    const code = ['src/core/sweep', 'src/protocol', 'src/text', 'src/extension/sweep', 'src/extension/runs']
      .flatMap((folder) => readdirSync(join(root, folder)).map((file) => join(folder, file)))
      .filter((file) => file.endsWith('.ts'))
      .map(read)
      .join('\n');
    const codes = quoted(code, /'((?:plan|host|sweep)\.[a-z]+-?[a-z-]*)'/g);
    codes.delete('plan.yaml');
    expect(codes.size).toBeGreaterThan(20);
    const explained = quoted(read('docs/diagnostics.md'), /`((?:plan|host|sweep)\.[a-z-]+)`/g);
    expect([...explained].toSorted()).toEqual([...codes].toSorted());
  });

  it('has each key of a plan in docs/cli.md', () => {
    const [, table = ''] = /## The plan\n([\s\S]*?)\n## /.exec(read('docs/cli.md')) ?? [];
    const keys = knownKeys([], {});
    expect(keys.length).toBeGreaterThan(15);
    expect(keys.filter((key) => !table.includes(`\`${key}\``) && !table.includes(`\`${key}.`))).toEqual([]);
  });
});
