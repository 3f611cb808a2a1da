// `npm run package` makes the vsix; with --check it unpacks it and compares the file list and the size budget.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { name, version } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const file = `.cache/${name}-${version}.vsix`;
const maxBytes = 3_000_000;

/** Everything a vsix may hold. A file that matches none was not meant to be shipped. */
const shipped = [
  /^\[Content_Types\]\.xml$/,
  /^extension\.vsixmanifest$/,
  /^extension\/package(\.nls(\.\w+)?)?\.json$/,
  /^extension\/(readme|changelog|LICENSE)(\.md|\.txt)?$/i,
  /^extension\/dist\/(extension|foreign|server|cli|ssh2|yaml|zod|estimator|results|(hub|gguf)(Model|Library))\.js$/,
  /^extension\/dist\/(loadline-agent\.pyz|third-party-notices\.txt)$/,
  /^extension\/dist\/webview\/[\w-]+\.(js|css)$/,
  /^extension\/media\/[\w./-]+\.(svg|png|json|md)$/,
];
/** And what must be there for it to work. */
const required = [
  'extension/package.json',
  'extension/dist/extension.js',
  'extension/dist/server.js',
  'extension/dist/cli.js',
  'extension/dist/ssh2.js',
  'extension/dist/yaml.js',
  'extension/dist/zod.js',
  'extension/dist/estimator.js',
  'extension/dist/results.js',
  'extension/dist/hubModel.js',
  'extension/dist/hubLibrary.js',
  'extension/dist/foreign.js',
  'extension/dist/ggufModel.js',
  'extension/dist/ggufLibrary.js',
  'extension/dist/loadline-agent.pyz',
  'extension/dist/third-party-notices.txt',
  'extension/dist/webview/calculator.js',
  'extension/dist/webview/telemetry.js',
  'extension/dist/webview/sweep.js',
];

mkdirSync(`${root}.cache`, { recursive: true });
execFileSync(
  process.execPath,
  ['node_modules/@vscode/vsce/vsce', 'package', '--no-dependencies', '--out', file],
  { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
);

if (process.argv.includes('--check')) {
  const listing = execFileSync(
    'python3',
    [
      '-c',
      'import sys, zipfile\nz = zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\nprint("\\n".join(z.namelist()))',
      file,
    ],
    { cwd: root, encoding: 'utf8' },
  );
  const files = listing.trim().split('\n');
  const strays = files.filter((path) => !shipped.some((pattern) => pattern.test(path)));
  const absent = required.filter((path) => !files.includes(path));
  const bytes = statSync(`${root}${file}`).size;
  if (strays.length > 0) console.error(`Not meant to be shipped: ${strays.join(', ')}`);
  if (absent.length > 0) console.error(`Missing in the vsix: ${absent.join(', ')}`);
  if (bytes > maxBytes) console.error(`The vsix has ${bytes} bytes, over ${maxBytes}`);
  if (strays.length > 0 || absent.length > 0 || bytes > maxBytes) process.exit(1);
  console.log(`${files.length} files, ${(bytes / 1000).toFixed(0)} kB`);
}
