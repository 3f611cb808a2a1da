/** The command line as it is installed: bundled, with the agent beside it, run as a process of its own. */
import { execFileSync, spawn } from 'node:child_process';
import { copyFileSync, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { temporaryFolder } from '../tools/temporaryFolder.ts';

export const root = fileURLToPath(new URL('../..', import.meta.url));

export interface Finished {
  readonly exitCode: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCli {
  readonly finished: Promise<Finished>;
  /** Resolves when stderr holds the text; rejects when the process ends without it. */
  said(text: string): Promise<void>;
  interrupt(): void;
  /** By force: it has no last word. */
  kill(): void;
}

export class BuiltCli {
  /** Working folder of the commands, and workspace. */
  readonly folder = temporaryFolder('cli');
  /** HOME and cache of the commands and of what they start on this machine. */
  readonly home = join(this.folder, 'home');
  /** Path of the bundle. */
  readonly program = join(this.folder, 'dist', 'cli.js');

  static async build(): Promise<BuiltCli> {
    const cli = new BuiltCli();
    mkdirSync(cli.home, { recursive: true });
    await build({
      absWorkingDir: root,
      entryPoints: ['src/cli/main.ts'],
      bundle: true,
      platform: 'node',
      format: 'cjs',
      target: 'node20',
      outfile: cli.program,
      // Optional native parts of ssh2, which it does without.
      external: ['cpu-features', '*.node'],
      logLevel: 'warning',
    });
    execFileSync('python3', ['src/agent/build.py', join(cli.folder, 'dist', 'loadline-agent.pyz')], {
      cwd: root,
    });
    copyFileSync(join(root, 'package.json'), join(cli.folder, 'package.json'));
    return cli;
  }

  start(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): RunningCli {
    const child = spawn(process.execPath, [this.program, ...argv], {
      cwd: this.folder,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, HOME: this.home, XDG_CACHE_HOME: join(this.home, '.cache'), ...environment },
    });
    let [stdout, stderr] = ['', ''];
    child.stdout.on('data', (chunk) => {
      stdout += String(chunk);
    });
    const finished = new Promise<Finished>((resolve) =>
      child.once('close', (exitCode) => resolve({ exitCode, stdout, stderr })),
    );
    const waiting: { readonly text: string; readonly resolve: () => void }[] = [];
    child.stderr.on('data', (chunk) => {
      stderr += String(chunk);
      for (const { text, resolve } of waiting) if (stderr.includes(text)) resolve();
    });
    return {
      finished,
      said: (text) =>
        new Promise((resolve, reject) => {
          if (stderr.includes(text)) return resolve();
          waiting.push({ text, resolve });
          finished.then((end) => reject(new Error(`it ended without saying "${text}": ${end.stderr}`)));
        }),
      interrupt: () => child.kill('SIGINT'),
      kill: () => child.kill('SIGKILL'),
    };
  }

  run(argv: readonly string[], environment: Readonly<Record<string, string>> = {}): Promise<Finished> {
    return this.start(argv, environment).finished;
  }
}
