import { type ChildProcessWithoutNullStreams, execFile, spawn } from 'node:child_process';
import { rm } from 'node:fs/promises';
import type { Channel, ChannelExit } from './channel.ts';
import { endGroup } from './endGroup.ts';
import { RemoteError } from './host.ts';
import { quoteCommand } from './quote.ts';
import { goodbyeMs, SshHost } from './sshHost.ts';

/** ssh's exit status for its own errors, and for a command that a signal ended. */
const sshFailed = 255;

/** The ssh process that holds the connection. */
export interface Master {
  readonly child: ChildProcessWithoutNullStreams;
  /** Private to this connection; removed with it. */
  readonly folder: string;
  readonly controlPath: string;
  readonly host: string;
  /** The end of what it wrote to stderr. */
  said(): string;
  dispose(): void;
}

/**
 * A host over one connection of the ssh program; each command is an ssh process that uses the master's connection and never
 * makes one of its own. Made by `connectOpenssh`. A command that itself exits with 255 cannot be told from one that a signal
 * ended: its exit code is null.
 */
export class OpensshHost extends SshHost {
  readonly #master: Master;

  constructor(name: string, master: Master) {
    super(name);
    this.#master = master;
    const { child } = master;
    const over = () => {
      const said = master.said().split('\n').at(-1) ?? '';
      const lost = new RemoteError(
        'lost',
        name,
        `The connection to ${name} was lost${said === '' ? '' : `: ${said}`}.`,
      );
      master.dispose();
      void endGroup(child)
        .then(() => rm(master.folder, { recursive: true, force: true }))
        .catch(() => {})
        .then(() => this.closing.end(this.disposed ? null : lost));
    };
    if (child.exitCode !== null || child.signalCode !== null) over();
    else child.once('exit', over);
  }

  async dispose(): Promise<void> {
    if (this.closing.ended) return;
    this.disposed = true;
    const closed = new Promise<void>((resolve) => this.closing.listen(() => resolve()));
    const giveUp = setTimeout(() => void endGroup(this.#master.child), goodbyeMs);
    await this.#control('exit');
    await closed;
    clearTimeout(giveUp);
  }

  protected async start(argv: readonly string[]): Promise<Channel> {
    const command = quoteCommand(argv);
    if (this.closing.ended)
      throw new RemoteError('lost', this.name, `There is no connection to ${this.name} any more.`);
    const child = spawn('ssh', [...this.#arguments(), '-T', '--', this.#master.host, command], {
      stdio: 'pipe',
      detached: true,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', (error) =>
        reject(
          new RemoteError('agent', this.name, `ssh cannot be started: ${error.message}`, { cause: error }),
        ),
      );
    });
    let said = '';
    child.stderr.on('data', (data: Buffer) => {
      if (said.length < 4000) said += data.toString('utf8');
    });
    const exit = new Promise<ChannelExit>((resolve) => {
      child.once('exit', (code) => {
        if (code !== sshFailed) resolve({ exitCode: code, lost: false });
        else void this.#whyFailed(said).then(resolve);
      });
    });
    return {
      stdin: child.stdin,
      stdout: child.stdout,
      stderr: child.stderr,
      exit,
      kill: () => {
        child.kill('SIGKILL');
        child.stdout.destroy();
        child.stderr.destroy();
      },
    };
  }

  async #whyFailed(said: string): Promise<ChannelExit> {
    if (/mux_client\w*: .*(session request failed|refused|master refused)/i.test(said)) {
      const error = new RemoteError(
        'unreachable',
        this.name,
        `${this.name} did not start another command. Its SSH server may limit sessions (MaxSessions).`,
      );
      return { exitCode: null, lost: false, error };
    }
    const isThere = !this.closing.ended && (await this.#control('check'));
    return { exitCode: null, lost: !isThere && !this.disposed };
  }

  /** True where the master did as it was told. */
  #control(command: 'check' | 'exit'): Promise<boolean> {
    const argv = [...this.#arguments(), '-O', command, '--', this.#master.host];
    return new Promise((resolve) => {
      execFile('ssh', argv, { timeout: goodbyeMs }, (error) => resolve(error === null));
    });
  }

  /** Without the master there is no connection: none is made in its place, and nothing is asked. */
  #arguments(): readonly string[] {
    return [
      ...['-F', 'none', '-S', this.#master.controlPath, '-o', 'ControlMaster=no'],
      ...['-o', 'ProxyCommand=exit 1', '-o', 'BatchMode=yes', '-o', 'LogLevel=ERROR'],
    ];
  }
}
