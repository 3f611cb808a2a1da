import type { Client } from 'ssh2';
import { type Prompter, RemoteError, type RemoteLog, useOpenssh } from './host.ts';
import { HostKeyCheck } from './hostKeyCheck.ts';
import { loadSsh2, type Ssh2 } from './loadSsh2.ts';
import { cancelled, closedEarly, openSocket, where } from './openSocket.ts';
import { Patience } from './patience.ts';
import { proxyCommandTransport } from './proxyCommand.ts';
import { Authentication } from './ssh2Auth.ts';
import { Ssh2Host } from './ssh2Host.ts';
import type { SshTarget } from './sshConfig.ts';
import type { SshRoute } from './sshRoute.ts';
import { socketTransport, type Transport } from './transport.ts';
import type { TrustStore } from './trustStore.ts';

const keepaliveIntervalMs = 15_000;

export interface SshOptions {
  readonly prompter: Prompter;
  readonly log: RemoteLog;
  readonly trustStore: TrustStore;
  readonly environment: NodeJS.ProcessEnv;
  /** For each step in which the host must answer, where its config does not say (ConnectTimeout); the time a person takes does not count. */
  readonly timeoutMs: number | null;
  readonly signal?: AbortSignal;
}

const defaultTimeoutMs = 15_000;

/** One connection that is let in, and what carries it. */
interface Connection {
  readonly client: Client;
  readonly transport: Transport;
}

/**
 * Connects to each host of the route through the one before it. At each one: connect, check the host key, be let in, in this
 * order. Throws RemoteError; nothing is left open then.
 */
export async function connectSsh(route: SshRoute, options: SshOptions): Promise<Ssh2Host> {
  const ssh2 = await loadSsh2();
  const name = route.at(-1)?.name ?? route[0].name;
  let connection: Connection | null = null;
  for (const target of route) {
    try {
      connection = await connectThrough(connection, target, ssh2, options);
    } catch (error) {
      if (target.name === name || !RemoteError.is(error)) throw error;
      throw new RemoteError(error.reason, name, `On the way to ${name}: ${error.message}`, {
        cause: error,
        remedy: error.remedy,
      });
    }
  }
  if (connection === null) throw new RangeError('a route has a host');
  return new Ssh2Host(name, connection.client, connection.transport);
}

async function connectThrough(
  hop: Connection | null,
  target: SshTarget,
  ssh2: Ssh2,
  options: SshOptions,
): Promise<Connection> {
  const { log, signal } = options;
  const timeoutMs = options.timeoutMs ?? target.connectTimeoutMs ?? defaultTimeoutMs;
  let transport: Transport | undefined;
  try {
    // Before anything is sent: a trust store that cannot be read ends it here.
    const check = await HostKeyCheck.prepare(target, options.trustStore, log);
    transport = hop
      ? await channelTransport(hop, target, timeoutMs, signal)
      : await directTransport(target, timeoutMs, options);
    log.info(`${target.name}: connected to ${target.hostname}:${target.port}`);
    const client = await shakeHands(target, ssh2, transport, check, timeoutMs, options);
    log.info(`${target.name}: ${target.user} is let in`);
    return { client, transport };
  } catch (error) {
    const complaint = transport?.complaint() ?? '';
    transport?.dispose();
    hop?.transport.dispose();
    if (complaint === '' || !RemoteError.is(error)) throw error;
    throw new RemoteError(error.reason, error.host, `${error.message}\n${complaint}`, {
      cause: error,
      remedy: error.remedy,
    });
  }
}

async function directTransport(
  target: SshTarget,
  timeoutMs: number,
  { environment, log, signal }: SshOptions,
): Promise<Transport> {
  if (target.proxy?.kind !== 'command') return socketTransport(await openSocket(target, timeoutMs, signal));
  if (target.proxy.passesSocket)
    throw new RemoteError(
      'config',
      target.name,
      `The SSH config has ProxyUseFdpass for ${target.name}, which Loadline's own SSH client cannot do. ${useOpenssh}`,
      { remedy: 'openssh-back-end' },
    );
  if (signal?.aborted) throw cancelled(target.name);
  return proxyCommandTransport(target.proxy.command, environment, (line) =>
    log.warn(`${target.name}: ProxyCommand: ${line}`),
  );
}

/** A channel of a jump host to the next one. Ending it ends the connection to the jump host too: it has no other use. */
function channelTransport(
  hop: Connection,
  target: SshTarget,
  timeoutMs: number,
  signal?: AbortSignal,
): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const finish = (action: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', abort);
      hop.client.removeListener('close', gone);
      action();
    };
    const fail = (error: RemoteError) => finish(() => reject(error));
    const abort = () => fail(cancelled(target.name));
    const gone = () =>
      fail(new RemoteError('lost', target.name, 'The connection to the jump host was lost.'));
    const timer = setTimeout(
      () =>
        fail(
          new RemoteError(
            'timeout',
            target.name,
            `The jump host cannot reach ${where(target)} (${timeoutMs / 1000} s).`,
          ),
        ),
      timeoutMs,
    );
    signal?.addEventListener('abort', abort);
    hop.client.once('close', gone);
    if (signal?.aborted) return abort();
    hop.client.forwardOut('127.0.0.1', 0, target.hostname, target.port, (error, channel) => {
      if (error) return fail(notForwarded(target, error));
      channel.on('error', () => {});
      // A channel does not end when the connection below it does.
      hop.client.once('close', () => channel.destroy());
      finish(() =>
        resolve({
          stream: channel,
          dispose: () => {
            channel.destroy();
            hop.client.end();
            hop.transport.dispose();
          },
          complaint: () => hop.transport.complaint(),
        }),
      );
    });
  });
}

/** RFC 4254, section 5.1: SSH_OPEN_ADMINISTRATIVELY_PROHIBITED. */
const prohibited = 1;

function notForwarded(target: SshTarget, error: Error & { readonly reason?: unknown }): RemoteError {
  const isForbidden = error.reason === prohibited;
  const message = isForbidden
    ? `The jump host passes no connections on to ${where(target)} (AllowTcpForwarding or PermitOpen of its SSH server).`
    : `The jump host cannot connect to ${where(target)}: ${error.message}. Check that the name is known there and the host is up.`;
  return new RemoteError('unreachable', target.name, message, { cause: error });
}

async function shakeHands(
  target: SshTarget,
  ssh2: Ssh2,
  { stream }: Transport,
  check: HostKeyCheck,
  timeoutMs: number,
  { prompter: impatient, log, signal }: SshOptions,
): Promise<Client> {
  const client = new ssh2.Client();
  let step: 'greeting' | 'key exchange' | 'authentication' = 'greeting';
  let fail: (error: RemoteError) => void = () => {};
  const patience = new Patience(timeoutMs, () => fail(silence(target, step, timeoutMs)));
  const prompter = patience.prompter(impatient);
  const abort = () => fail(cancelled(target.name));
  signal?.addEventListener('abort', abort);
  try {
    return await new Promise<Client>((resolve, reject) => {
      fail = reject;
      if (signal?.aborted) return abort();
      const authentication = new Authentication(target, ssh2, prompter, log, reject);
      client.on('error', (error: Error & { level?: string }) => {
        // A key that could not sign: the next one is tried.
        if (error.level === 'agent') log.warn(`${target.name}: ${error.message}`);
        else if (step === 'authentication') reject(authentication.failure(error.message));
        else reject(protocolError(target, error));
      });
      client.on('close', () =>
        reject(
          step === 'authentication'
            ? authentication.failure('it closed the connection')
            : protocolError(target, new Error('it closed the connection')),
        ),
      );
      client.once('handshake', () => {
        step = 'authentication';
      });
      client.once('ready', () => {
        client
          .removeAllListeners('error')
          .removeAllListeners('close')
          .on('error', () => {});
        resolve(client);
      });
      client.connect({
        sock: stream,
        username: target.user,
        readyTimeout: 0,
        keepaliveInterval: target.keepaliveIntervalMs ?? keepaliveIntervalMs,
        keepaliveCountMax: target.keepaliveCountMax,
        algorithms: { serverHostKey: check.algorithms },
        hostVerifier: hostVerifier(check, prompter, reject, () => {
          step = 'key exchange';
        }),
        authHandler: authentication.handler(),
      });
    });
  } catch (error) {
    // Late events of a connection that is given up must not become uncaught errors.
    client.removeAllListeners().on('error', () => {});
    client.destroy();
    throw error;
  } finally {
    patience.end();
    signal?.removeEventListener('abort', abort);
  }
}
/** Suspends the handshake until the key is decided about. At a rekey the host must show the key it showed first. */
function hostVerifier(
  check: HostKeyCheck,
  prompter: Prompter,
  reject: (error: unknown) => void,
  onKey: () => void,
) {
  let accepted: Buffer | undefined;
  return (key: Buffer, verify: (valid: boolean) => void): void => {
    if (accepted) {
      verify(accepted.equals(key));
      return;
    }
    onKey();
    check.decide(key, prompter).then(
      () => {
        accepted = Buffer.from(key);
        verify(true);
      },
      (error: unknown) => {
        // First the reason, then the end of the handshake that follows from it.
        reject(error);
        verify(false);
      },
    );
  };
}

function silence(target: SshTarget, step: string, timeoutMs: number): RemoteError {
  const what =
    step === 'greeting'
      ? 'took the connection but does not speak: either no SSH server is there, or it is overloaded'
      : `stopped answering during ${step}`;
  return new RemoteError('timeout', target.name, `${where(target)} ${what} (${timeoutMs / 1000} s).`);
}

function protocolError(target: SshTarget, error: Error): RemoteError {
  if (/lost before handshake/i.test(error.message))
    return new RemoteError('unreachable', target.name, closedEarly(target), { cause: error });
  const noMatch = /no matching (.+)$/i.exec(error.message)?.[1];
  const message = noMatch
    ? `${where(target)} and Loadline's SSH client have no ${noMatch} in common.`
    : `${where(target)} did not complete the SSH handshake: ${error.message}. Check that an SSH server listens there.`;
  return new RemoteError('unreachable', target.name, message, { cause: error });
}
