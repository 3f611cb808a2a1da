/**
 * A real VS Code (its server build) on loopback, and a browser to open it in. The extension is loaded from the
 * repository by the same query parameter that VS Code's own integration tests use, into the node extension host.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { type Browser, type BrowserContext, chromium } from 'playwright-core';
import { fetchTools } from './fetchCodeServer.mjs';
import { processesOf } from './processesOf.ts';
import { programPath } from './setup.mjs';

export const repository = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** What would draw over the pictures, ask the network, or move while it is looked at. */
const quietSettings = {
  'chat.disableAIFeatures': true,
  'workbench.startupEditor': 'none',
  'workbench.tips.enabled': false,
  'workbench.enableExperiments': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'workbench.reduceMotion': 'on',
  'extensions.ignoreRecommendations': true,
  'extensions.autoCheckUpdates': false,
  'update.mode': 'none',
  'telemetry.telemetryLevel': 'off',
  'git.enabled': false,
  'npm.autoDetect': 'off',
  'window.commandCenter': false,
  'remote.autoForwardPorts': false,
  'editor.minimap.enabled': false,
  'editor.cursorBlinking': 'solid',
  'editor.accessibilitySupport': 'off',
};

export interface CodeServerOptions {
  readonly settings?: Readonly<Record<string, unknown>>;
  /** Workspace trust as users have it. Left out: every folder is trusted. */
  readonly workspaceTrust?: boolean;
  /** Further environment of the extension host. Its HOME is an empty folder: nothing of the user's is read. */
  readonly environment?: Readonly<Record<string, string>>;
}

export class CodeServer {
  private constructor(
    private readonly child: ChildProcess,
    private readonly data: string,
    private readonly port: number,
    private readonly log: readonly string[],
  ) {
    // A test runner that gives up must not leave it behind.
    process.once('exit', this.#killNow);
  }

  readonly #killNow = (): void => signalGroup(this.child, 'SIGKILL');

  static async start(options: CodeServerOptions = {}): Promise<CodeServer> {
    const { node, serverMain } = await fetchTools();
    const data = await mkdtemp(join(tmpdir(), 'loadline-editor-'));
    const home = join(data, 'home');
    await mkdir(home, { recursive: true });
    // A user's settings, and those of the machine that the extension host runs on: each has its own scopes.
    for (const scope of ['User', 'Machine']) {
      await mkdir(join(data, 'data', scope), { recursive: true });
      const settings = JSON.stringify({ ...quietSettings, ...options.settings });
      await writeFile(join(data, 'data', scope, 'settings.json'), settings);
    }
    const child = spawn(
      node,
      [
        serverMain,
        ...['--host', '127.0.0.1', '--port', '0', '--server-data-dir', data],
        ...['--without-connection-token', '--accept-server-license-terms', '--telemetry-level', 'off'],
        // A closed window must end its extension host, as on a desktop, and not wait hours for the window to return.
        ...['--reconnection-grace-time', '1', '--enable-smoke-test-driver'],
        ...(options.workspaceTrust ? [] : ['--disable-workspace-trust']),
      ],
      // A group of its own, so that what it starts ends with it.
      {
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
        env: { ...process.env, HOME: home, ...options.environment },
      },
    );
    const log: string[] = [];
    try {
      return new CodeServer(child, data, await listeningPort(child, log), log);
    } catch (error) {
      await end(child);
      await rm(data, { recursive: true, force: true });
      throw error;
    }
  }

  /** Address that opens `folder` (or a `.code-workspace`) with the extension, and runs `tests` in its host where given. */
  url(folder: string, tests?: string): string {
    const remote = (path: string): string => `vscode-remote://127.0.0.1:${this.port}${path}`;
    const payload = [
      ['extensionDevelopmentPath', remote(repository)],
      ['skipWelcome', 'true'],
      ...(tests === undefined ? [] : [['extensionTestsPath', remote(tests)]]),
    ];
    const query = new URLSearchParams({
      [folder.endsWith('.code-workspace') ? 'workspace' : 'folder']: folder,
      payload: JSON.stringify(payload),
    });
    return `http://127.0.0.1:${this.port}/?${query}`;
  }

  /** The server's own last lines, for a failure's message. */
  logTail(lines = 40): string {
    return this.log.slice(-lines).join('\n');
  }

  /** As a crash or an out-of-memory killer would: SIGKILL. Returns how many there were. */
  async killExtensionHosts(): Promise<number> {
    const running = await processesOf(join(this.data, 'home'));
    const hosts = running.filter(({ command }) => command.includes('--type=extensionHost'));
    for (const { pid } of hosts) process.kill(pid, 'SIGKILL');
    return hosts.length;
  }

  /** Files that the server and the extension host keep (settings, state, logs) in which a text stands. */
  async filesWith(text: string): Promise<readonly string[]> {
    const found: string[] = [];
    for (const entry of await readdir(this.data, { recursive: true, withFileTypes: true })) {
      const file = join(entry.parentPath, entry.name);
      if (entry.isFile() && (await readFile(file)).includes(text)) found.push(file);
    }
    return found;
  }

  async dispose(): Promise<void> {
    await end(this.child);
    process.removeListener('exit', this.#killNow);
    await rm(this.data, { recursive: true, force: true, maxRetries: 5 });
  }
}

/** Resolves as soon as the server says where it listens; rejects with its output where it ends before. */
function listeningPort(child: ChildProcess, log: string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    for (const stream of [child.stdout, child.stderr]) {
      if (!stream) continue;
      createInterface({ input: stream }).on('line', (line) => {
        log.push(line);
        const port = /Extension host agent listening on (\d+)/.exec(line)?.[1];
        if (port !== undefined) resolve(Number(port));
      });
    }
    child.on('error', reject);
    child.on('exit', (code) => reject(new Error(`The server ended with ${code}:\n${log.join('\n')}`)));
  });
}

/** Ends the whole group, by its id: politely, then not. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null && child.pid !== undefined) {
    const exited = once(child, 'exit');
    signalGroup(child, 'SIGTERM');
    const timer = setTimeout(() => signalGroup(child, 'SIGKILL'), 3000);
    await exited;
    clearTimeout(timer);
  }
  signalGroup(child, 'SIGKILL');
}

function signalGroup({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // The group is empty already.
  }
}

/** One browser for a file of tests. Nothing of it calls out. */
export function launchBrowser(): Promise<Browser> {
  const executablePath = programPath('chromium');
  return chromium.launch({
    ...(executablePath === undefined ? {} : { executablePath }),
    args: [
      ...['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run'],
      ...['--disable-background-networking', '--disable-component-update', '--disable-sync'],
    ],
  });
}

/** A browser profile: windows of the same one share what VS Code keeps in the browser. */
export async function newProfile(
  browser: Browser,
  colorScheme: 'dark' | 'light' = 'dark',
): Promise<BrowserContext> {
  const context = await browser.newContext({
    viewport: { width: 1600, height: 1000 },
    colorScheme,
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(60_000);
  return context;
}

/**
 * Runs `tests` (a module that exports `run()`) in the extension host of a new window.
 * Returns the exit status that VS Code gives, or null where it gave none in time, and what was written to the console.
 */
export async function runInExtensionHost(
  server: CodeServer,
  context: BrowserContext,
  folder: string,
  tests: string,
  timeoutMs: number,
): Promise<{ readonly code: number | null; readonly output: readonly string[] }> {
  const page = await context.newPage();
  const output: string[] = [];
  page.on('console', (message) => output.push(message.text()));
  let exit: (code: number | null) => void = () => {};
  const exited = new Promise<number | null>((resolve) => {
    exit = resolve;
  });
  // Before the page loads: VS Code calls them as soon as `run()` has settled.
  await page.exposeFunction('codeAutomationExit', (code: number) => exit(code));
  await page.exposeFunction('codeAutomationLog', () => undefined);
  const timer = setTimeout(() => exit(null), timeoutMs);
  await page.goto(server.url(folder, tests));
  const code = await exited;
  clearTimeout(timer);
  await page.close();
  return { code, output };
}
