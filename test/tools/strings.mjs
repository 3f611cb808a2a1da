// Writes media/l10n/bundle.l10n.json, what translators start from, out of the l10n.t calls of the extension:
// `node test/tools/strings.mjs`. test/unit/manifest.test.ts says when it is due.
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const sources = readdirSync(`${root}src/extension`, { recursive: true })
  .filter((file) => file.endsWith('.ts'))
  .map((file) => readFileSync(`${root}src/extension/${file}`, 'utf8'));
const texts = sources.flatMap((source) =>
  [...source.matchAll(/l10n\.t\(\s*'((?:[^'\\]|\\.)*)'/g)].map(([, text]) =>
    text.replace(/\\(.)/g, (_, character) => (character === 'n' ? '\n' : character)),
  ),
);
const bundle = Object.fromEntries([...new Set(texts)].sort().map((text) => [text, text]));
mkdirSync(`${root}media/l10n`, { recursive: true });
writeFileSync(`${root}media/l10n/bundle.l10n.json`, `${JSON.stringify(bundle, null, 2)}\n`);
