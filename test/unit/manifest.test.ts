/** The manifest says what the code does: commands, views, settings, strings and files, each the same on both sides. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { vllm } from '../../src/core/engine/vllm/vllm.ts';
import { planJsonSchema } from '../../src/core/sweep/planSchema.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const read = (file: string): string => readFileSync(join(root, file), 'utf8');
const manifestText = read('package.json');
const manifest = JSON.parse(manifestText);
const { contributes } = manifest;
const sources = (readdirSync(join(root, 'src/extension'), { recursive: true }) as string[])
  .filter((file) => file.endsWith('.ts'))
  .map((file) => read(join('src/extension', file)));
const code = sources.join('\n');
const found = (text: string, pattern: RegExp): string[] =>
  [...new Set([...text.matchAll(pattern)].map(([, name = '']) => name))].sort();

const commands: string[] = contributes.commands.map(({ command }: { command: string }) => command).sort();
const settings: Record<string, { scope: string; default: unknown; markdownDescription: string }> =
  Object.assign({}, ...contributes.configuration.map(({ properties }: { properties: object }) => properties));
const menuEntries: { command: string; when?: string }[] = Object.values(contributes.menus).flat() as never;
/** Every `when` and `enablement` of the manifest. */
const conditions = [
  ...menuEntries.map(({ when }) => when ?? ''),
  ...contributes.viewsWelcome.map(({ when }: { when?: string }) => when ?? ''),
  ...contributes.commands.map(({ enablement }: { enablement?: string }) => enablement ?? ''),
].join('\n');

describe('commands', () => {
  test('declared are those that the table registers', () => {
    expect(found(read('src/extension/commands.ts'), /^ {4}'(loadline\.\w+)':/gm)).toEqual(commands);
  });

  test('in menus, welcome texts and calls exist', () => {
    const named = [
      ...menuEntries.map(({ command }) => command),
      ...found(read('package.nls.json'), /command:(loadline\.\w+)/g),
      ...found(code, /executeCommand\(\s*'(loadline\.\w+)'/g),
      ...found(code, /command: '(loadline\.\w+)'/g),
      ...found(read('src/protocol/lsp.ts'), /Command = '(loadline\.\w+)'/g),
    ];
    expect(named.filter((command) => !commands.includes(command))).toEqual([]);
  });

  test('that connect or execute are off in an untrusted workspace', () => {
    const guarded = found(read('src/extension/commands.ts'), /^ {4}'(loadline\.\w+)': trusted\(/gm);
    expect(guarded.length).toBeGreaterThan(5);
    const enablement = Object.fromEntries(
      contributes.commands.map((each: { command: string; enablement?: string }) => [
        each.command,
        each.enablement,
      ]),
    );
    for (const command of guarded) expect(enablement[command], command).toBe('isWorkspaceTrusted');
  });

  test('all have a category, and a title of their own', () => {
    for (const { category, title } of contributes.commands) {
      expect(category).toBe('Loadline');
      expect(title).toMatch(/^%command\.\w+%$/);
    }
  });
});

describe('context keys', () => {
  test('asked for are those that the code sets', () => {
    const declared = found(read('src/extension/contextKeys.ts'), /'(loadline\.\w+)'/g);
    const views = contributes.views.loadline.map(({ id }: { id: string }) => id);
    expect(found(conditions, /(loadline\.\w+)/g).filter((key) => !views.includes(key))).toEqual(declared);
    expect(found(code, /setContext\(\s*'(loadline\.\w+)'/g)).toEqual(declared);
  });

  test('item contexts asked for are states that hosts and runs have', () => {
    const statesOf = (file: string, pattern: RegExp): string[] =>
      found(pattern.exec(read(file))?.[1] ?? '', /'(\w+)'/g);
    const given = {
      host: statesOf('src/extension/hosts/hostRegistry.ts', /type HostState =([^;]+);/),
      run: statesOf('src/core/sweep/run.ts', /outcome: ('running'[^;]+);/),
    };
    for (const [kind, states] of Object.entries(given)) {
      const asked = found(conditions, new RegExp(`\\^${kind}\\\\.\\(([\\w|]+)\\)`, 'g')).flatMap((each) =>
        each.split('|'),
      );
      expect(asked.length, kind).toBeGreaterThan(0);
      expect(states, kind).toEqual(expect.arrayContaining(asked));
    }
  });
});

describe('views and panels', () => {
  test('have a tree each, and the panels that come back activate the extension', () => {
    const views = contributes.views.loadline.map(({ id }: { id: string }) => id).sort();
    expect(found(code, /createTreeView\('(loadline\.\w+)'/g)).toEqual(views);
    const panels = found(code, /new PanelKeeper<[^>]+>\(\s*context,\s*'(\w+)'/g);
    const events = manifest.activationEvents.filter((event: string) => event.startsWith('onWebviewPanel:'));
    expect(events.sort()).toEqual(panels.map((panel) => `onWebviewPanel:loadline.${panel}`));
  });

  test('languages that start the server start the extension', () => {
    const source = read('src/extension/languages.ts');
    const languages = [...found(source, /^ {2}'(\w+)',$/gm), ...found(source, /language: '(\w+)'/g)].sort();
    expect(languages.length).toBeGreaterThan(3);
    const events = manifest.activationEvents.filter((event: string) => event.startsWith('onLanguage:'));
    expect(events.sort()).toEqual(languages.map((language) => `onLanguage:${language}`));
    // A name without a language of its own has to be looked for.
    const names = found(source, /\{ name: '([\w.]+)' \}/g);
    const sought = manifest.activationEvents.filter((event: string) =>
      event.startsWith('workspaceContains:**/'),
    );
    expect(sought).toEqual(names.map((name) => `workspaceContains:**/${name}`));
  });
});

describe('settings', () => {
  test('declared are those that the code reads', () => {
    const readInCode = found(read('src/extension/settings.ts'), /get<[^>]+>\('([\w.]+)'\)/g);
    expect(readInCode.map((name) => `loadline.${name}`)).toEqual(Object.keys(settings).sort());
  });

  test('about hosts, the agent and the hub are the machine’s and restricted; those about estimates the resource’s', () => {
    const machine = Object.keys(settings).filter((name) => /^loadline\.(hosts|agent\.|hub\.)/.test(name));
    for (const [name, { scope }] of Object.entries(settings))
      expect(scope, name).toBe(machine.includes(name) ? 'machine' : 'resource');
    expect([...manifest.capabilities.untrustedWorkspaces.restrictedConfigurations].sort()).toEqual(
      machine.sort(),
    );
  });

  test('say which version counts where none is named', () => {
    const { 'setting.engineVersion': words } = JSON.parse(read('package.nls.json'));
    expect(words).toContain(`Empty: \`${vllm.defaultVersion}\``);
    expect(read('docs/cli.md')).toContain(`vLLM ${vllm.defaultVersion} counts`);
  });

  test('have a default and a description, and none is called telemetry', () => {
    for (const [name, { default: value, markdownDescription }] of Object.entries(settings)) {
      expect(value, name).toBeDefined();
      expect(markdownDescription, name).toMatch(/^%setting\..+%$/);
      expect(name).not.toMatch(/telemetry/i);
    }
  });
});

describe('strings', () => {
  test('of the manifest are all in package.nls.json, and nothing else is', () => {
    const used = found(manifestText, /"%([\w.]+)%"/g);
    expect(used).toEqual(Object.keys(JSON.parse(read('package.nls.json'))).sort());
  });

  test('of the code are all in the bundle that translators get', () => {
    const literals = found(code, /l10n\.t\(\s*'((?:[^'\\]|\\.)*)'/g).map((text) =>
      text.replace(/\\(.)/g, (_, character: string) => (character === 'n' ? '\n' : character)),
    );
    const calls = code.match(/l10n\.t\(/g)?.length ?? 0;
    expect(code.match(/l10n\.t\(\s*'/g)?.length, 'every l10n.t has a literal').toBe(calls);
    const bundle: Record<string, string> = JSON.parse(read('media/l10n/bundle.l10n.json'));
    expect(Object.keys(bundle).sort()).toEqual([...new Set(literals)].sort());
    for (const [key, text] of Object.entries(bundle)) expect(text).toBe(key);
  });
});

describe('files', () => {
  test('that the manifest names are there', () => {
    const icons = [
      manifest.icon,
      ...contributes.viewsContainers.activitybar.map(({ icon }: { icon: string }) => icon),
    ];
    const schemas = contributes.yamlValidation.map(({ url }: { url: string }) => url);
    for (const file of [...icons, ...schemas, manifest.l10n])
      expect(existsSync(join(root, file)), file).toBe(true);
  });

  test('the icon is a PNG of at least 128 pixels each way', () => {
    const png = readFileSync(join(root, manifest.icon));
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBeGreaterThanOrEqual(128);
    expect(png.readUInt32BE(20)).toBe(png.readUInt32BE(16));
  });

  test('the schema of sweep plans is the one that the parser has', () => {
    const [{ url, fileMatch }] = contributes.yamlValidation;
    expect(fileMatch).toEqual(['*.sweep.yaml', '*.sweep.yml']);
    expect(JSON.parse(read(url))).toEqual(JSON.parse(JSON.stringify(planJsonSchema())));
  });
});
