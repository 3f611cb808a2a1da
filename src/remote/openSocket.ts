import { connect, type Socket } from 'node:net';
import { RemoteError } from './host.ts';
import type { SshTarget } from './sshConfig.ts';

/** A TCP connection to the target. RemoteError `unreachable` (refused, no such name, no route), `timeout` or `cancelled`. */
export function openSocket(target: SshTarget, timeoutMs: number, signal?: AbortSignal): Promise<Socket> {
  const { name, hostname, port } = target;
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(cancelled(name));
    const socket = connect({ host: hostname, port });
    socket.setNoDelay(true);
    const finish = (action: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      socket.removeAllListeners('error');
      action();
    };
    const fail = (error: RemoteError) =>
      finish(() => {
        socket.on('error', () => {});
        socket.destroy();
        reject(error);
      });
    const abort = () => fail(cancelled(name));
    const timer = setTimeout(
      () =>
        fail(
          new RemoteError(
            'timeout',
            name,
            `${where(target)} does not answer (${timeoutMs / 1000} s). Check that the host is up and that no firewall is in between.`,
          ),
        ),
      timeoutMs,
    );
    signal?.addEventListener('abort', abort);
    socket.once('error', (error: NodeJS.ErrnoException) =>
      fail(new RemoteError('unreachable', name, networkReason(target, error), { cause: error })),
    );
    socket.once('connect', () => finish(() => resolve(socket)));
    function networkReason({ hostname: host }: SshTarget, error: NodeJS.ErrnoException): string {
      switch (error.code) {
        case 'ENOTFOUND':
        case 'EAI_AGAIN':
          return `There is no host named ${host}${host === name ? '' : ` (for ${name})`}. Check the name, the SSH config and the network.`;
        case 'ECONNREFUSED':
          return `${where(target)} refused the connection: no SSH server listens on port ${port}. Check host and port.`;
        case 'EHOSTUNREACH':
        case 'ENETUNREACH':
          return `There is no way to ${where(target)}. Check the network (VPN?).`;
        default:
          return `Cannot connect to ${where(target)}: ${error.message}`;
      }
    }
  });
}

/** The host as the user calls it, and where that is. */
export function where({ name, hostname, port }: SshTarget): string {
  const place = `${hostname}:${port}`;
  return name === hostname || name.endsWith(place) ? place : `${name} (${place})`;
}

export function cancelled(name: string): RemoteError {
  return new RemoteError('cancelled', name, `Connecting to ${name} was cancelled.`);
}

/** What a server that lets nobody in for now looks like from here. */
export function closedEarly(target: SshTarget): string {
  return (
    `${where(target)} took the connection and closed it before a handshake: its SSH server may have too many to let in at once ` +
    '(MaxStartups) or refuse this machine. Check that an SSH server listens there.'
  );
}
