import { connectOpenssh } from './connectOpenssh.ts';
import { connectSsh } from './connectSsh.ts';
import { type Prompter, RemoteError, type RemoteHost, type RemoteLog } from './host.ts';
import { redactingLog } from './redact.ts';
import { resolveRoute } from './sshRoute.ts';
import { ThisMachineHost, thisMachine } from './thisMachineHost.ts';
import { defaultTrustStoreFile, TrustStore } from './trustStore.ts';

/** `ssh2` runs in this process; `openssh` is the ssh program, for keys that ssh2 cannot use. */
export type SshBackend = 'ssh2' | 'openssh';

export interface ConnectOptions {
  readonly prompter: Prompter;
  readonly log: RemoteLog;
  /** Where host keys accepted in Loadline are kept. Left out: the user's state folder. */
  readonly trustStoreFile?: string;
  /** In place of ~/.ssh/config; also by the environment variable LOADLINE_SSH_CONFIG. */
  readonly configFile?: string;
  /** For each step in which the host must answer. Left out: ConnectTimeout of the config, else 15 s. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Left out: that of the environment variable LOADLINE_SSH_BACKEND, else `ssh2`. */
  readonly backend?: SshBackend;
}

/**
 * The host of a name: `this-machine`, an alias of the SSH config, or `user@host:port`. The caller disposes it. Throws
 * RemoteError with the reason and what to do.
 */
export async function connect(name: string, options: ConnectOptions): Promise<RemoteHost> {
  if (name === thisMachine) return connectThisMachine();
  const environment = process.env;
  const { signal } = options;
  const configFile = options.configFile ?? environment['LOADLINE_SSH_CONFIG'];
  const route = await resolveRoute(name, {
    environment,
    ...(configFile ? { configFile } : {}),
    ...(signal ? { signal } : {}),
  });
  const sshOptions = {
    prompter: options.prompter,
    log: redactingLog(options.log),
    trustStore: new TrustStore(options.trustStoreFile ?? defaultTrustStoreFile(environment)),
    environment,
    timeoutMs: options.timeoutMs ?? null,
    ...(signal ? { signal } : {}),
    ...(configFile ? { configFile } : {}),
  };
  const backend = options.backend ?? environment['LOADLINE_SSH_BACKEND'];
  return backend === 'openssh' ? connectOpenssh(route, sshOptions) : connectSsh(route, sshOptions);
}

function connectThisMachine(): RemoteHost {
  if (process.platform === 'win32')
    throw new RemoteError(
      'config',
      thisMachine,
      'The agent runs on Linux. On Windows, use a host over SSH, or open the folder in WSL and use this-machine there.',
    );
  return new ThisMachineHost();
}
