import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** What carries the bytes of one SSH connection: a TCP socket, the pipes of a ProxyCommand, a channel of a jump host. */
export interface Transport {
  readonly stream: Duplex;
  /** Ends it at once and everything that was started for it. More than once does no harm. */
  dispose(): void;
  /** What the carrier itself had to say, for the message when the connection fails; mostly nothing. */
  complaint(): string;
}

export function socketTransport(socket: Socket): Transport {
  return { stream: socket, dispose: () => socket.destroy(), complaint: () => '' };
}
