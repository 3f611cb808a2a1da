import type { Client, ClientChannel } from 'ssh2';
import type { Channel, ChannelExit } from './channel.ts';
import type { Closing } from './closing.ts';
import { RemoteError } from './host.ts';
import { quoteCommand } from './quote.ts';
import { goodbyeMs, SshHost } from './sshHost.ts';
import type { Transport } from './transport.ts';

/** A host over one authenticated ssh2 connection; each command is a channel of it. Made by `connectSsh`. */
export class Ssh2Host extends SshHost {
  readonly #client: Client;
  readonly #transport: Transport;

  /** `transport` is ours to end: the client's `destroy` does nothing after `end`, however long the peer says nothing. */
  constructor(name: string, client: Client, transport: Transport) {
    super(name);
    this.#client = client;
    this.#transport = transport;
    let cause: Error | undefined;
    client.on('error', (error) => {
      cause = error;
    });
    client.once('close', () => {
      transport.dispose();
      const reason = cause === undefined ? 'it was closed from there' : cause.message;
      const lost = new RemoteError('lost', name, `The connection to ${name} was lost: ${reason}.`, { cause });
      this.closing.end(this.disposed ? null : lost);
    });
  }

  async dispose(): Promise<void> {
    if (this.closing.ended) return;
    this.disposed = true;
    await new Promise<void>((resolve) => {
      const giveUp = setTimeout(() => this.#transport.dispose(), goodbyeMs);
      this.closing.listen(() => {
        clearTimeout(giveUp);
        resolve();
      });
      this.#client.end();
    });
  }

  protected start(argv: readonly string[]): Promise<Channel> {
    const command = quoteCommand(argv);
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        const ended = this.closing.ended;
        if (ended || /not connected|no response from server/i.test(error.message))
          reject(
            new RemoteError('lost', this.name, `There is no connection to ${this.name} any more.`, {
              cause: error,
            }),
          );
        else
          reject(
            new RemoteError(
              'unreachable',
              this.name,
              `${this.name} did not start another command: ${error.message}. Its SSH server may limit sessions (MaxSessions).`,
              { cause: error },
            ),
          );
      };
      if (this.closing.ended) return fail(new Error('not connected'));
      try {
        this.#client.exec(command, (error, channel) => {
          if (error) fail(error);
          else resolve(asChannel(channel, this.closing));
        });
      } catch (error) {
        fail(error instanceof Error ? error : new Error(String(error)));
      }
    });
  }
}

function asChannel(channel: ClientChannel, closing: Closing): Channel {
  const exit = new Promise<ChannelExit>((resolve) => {
    channel.once('exit', (exitCode: number | null) => resolve({ exitCode, lost: false }));
    // The connection's end first: it closes the channel too, and then nobody knows how the command ended.
    const listening = closing.listen((error) => resolve({ exitCode: null, lost: error !== null }));
    channel.once('close', () => {
      listening.dispose();
      resolve({ exitCode: null, lost: false });
    });
  });
  channel.on('error', () => {});
  return {
    stdin: channel,
    stdout: channel,
    stderr: channel.stderr,
    exit,
    kill: () => {
      try {
        // sshd passes signals on where it runs with privilege separation (not for root); elsewhere the command sees the
        // end of its streams.
        channel.signal('KILL');
        channel.close();
        channel.resume();
      } catch {
        // Closed already, or the connection is gone.
      }
    },
  };
}
