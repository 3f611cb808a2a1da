import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { homedir } from 'node:os';
import { PassThrough, Readable } from 'node:stream';
import { asProcess, type Channel, type ChannelExit, collect } from './channel.ts';
import { Closing } from './closing.ts';
import {
  type ExecOptions,
  type ExecResult,
  RemoteError,
  type RemoteHost,
  type RemoteProcess,
} from './host.ts';

export const thisMachine = 'this-machine';

/** What shells say of a command that is not there, and of one that is no program. */
const notFound = { exitCode: 127, message: 'not found' };
const notExecutable = { exitCode: 126, message: 'permission denied' };

/**
 * The machine that Loadline runs on, as a host: commands are started without a shell, in the home folder as over SSH, each
 * in a process group of its own. What is still running when it is disposed is killed; a detached agent run is not a child any more.
 */
export class ThisMachineHost implements RemoteHost {
  readonly name = thisMachine;
  readonly kind = 'this-machine';
  readonly #running = new Set<Channel>();
  readonly #closing = new Closing();
  /** From the beginning of its end: what is running is waited for before the end is told. */
  #disposed = false;

  async exec(argv: readonly string[], options: ExecOptions = {}): Promise<ExecResult> {
    return collect(await this.#start(argv), this.name, options);
  }

  async spawn(
    argv: readonly string[],
    options: { readonly signal?: AbortSignal } = {},
  ): Promise<RemoteProcess> {
    return asProcess(await this.#start(argv), this.name, options.signal);
  }

  onDidClose(listener: (error: RemoteError | null) => void): { dispose(): void } {
    return this.#closing.listen(listener);
  }

  async dispose(): Promise<void> {
    this.#disposed = true;
    const running = [...this.#running];
    for (const channel of running) channel.kill();
    await Promise.all(running.map((channel) => channel.exit));
    this.#closing.end(null);
  }

  #start(argv: readonly string[]): Promise<Channel> {
    const [command, ...words] = argv;
    if (command === undefined) throw new RangeError('A command needs at least one word.');
    if (this.#disposed)
      throw new RemoteError('lost', this.name, 'This connection to this machine was closed.');
    const child = spawn(command, words, {
      cwd: homedir(),
      env: environmentForCommands(),
      detached: true,
      stdio: 'pipe',
    });
    return new Promise((resolve, reject) => {
      child.once('error', (error: NodeJS.ErrnoException) => {
        if (error.code === 'ENOENT' || error.code === 'EACCES') resolve(notStarted(command, error.code));
        else
          reject(
            new RemoteError('agent', this.name, `Cannot start ${command}: ${error.message}`, {
              cause: error,
            }),
          );
      });
      child.once('spawn', () => {
        const channel = asChannel(child);
        this.#running.add(channel);
        channel.exit.finally(() => this.#running.delete(channel));
        // Disposed of while it was being started: nobody else would end it.
        if (this.#disposed) channel.kill();
        resolve(channel);
      });
    });
  }
}

function asChannel(child: ChildProcessWithoutNullStreams): Channel {
  const exit = new Promise<ChannelExit>((resolve) =>
    child.once('exit', (exitCode) => resolve({ exitCode, lost: false })),
  );
  return {
    stdin: child.stdin,
    stdout: child.stdout,
    stderr: child.stderr,
    exit,
    kill: () => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // Nothing of the group is left.
      }
    },
  };
}

/** EACCES for a bare name only says that a folder of PATH is closed to us. */
function notStarted(command: string, code: string): Channel {
  const { exitCode, message } = code === 'EACCES' && command.includes('/') ? notExecutable : notFound;
  return {
    stdin: new PassThrough().resume(),
    stdout: Readable.from([]),
    stderr: Readable.from([Buffer.from(`${command}: ${message}\n`)]),
    exit: Promise.resolve({ exitCode, lost: false }),
    kill: () => {},
  };
}

/** What an editor sets for its own processes would change how a command behaves. */
function environmentForCommands(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(
      ([name]) => !/^(ELECTRON_|VSCODE_)/.test(name) && name !== 'NODE_OPTIONS',
    ),
  );
}
