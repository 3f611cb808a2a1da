import type { Socket } from 'node:net';
import { type Prompter, RemoteError, type RemoteLog } from './host.ts';
import { HostKeyCheck } from './hostKeyCheck.ts';
import { loadSsh2, type Ssh2 } from './loadSsh2.ts';
import { cancelled, openSocket, where } from './openSocket.ts';
import { Patience } from './patience.ts';
import { Authentication } from './ssh2Auth.ts';
import { Ssh2Host } from './ssh2Host.ts';
import type { SshTarget } from './sshConfig.ts';
import type { TrustStore } from './trustStore.ts';

const keepaliveIntervalMs = 15_000;
const keepaliveCountMax = 3;

export interface SshOptions {
  readonly prompter: Prompter;
  readonly log: RemoteLog;
  readonly trustStore: TrustStore;
  /** For each step in which the host must answer; the time a person takes does not count. */
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

/** Connects, checks the host key, is let in, in this order. Throws RemoteError; no socket is left open then. */
export async function connectSsh(target: SshTarget, options: SshOptions): Promise<Ssh2Host> {
  const { log, signal, timeoutMs } = options;
  const check = await HostKeyCheck.prepare(target, options.trustStore, log);
  const ssh2 = await loadSsh2();
  const socket = await openSocket(target, timeoutMs, signal);
  log.info(`${target.name}: connected to ${target.hostname}:${target.port}`);
  try {
    const host = await shakeHands(target, ssh2, socket, check, options);
    log.info(`${target.name}: ${target.user} is let in`);
    return host;
  } catch (error) {
    socket.destroy();
    throw error;
  }
}

async function shakeHands(
  target: SshTarget,
  ssh2: Ssh2,
  socket: Socket,
  check: HostKeyCheck,
  { prompter: impatient, log, timeoutMs, signal }: SshOptions,
): Promise<Ssh2Host> {
  const client = new ssh2.Client();
  let step: 'greeting' | 'key exchange' | 'authentication' = 'greeting';
  let fail: (error: RemoteError) => void = () => {};
  const patience = new Patience(timeoutMs, () => fail(silence(target, step, timeoutMs)));
  const prompter = patience.prompter(impatient);
  const abort = () => fail(cancelled(target.name));
  signal?.addEventListener('abort', abort);
  try {
    return await new Promise<Ssh2Host>((resolve, reject) => {
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
        client.removeAllListeners('error').removeAllListeners('close');
        resolve(new Ssh2Host(target.name, client, socket));
      });
      client.connect({
        sock: socket,
        username: target.user,
        readyTimeout: 0,
        keepaliveInterval: keepaliveIntervalMs,
        keepaliveCountMax,
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
  const noMatch = /no matching (.+)$/i.exec(error.message)?.[1];
  const message = noMatch
    ? `${where(target)} and Loadline's SSH client have no ${noMatch} in common.`
    : `${where(target)} did not complete the SSH handshake: ${error.message}. Check that an SSH server listens there.`;
  return new RemoteError('unreachable', target.name, message, { cause: error });
}
