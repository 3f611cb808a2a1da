// Builds everything that runs: `node esbuild.mjs [--production] [--watch]`. Types are checked by `tsc -b`.
// Writes .cache/metafile.json, which test/unit/architecture reads to hold the layers and the size budgets.
import { execFileSync } from 'node:child_process';
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as esbuild from 'esbuild';

const root = fileURLToPath(new URL('.', import.meta.url));
const production = process.argv.includes('--production');
const watch = process.argv.includes('--watch');

/** ssh2 has optional native parts in try/catch; without them it uses node:crypto. */
const withoutNativeAddons = {
  name: 'without-native-addons',
  setup(build) {
    build.onResolve({ filter: /(^cpu-features$|\.node$)/ }, ({ path }) => ({ path, namespace: 'no-native' }));
    build.onLoad({ filter: /.*/, namespace: 'no-native' }, () => ({
      contents: "throw new Error('native addon not bundled')",
    }));
  },
};

/** One copy of ssh2 beside the bundles that load it on first use, instead of one in each. */
const sharedSsh2 = {
  name: 'shared-ssh2',
  setup(build) {
    build.onResolve({ filter: /^ssh2$/ }, () => ({ path: './ssh2.js', external: true }));
  },
};

/** One copy of yaml, a fifth of the server, beside the three programs that read it. */
const sharedYaml = {
  name: 'shared-yaml',
  setup(build) {
    build.onResolve({ filter: /^yaml$/ }, () => ({ path: './yaml.js', external: true }));
  },
};

/** One copy of what we call of zod, a tenth of the extension, beside the bundles that check with it. */
const sharedZod = {
  name: 'shared-zod',
  setup(build) {
    build.onResolve({ filter: /^zod$/ }, () => ({ path: './zod.js', external: true }));
  },
};

/** The functions by which our sources call it: the rest of it, classes that are types to us among it, is left out. */
async function calledOfZod() {
  const called = new Set();
  for (const file of await readdir(`${root}src`, { recursive: true })) {
    if (!file.endsWith('.ts')) continue;
    const text = await readFile(`${root}src/${file}`, 'utf8');
    if (!/from 'zod'/.test(text)) continue;
    for (const [, name] of text.matchAll(/\bz\s*\.\s*(\w+)\(/g)) called.add(name);
  }
  return Object.keys(await import('zod')).filter((name) => called.has(name));
}

/** What the programs call of the estimator: one copy of what stands behind these, in dist/estimator.js. */
const estimatorParts = [
  'model/parse',
  'model/known',
  'device/catalogue',
  'device/instances',
  'engine/engines',
  'estimate/estimate',
];

/** One copy of families, GPUs, engines and the estimate beside the bundles that ask for them. */
const sharedEstimator = {
  name: 'shared-estimator',
  setup(build) {
    build.onResolve({ filter: new RegExp(`/(${estimatorParts.join('|')})\\.ts$`) }, () => ({
      path: './estimator.js',
      external: true,
    }));
  },
};

/** What the extension and the terminal call of a run's results and reports: one copy, in dist/results.js. */
const resultsParts = [
  'results',
  'evidence',
  'compare',
  'reportCompare',
  'reportCsv',
  'reportHtml',
  'reportMarkdown',
];

const sharedResults = {
  name: 'shared-results',
  setup(build) {
    build.onResolve({ filter: new RegExp(`/sweep/(${resultsParts.join('|')})\\.ts$`) }, () => ({
      path: './results.js',
      external: true,
    }));
  },
};

/**
 * What reads GGUF files, results of other tools, and asks the hub, and the libraries that it reads with, beside the bundles that load them
 * on first use: esbuild splits no CommonJS.
 */
const heavyReaders = {
  name: 'heavy-readers',
  setup(build) {
    build.onResolve({ filter: /\/((hub|gguf)(Model|Library)|foreign\/foreign)\.ts$/ }, ({ path, kind }) =>
      kind === 'dynamic-import'
        ? { path: path.replace(/^.*\/(\w+)\.ts$/, './$1.js'), external: true }
        : undefined,
    );
  },
};

const common = {
  absWorkingDir: root,
  bundle: true,
  metafile: true,
  minify: production,
  sourcemap: production ? false : 'linked',
  sourcesContent: false,
  logLevel: 'warning',
  plugins: [withoutNativeAddons],
  // Its ES modules, which it keeps for browsers alone: what nothing calls is then left out, 17 kB of each bundle.
  alias: { yaml: `${root}node_modules/yaml/browser/dist/index.js` },
};
const node = { ...common, platform: 'node', format: 'cjs', target: 'node20' };

const withSharedSsh2 = {
  plugins: [
    withoutNativeAddons,
    sharedSsh2,
    sharedYaml,
    sharedZod,
    sharedEstimator,
    sharedResults,
    heavyReaders,
  ],
};

const bundles = [
  { ...node, entryPoints: { ssh2: 'node_modules/ssh2/lib/index.js' }, outdir: 'dist' },
  { ...node, entryPoints: { yaml: 'node_modules/yaml/browser/dist/index.js' }, outdir: 'dist' },
  {
    ...node,
    stdin: {
      contents: `export { ${(await calledOfZod()).join(', ')} } from 'zod';`,
      resolveDir: root,
      sourcefile: 'zod.ts',
    },
    outfile: 'dist/zod.js',
  },
  {
    ...node,
    stdin: {
      contents: estimatorParts.map((part) => `export * from './${part}.ts';`).join('\n'),
      resolveDir: 'src/core',
      sourcefile: 'estimator.ts',
    },
    outfile: 'dist/estimator.js',
  },
  {
    ...node,
    plugins: [withoutNativeAddons, sharedEstimator],
    stdin: {
      contents: resultsParts.map((part) => `export * from './${part}.ts';`).join('\n'),
      resolveDir: 'src/core/sweep',
      sourcefile: 'resultsBundle.ts',
    },
    outfile: 'dist/results.js',
  },
  {
    ...node,
    plugins: [withoutNativeAddons, sharedEstimator, heavyReaders],
    entryPoints: [
      ...['hubModel', 'hubLibrary', 'ggufModel', 'ggufLibrary'].map((out) => ({
        in: `src/storage/checkpoint/${out}.ts`,
        out,
      })),
      { in: 'src/core/foreign/foreign.ts', out: 'foreign' },
    ],
    outdir: 'dist',
  },
  {
    ...node,
    ...withSharedSsh2,
    entryPoints: { extension: 'src/extension/main.ts' },
    outdir: 'dist',
    external: ['vscode'],
  },
  {
    ...node,
    plugins: [withoutNativeAddons, sharedYaml, sharedZod, sharedEstimator, heavyReaders],
    entryPoints: { server: 'src/server/main.ts' },
    outdir: 'dist',
  },
  {
    ...node,
    ...withSharedSsh2,
    entryPoints: { cli: 'src/cli/main.ts' },
    outdir: 'dist',
    banner: { js: '#!/usr/bin/env node' },
  },
  {
    ...common,
    platform: 'browser',
    format: 'esm',
    target: 'es2022',
    splitting: true,
    entryPoints: ['calculator', 'telemetry', 'sweep'].flatMap((panel) => [
      { in: `webview/${panel}/main.ts`, out: panel },
      { in: `webview/${panel}/${panel}.css`, out: panel },
    ]),
    outdir: 'dist/webview',
    chunkNames: 'chunk-[hash]',
  },
  // Not shipped (.vscodeignore): what the tests, the demo and the bench start.
  {
    ...node,
    minify: false,
    entryPoints: { extension: 'test/extension/index.ts' },
    outdir: 'dist/test',
    external: ['vscode', 'mocha'],
  },
  {
    ...node,
    minify: false,
    entryPoints: { demo: 'test/demo/main.ts', bench: 'test/bench/main.ts' },
    outdir: 'dist/test',
    external: ['esbuild', 'playwright-core'],
  },
  {
    ...node,
    minify: false,
    format: 'esm',
    entryPoints: {
      telemetryBench: 'test/bench/telemetryPanel.ts',
      sweepBench: 'test/bench/sweepPanel.ts',
    },
    outdir: 'dist/test',
    outExtension: { '.js': '.mjs' },
    external: ['esbuild', 'playwright-core', 'ssh2'],
  },
];

const agentArchive = 'dist/loadline-agent.pyz';

function buildAgent() {
  execFileSync('python3', ['src/agent/build.py', agentArchive], { cwd: root, stdio: 'inherit' });
}

/** Chunks carry hashes in their names: those of earlier builds go, while nothing is missing in between. */
async function removeStale(outputs) {
  const unbundled = [agentArchive, noticesFile];
  for (const file of await readdir(`${root}dist`, { recursive: true, withFileTypes: true })) {
    const path = `${file.parentPath}/${file.name}`.slice(root.length);
    if (file.isFile() && !(path in outputs) && !unbundled.includes(path)) await rm(`${root}${path}`);
  }
}

const noticesFile = 'dist/third-party-notices.txt';

/** The licences of what is bundled into what is shipped: their terms ask for it. */
async function writeNotices(outputs) {
  const shipped = Object.entries(outputs).filter(([file]) => !file.startsWith('dist/test/'));
  const folders = new Set(
    shipped
      .flatMap(([, { inputs }]) => Object.keys(inputs))
      .map((input) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0])
      .filter((folder) => folder !== undefined),
  );
  const notices = await Promise.all(
    [...folders].sort().map(async (folder) => {
      const manifest = JSON.parse(await readFile(`${root}${folder}/package.json`, 'utf8'));
      const license = manifest.license ?? manifest.licenses?.[0]?.type;
      const file = (await readdir(`${root}${folder}`)).find((entry) => /^licen[cs]e/i.test(entry));
      const text = file ? await readFile(`${root}${folder}/${file}`, 'utf8') : '';
      return `${manifest.name} ${manifest.version} (${license})\n\n${text.trim()}\n`;
    }),
  );
  await writeFile(`${root}${noticesFile}`, notices.join(`\n${'-'.repeat(80)}\n\n`));
}

async function build() {
  await mkdir(`${root}.cache`, { recursive: true });
  await mkdir(`${root}dist`, { recursive: true });
  const results = await Promise.all(bundles.map(esbuild.build));
  const outputs = Object.assign({}, ...results.map((result) => result.metafile.outputs));
  const inputs = Object.assign({}, ...results.map((result) => result.metafile.inputs));
  await writeFile(`${root}.cache/metafile.json`, JSON.stringify({ production, inputs, outputs }));
  await chmod(`${root}dist/cli.js`, 0o755);
  buildAgent();
  await writeNotices(outputs);
  await removeStale(outputs);
  for (const [file, { bytes }] of Object.entries(outputs))
    if (!file.endsWith('.map')) console.log(`${(bytes / 1000).toFixed(1).padStart(8)} kB  ${file}`);
}

async function watchAll() {
  const reporter = {
    name: 'watch-reporter',
    setup(build) {
      build.onStart(() => console.log('[watch] build started'));
      build.onEnd(({ errors }) => {
        for (const { text, location } of errors)
          console.error(
            `✘ [ERROR] ${text}\n    ${location?.file ?? '?'}:${location?.line ?? 0}:${location?.column ?? 0}:`,
          );
        console.log('[watch] build finished');
      });
    },
  };
  buildAgent();
  for (const bundle of bundles) {
    const context = await esbuild.context({ ...bundle, plugins: [...bundle.plugins, reporter] });
    await context.watch();
  }
}

try {
  await (watch ? watchAll() : build());
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
