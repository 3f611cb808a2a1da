/**
 * A real OpenSSH server on a free loopback port, with keys, config and home of its own in a temporary folder; torn down by
 * `stop`. For tests and the demo: nothing of the user's ~/.ssh is read or written. Linux (it reads /proc).
 */

import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { randomInt, randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { appendFile, mkdir, mkdtemp, open, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';

export interface LoopbackSshdOptions {
  /** Name of the host in `configFile`. */
  readonly alias?: string;
  /** Further lines for sshd_config. */
  readonly sshdLines?: readonly string[];
  /** Further lines for the Host block of the client's config. */
  readonly clientLines?: readonly string[];
  /** Environment of every command, over what a login gives (HOME is a folder of its own). */
  readonly environment?: Readonly<Record<string, string>>;
  /** ~/.profile and ~/.bash_profile of the home on the host. */
  readonly profile?: string;
  /**
   * Lets people in by PAM, with these lines as its service: for root only, as it stands in /etc/pam.d until `stop`. Passwords
   * are asked for by keyboard-interactive.
   */
  readonly pamLines?: readonly string[];
  /** Key types of the host; the first is the one in known_hosts. */
  readonly hostKeyTypes?: readonly ('ed25519' | 'ecdsa' | 'rsa')[];
}

export interface LoopbackSshd {
  readonly port: number;
  readonly alias: string;
  /** An ssh config with a Host block for the alias: for `ssh -F` and LOADLINE_SSH_CONFIG. */
  readonly configFile: string;
  /** The client's key, let in by the server, without a passphrase. */
  readonly identityFile: string;
  readonly knownHosts: string;
  /** HOME of the commands on the host. */
  readonly home: string;
  readonly folder: string;
  /** What sshd wrote to its log so far. */
  log(): Promise<string>;
  /** Resolves when the log holds the text. */
  logged(text: string): Promise<void>;
  /** Public key line (`ssh-ed25519 AAAA…`) of a host key. */
  hostKey(type?: 'ed25519' | 'ecdsa' | 'rsa'): Promise<string>;
  /** Restarts the server with a new key; known_hosts still has the old one. */
  changeHostKey(): Promise<void>;
  /** Adds a public key to those let in. */
  authorize(publicKey: string): Promise<void>;
  /** Processes of sshd that serve a connection. */
  connections(): readonly number[];
  /** Ends the listener, and starts it again on the same port; connections stay. */
  restart(): Promise<void>;
  /** Ends the listener until `resume`. */
  suspend(): Promise<void>;
  resume(): Promise<void>;
  /**
   * Kills the listener and its connections, and starts it again on the same port. `rebooted`: what it starts from then on sees another
   * boot id, as after a reboot of the host (for root only, in a mount namespace of its own; else it stays the same).
   */
  crash(options?: { readonly rebooted?: boolean }): Promise<void>;
  /** Kills them: the connections end without a word of SSH. Gives how many there were. */
  dropConnections(): number;
  /** Stops and continues them: the connection stays open and nothing comes. */
  freezeConnections(frozen: boolean): void;
  stop(): Promise<void>;
}

const sshdPlaces = ['/usr/sbin/sshd', '/usr/local/sbin/sshd', '/sbin/sshd'];

export async function startLoopbackSshd(options: LoopbackSshdOptions = {}): Promise<LoopbackSshd> {
  const found = sshdPlaces.find((place) => existsSync(place));
  if (found === undefined) throw new Error('There is no sshd here. Install it (Debian: openssh-server).');
  // sshd as root refuses to start without its privilege separation folder.
  if (process.getuid?.() === 0) mkdirSync('/run/sshd', { recursive: true, mode: 0o755 });

  const alias = options.alias ?? 'loopback-gpu';
  const types = options.hostKeyTypes ?? ['ed25519'];
  const folder = await mkdtemp(join(tmpdir(), 'loadline-sshd-'));
  const file = (name: string) => join(folder, name);
  const home = file('home');
  await mkdir(home, { mode: 0o700 });
  const port = await freePort();
  const pam = options.pamLines && (await pamService(found, folder, port, options.pamLines));
  const binary = pam?.binary ?? found;
  const profile = options.profile ?? '';
  await writeFile(join(home, '.profile'), profile);
  await writeFile(join(home, '.bash_profile'), profile);
  const hostKeyFile = (type: string) => file(`host_${type}`);
  for (const type of types) generateKey(hostKeyFile(type), type);
  generateKey(file('client'), 'ed25519');
  await writeFile(file('authorized_keys'), await readFile(file('client.pub')), { mode: 0o600 });

  const hostKey = async (type: string = types[0] ?? 'ed25519') =>
    (await readFile(`${hostKeyFile(type)}.pub`, 'utf8')).trim().split(' ').slice(0, 2).join(' ');
  await writeFile(file('known_hosts'), `[127.0.0.1]:${port} ${await hostKey()}\n`);
  await writeFile(file('sshd_config'), sshdConfig(port, file, home, types.map(hostKeyFile), options));
  await writeFile(file('ssh_config'), clientConfig(alias, port, file, options));
  await writeFile(file('sshd.log'), '');

  let server = await startServer(binary, file('sshd_config'), file('sshd.log'), port);
  const log = () => readFile(file('sshd.log'), 'utf8');
  // Those that a listener which has ended left behind are nobody's children; they are found once and kept.
  const orphans = new Set<number>();
  const suspend = async () => {
    for (const pid of childrenOf(server.pid)) orphans.add(pid);
    await stopServer(server);
  };
  const resume = async () => {
    server = await startServer(binary, file('sshd_config'), file('sshd.log'), port);
  };
  const bootIds: string[] = [];
  const crash = async ({ rebooted = false } = {}) => {
    signal('SIGKILL');
    await stopServer(server, 'SIGKILL');
    if (rebooted && process.getuid?.() === 0) {
      bootIds.unshift(file(`boot_id_${bootIds.length}`));
      await writeFile(bootIds[0] ?? '', `${randomUUID()}\n`);
    }
    server = await startServer(binary, file('sshd_config'), file('sshd.log'), port, bootIds[0]);
  };
  const connections = () => {
    const alive = new Set(processes().map(({ pid }) => pid));
    return [...orphans].filter((pid) => alive.has(pid)).concat(childrenOf(server.pid));
  };
  const serving = () => connections().flatMap((pid) => [pid, ...sshdBelow(pid)]);
  const signal = (name: NodeJS.Signals) => {
    const pids = serving();
    for (const pid of pids) quietly(() => process.kill(pid, name));
    return pids.length;
  };
  return {
    port,
    alias,
    configFile: file('ssh_config'),
    identityFile: file('client'),
    knownHosts: file('known_hosts'),
    home,
    folder,
    log,
    logged: (text) => waitFor(async () => (await log()).includes(text), `'${text}' in the log of sshd`),
    hostKey,
    changeHostKey: async () => {
      await stopServer(server);
      for (const type of types) {
        await rm(hostKeyFile(type));
        await rm(`${hostKeyFile(type)}.pub`);
        generateKey(hostKeyFile(type), type);
      }
      server = await startServer(binary, file('sshd_config'), file('sshd.log'), port);
    },
    suspend,
    resume,
    crash,
    restart: async () => {
      await suspend();
      await resume();
    },
    authorize: (publicKey) => appendFile(file('authorized_keys'), `${publicKey.trim()}\n`),
    connections,
    dropConnections: () => signal('SIGKILL'),
    freezeConnections: (frozen) => {
      signal(frozen ? 'SIGSTOP' : 'SIGCONT');
    },
    stop: async () => {
      signal('SIGCONT');
      signal('SIGKILL');
      await stopServer(server);
      await pam?.remove();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** sshd takes the service of PAM that has its own name: under another name it has one of its own. */
async function pamService(
  sshd: string,
  folder: string,
  port: number,
  lines: readonly string[],
): Promise<{ readonly binary: string; remove(): Promise<void> }> {
  const name = `loadline-sshd-${port}`;
  const service = join('/etc/pam.d', name);
  const binary = join(folder, name);
  await symlink(sshd, binary);
  await writeFile(service, lines.map((line) => `${line}\n`).join(''));
  return { binary, remove: () => rm(service, { force: true }) };
}

function sshdConfig(
  port: number,
  file: (name: string) => string,
  home: string,
  hostKeys: readonly string[],
  options: LoopbackSshdOptions,
): string {
  const environment = Object.entries({
    HOME: home,
    XDG_CACHE_HOME: join(home, '.cache'),
    ...options.environment,
  });
  const given = options.sshdLines ?? [];
  const ours = [
    'ListenAddress 127.0.0.1',
    `Port ${port}`,
    ...hostKeys.map((key) => `HostKey ${key}`),
    `AuthorizedKeysFile ${file('authorized_keys')}`,
    `PidFile ${file('sshd.pid')}`,
    ...(options.pamLines ? ['UsePAM yes', 'KbdInteractiveAuthentication yes'] : ['UsePAM no']),
    'StrictModes no',
    'PermitRootLogin yes',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'PermitUserEnvironment no',
    'MaxSessions 50',
    'MaxStartups 100',
    'LogLevel VERBOSE',
    `SetEnv ${environment.map(([name, value]) => `"${name}=${value}"`).join(' ')}`,
  ];
  // What a test sets stands in place of ours: of most keys the first value counts, of MaxStartups the last.
  const isGiven = (line: string) => given.some((other) => other.split(' ')[0] === line.split(' ')[0]);
  return [...given, ...ours.filter((line) => !isGiven(line)), ''].join('\n');
}

function clientConfig(
  alias: string,
  port: number,
  file: (name: string) => string,
  options: LoopbackSshdOptions,
): string {
  return [
    `Host ${alias}`,
    ...(options.clientLines ?? []).map((line) => `  ${line}`),
    '  HostName 127.0.0.1',
    `  Port ${port}`,
    `  User ${userInfo().username}`,
    `  IdentityFile ${file('client')}`,
    '  IdentitiesOnly yes',
    '  IdentityAgent none',
    `  UserKnownHostsFile ${file('known_hosts')}`,
    '  GlobalKnownHostsFile none',
    '',
  ].join('\n');
}

export function generateKey(path: string, type: string, passphrase = '', more: readonly string[] = []): void {
  execFileSync('ssh-keygen', [
    '-q',
    '-t',
    type,
    '-N',
    passphrase,
    '-C',
    'loadline-test',
    '-f',
    path,
    ...more,
  ]);
}

async function startServer(
  binary: string,
  config: string,
  logFile: string,
  port: number,
  bootId?: string,
): Promise<ChildProcess> {
  const log = await open(logFile, 'a');
  const command = [binary, '-D', '-e', '-f', config];
  const inNamespace = `mount --bind '${bootId}' /proc/sys/kernel/random/boot_id && exec "$@"`;
  const [program = binary, ...args] =
    bootId === undefined ? command : ['unshare', '--mount', 'sh', '-c', inNamespace, 'sh', ...command];
  const server = spawn(program, args, { stdio: ['ignore', log.fd, log.fd] });
  await log.close();
  let exited = false;
  server.once('exit', () => {
    exited = true;
  });
  try {
    await waitFor(async () => {
      if (exited) throw new Error(`sshd did not start: ${readFileSync(logFile, 'utf8').slice(-2000)}`);
      return answers(port);
    }, `sshd on port ${port}`);
  } catch (error) {
    server.kill('SIGKILL');
    throw error;
  }
  return server;
}

async function stopServer(server: ChildProcess, signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const exited = new Promise((resolve) => server.once('exit', resolve));
  server.kill(signal);
  await exited;
}

/** The processes that serve a connection: children of the listener, and the sshd that each runs without privileges. */
function childrenOf(pid: number | undefined): readonly number[] {
  return processes()
    .filter((process) => process.parent === pid && process.name.startsWith('sshd'))
    .map((process) => process.pid);
}

function sshdBelow(pid: number): readonly number[] {
  return childrenOf(pid).flatMap((child) => [child, ...sshdBelow(child)]);
}

function processes(): readonly { readonly pid: number; readonly parent: number; readonly name: string }[] {
  return readdirSync('/proc').flatMap((entry) => {
    if (!/^\d+$/.test(entry)) return [];
    const text = quietly(() => readFileSync(join('/proc', entry, 'stat'), 'utf8')) ?? '';
    const [, name, state, parent] = /\((.*)\) (\S) (\d+)/s.exec(text) ?? [];
    if (name === undefined || parent === undefined || state === 'Z') return [];
    return [{ pid: Number(entry), parent: Number(parent), name }];
  });
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('data', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(false));
  });
}

/** Below those that Linux gives to whoever asks for any: nobody takes it before it is used, nor while its server is restarted. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}

const hangsSeconds = 60;

/** Looks until it holds. The limit only ends a test that has failed. */
export async function waitFor(holds: () => Promise<boolean> | boolean, what: string): Promise<void> {
  const end = Date.now() + hangsSeconds * 1000;
  while (!(await holds())) {
    if (Date.now() > end) throw new Error(`waited ${hangsSeconds} s for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function quietly<T>(action: () => T): T | undefined {
  try {
    return action();
  } catch {
    return undefined;
  }
}
