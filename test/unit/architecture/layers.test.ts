/** The map of the README, held by what esbuild really bundled: a rule nobody can switch off in a comment. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

interface Metafile {
  readonly production: boolean;
  readonly inputs: Readonly<
    Record<string, { readonly imports: readonly { readonly path: string; readonly original?: string }[] }>
  >;
  readonly outputs: Readonly<
    Record<
      string,
      {
        readonly bytes: number;
        readonly inputs: Readonly<Record<string, unknown>>;
        readonly imports: readonly { readonly path: string; readonly kind: string }[];
        readonly entryPoint?: string;
      }
    >
  >;
}

const metafile = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../../.cache/metafile.json', import.meta.url)), 'utf8'),
) as Metafile;

/** What each layer may import besides itself. Arrows point to core. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  'src/core': [],
  'src/text': ['src/core'],
  'src/protocol': ['src/core'],
  'src/storage': ['src/core', 'src/protocol'],
  'src/server': ['src/core', 'src/text', 'src/protocol', 'src/storage'],
  'src/remote': ['src/core', 'src/protocol', 'src/storage'],
  'src/extension': ['src/core', 'src/text', 'src/protocol', 'src/storage', 'src/remote'],
  'src/cli': ['src/core', 'src/text', 'src/protocol', 'src/storage', 'src/remote'],
  webview: ['src/core', 'src/protocol'],
};

/** Packages that only one place may import; the rest may use whatever its bundle allows. */
const packageHomes: readonly { readonly name: RegExp; readonly home: RegExp }[] = [
  { name: /^vscode$/, home: /^src\/extension\// },
  { name: /^vscode-languageclient/, home: /^src\/extension\// },
  { name: /^vscode-languageserver/, home: /^src\/server\// },
  // `./ssh2.js` is what esbuild.mjs makes of it in the shipped bundles.
  { name: /^(\.\/)?ssh2(\.js)?$/, home: /^src\/remote\// },
  { name: /^chart\.js/, home: /^webview\/common\/chart\.ts$/ },
  // In the shipped bundles, what stands between is a bundle of its own: `./hubModel.js`, `./hubLibrary.js`.
  { name: /^@huggingface\//, home: /^src\/storage\/checkpoint\/(hub|gguf)Library\.ts$/ },
  { name: /^\.\/(checkpoint\/)?(hub|gguf)(Model|Library)\.(ts|js)$/, home: /^src\/storage\// },
  { name: /^yaml$/, home: /^src\/text\// },
  { name: /^(\.\/)?zod(\.js|\/|$)/, home: /^src\/(protocol\/|remote\/|core\/sweep\/(plan|load)Schema\.ts)/ },
];

/** Node and its packages stay out of the pure layers. */
const pureLayers = ['src/core', 'src/text', 'src/protocol', 'webview'];

const ours = Object.entries(metafile.inputs).filter(([file]) => /^(src|webview)\//.test(file));
const layerOf = (file: string) => Object.keys(mayImport).find((layer) => file.startsWith(`${layer}/`));
const isOurs = (path: string) => /^(src|webview|test)\//.test(path);

describe('layers', () => {
  it('sees the whole product', () => {
    expect(new Set(ours.map(([file]) => layerOf(file)))).toEqual(new Set(Object.keys(mayImport)));
  });

  it('lets arrows point only to core', () => {
    const crossed = ours.flatMap(([file, { imports }]) => {
      const from = layerOf(file) ?? '';
      return imports
        .map(({ path }) => path)
        .filter(isOurs)
        .filter((path) => layerOf(path) !== from && !mayImport[from]?.includes(layerOf(path) ?? ''))
        .map((path) => `${file} -> ${path}`);
    });
    expect(crossed).toEqual([]);
  });

  it('keeps each package in its one place', () => {
    const strays = ours.flatMap(([file, { imports }]) =>
      imports.flatMap(({ original, path }) => {
        const name = original ?? path;
        const rule = packageHomes.find((candidate) => candidate.name.test(name));
        return rule && !rule.home.test(file) ? [`${file} -> ${name}`] : [];
      }),
    );
    expect(strays).toEqual([]);
  });

  it('keeps node out of the pure layers', () => {
    const strays = ours
      .filter(([file]) => pureLayers.includes(layerOf(file) ?? ''))
      .flatMap(([file, { imports }]) =>
        imports.filter(({ path }) => path.startsWith('node:')).map(({ path }) => `${file} -> ${path}`),
      );
    expect(strays).toEqual([]);
  });
});

describe('size budgets, minified', () => {
  const budgets: readonly (readonly [RegExp, number])[] = [
    [/^dist\/extension\.js$/, 950_000],
    [/^dist\/server\.js$/, 450_000],
    [/^dist\/webview\/.*\.js$/, 250_000],
  ];
  it.each(budgets)('%s', (pattern, bytes) => {
    expect(metafile.production, 'build with --production first').toBe(true);
    const outputs = Object.entries(metafile.outputs).filter(([file]) => pattern.test(file));
    expect(outputs.length).toBeGreaterThan(0);
    for (const [file, output] of outputs) expect(output.bytes, file).toBeLessThanOrEqual(bytes);
  });

  it.each(['calculator', 'telemetry', 'sweep'])(
    'loads no more than that for the first paint of the %s, besides chart.js',
    (panel) => {
      const loaded = new Set<string>();
      const load = (file: string): void => {
        if (loaded.has(file)) return;
        loaded.add(file);
        for (const { path, kind } of metafile.outputs[file]?.imports ?? [])
          if (kind === 'import-statement') load(path);
      };
      load(`dist/webview/${panel}.js`);
      const own = [...loaded].filter(
        (file) =>
          !Object.keys(metafile.outputs[file]?.inputs ?? {}).some((input) =>
            input.includes('node_modules/chart.js/'),
          ),
      );
      const total = own.reduce((sum, file) => sum + (metafile.outputs[file]?.bytes ?? 0), 0);
      expect(total).toBeGreaterThan(0);
      expect(total, own.join(', ')).toBeLessThanOrEqual(250_000);
    },
  );

  it('puts chart.js in one chunk that the panels share', () => {
    const holding = Object.entries(metafile.outputs).filter(([, output]) =>
      Object.keys(output.inputs).some((input) => input.includes('node_modules/chart.js/')),
    );
    expect(holding.map(([file]) => file)).toEqual([expect.stringMatching(/^dist\/webview\/chunk-/)]);
  });
});
