// Writes src/core/engine/vllm/flags/table.ts from test/fixtures/vllm-flags/options.json: `node test/tools/vllmFlags.mjs`.
import { readFileSync, writeFileSync } from 'node:fs';

const root = new URL('../../', import.meta.url);
const { releases, options } = JSON.parse(
  readFileSync(new URL('test/fixtures/vllm-flags/options.json', root), 'utf8'),
);
const letters = { integer: 'i', number: 'n', string: 's', switch: 'b', json: 'j' };

const lines = Object.entries(options).map(([name, { kind, history }]) => {
  const steps = history.map(({ since, removed, default: value }) => {
    const release = releases.indexOf(since);
    if (removed) return `!${release}`;
    return value === null
      ? String(release)
      : `${release}=${JSON.stringify(value).replaceAll(' ', '\\u0020')}`;
  });
  return [name, letters[kind], ...steps].join(' ');
});
writeFileSync(
  new URL('src/core/engine/vllm/flags/table.ts', root),
  `// Made by test/tools/vllmFlags.mjs from test/fixtures/vllm-flags/options.json. Do not edit.

/**
 * One line an option: name, letter of its kind (b: switch), then \`release=default\` by place in RELEASES, or \`!release\` where it
 * went.
 */
export const FLAG_TABLE = \`
${lines.join('\n')}
\`;
`,
);
