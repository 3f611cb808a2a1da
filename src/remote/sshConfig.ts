import { execFile } from 'node:child_process';
import { homedir, hostname as localHostname, userInfo } from 'node:os';
import { join } from 'node:path';
import { defaultAgentSocket } from './agentSocket.ts';
import { type Destination, parseDestination, sshArguments } from './destination.ts';
import { RemoteError } from './host.ts';
import { evaluateConfigFiles } from './sshConfigFiles.ts';

export type StrictHostKeyChecking = 'yes' | 'ask' | 'accept-new' | 'no';

/** Where a name leads and with what, after OpenSSH's own reading of the config. Paths are absolute. */
export interface SshTarget {
  /** As the user calls it. */
  readonly name: string;
  readonly hostname: string;
  readonly port: number;
  readonly user: string;
  /** In the order of trying. The defaults are among them: a file that is not there is skipped. */
  readonly identityFiles: readonly string[];
  /** Keys of the agent that no identity file names are not offered. */
  readonly identitiesOnly: boolean;
  /** Socket of the SSH agent; null: none. */
  readonly agentSocket: string | null;
  readonly knownHostsFiles: readonly string[];
  /** Looked up in known_hosts in place of the host name, and without the port. */
  readonly hostKeyAlias: string | null;
  readonly strictHostKeyChecking: StrictHostKeyChecking;
  /** ConnectTimeout, milliseconds. */
  readonly connectTimeoutMs: number | null;
  /** How the host is reached where that is not by TCP. */
  readonly proxy: SshProxy | null;
  /** ServerAliveInterval, milliseconds; null: not set. */
  readonly keepaliveIntervalMs: number | null;
  readonly keepaliveCountMax: number;
  /** Certificates that the config names; only OpenSSH itself can use them. */
  readonly certificateFiles: readonly string[];
  /** RevokedHostKeys. */
  readonly revokedKeysFile: string | null;
  readonly gssapi: boolean;
}

export type SshProxy =
  /** As written in ProxyJump: `[user@]host[:port]`, nearest first. */
  | { readonly kind: 'jump'; readonly hops: readonly string[] }
  /** For a shell; tokens expanded. */
  | {
      readonly kind: 'command';
      readonly command: string;
      /** ProxyUseFdpass: it gives a connected socket away, which only OpenSSH can take. */
      readonly passesSocket: boolean;
    };

export interface SshConfigOptions {
  /** In place of ~/.ssh/config and the system's (`ssh -F`). */
  readonly configFile?: string;
  readonly environment: NodeJS.ProcessEnv;
  readonly signal?: AbortSignal;
}

/**
 * The effective settings of a name, by `ssh -G` (so Match, Include and canonicalisation are OpenSSH's own work). Where
 * there is no ssh binary our own reading of the same files stands in, which runs nothing. Throws RemoteError `config`.
 */
export async function resolveTarget(name: string, options: SshConfigOptions): Promise<SshTarget> {
  const destination = parseDestination(name);
  const output =
    (await effectiveConfig(name, destination, options)) ??
    (await evaluateConfigFiles(destination, options.environment, options.configFile));
  return parseEffectiveConfig(name, destination, output, options.environment);
}

function effectiveConfig(
  name: string,
  destination: Destination,
  options: SshConfigOptions,
): Promise<string | undefined> {
  const argv = sshArguments(destination, { configFile: options.configFile, before: ['-G'] });
  return new Promise((resolve, reject) => {
    const child = execFile(
      'ssh',
      argv,
      { timeout: 20_000, env: options.environment, ...(options.signal ? { signal: options.signal } : {}) },
      (error, stdout, stderr) => {
        if (!error) resolve(stdout);
        else if (options.signal?.aborted)
          reject(new RemoteError('cancelled', name, `Connecting to ${name} was cancelled.`));
        else if ((error as NodeJS.ErrnoException).code === 'ENOENT') resolve(undefined);
        else
          reject(
            new RemoteError(
              'config',
              name,
              `ssh cannot read its config for ${name}: ${stderr.trim() || error.message}. Correct it and connect again.`,
              { cause: error },
            ),
          );
      },
    );
    child.stdin?.end();
  });
}

/** Reads what `ssh -G` printed; empty text gives OpenSSH's defaults. */
export function parseEffectiveConfig(
  name: string,
  destination: Destination,
  text: string,
  environment: NodeJS.ProcessEnv,
): SshTarget {
  const settings = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^(\S+)\s+(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined) continue;
    const lower = key.toLowerCase();
    settings.set(lower, [...(settings.get(lower) ?? []), value]);
  }
  const one = (key: string) => settings.get(key)?.[0];
  const hostname = one('hostname') ?? destination.host;
  const port = destination.port ?? Number(one('port') ?? 22);
  const user = destination.user ?? one('user') ?? userInfo().username;
  const alias = one('hostkeyalias');
  const home = environment['HOME'] ?? homedir();
  const tokens = {
    '%': '%',
    d: home,
    h: hostname,
    i: String(process.getuid?.() ?? 0),
    k: alias ?? destination.host,
    L: localHostname().split('.')[0] ?? '',
    l: localHostname(),
    n: destination.host,
    p: String(port),
    r: user,
    u: userInfo().username,
  };
  const path = (value: string) => expandPath(value, environment, tokens);
  const files = (key: string, defaults: readonly string[]) =>
    (settings.has(key) ? (settings.get(key) ?? []).flatMap(splitFileList) : defaults)
      .filter((file) => file.toLowerCase() !== 'none')
      .map(path);
  const seconds = Number(one('connecttimeout'));
  const aliveSeconds = Number(one('serveraliveinterval'));
  return {
    name,
    hostname,
    port,
    user,
    identityFiles: (settings.get('identityfile') ?? defaultIdentityFiles)
      .filter((file) => file.toLowerCase() !== 'none')
      .map((file) => path(unquote(file))),
    identitiesOnly: isYes(one('identitiesonly')),
    agentSocket: agentSocket(one('identityagent'), environment, path),
    knownHostsFiles: [
      ...files('userknownhostsfile', ['~/.ssh/known_hosts', '~/.ssh/known_hosts2']),
      ...files('globalknownhostsfile', ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2']),
    ],
    hostKeyAlias: alias ?? null,
    strictHostKeyChecking: strictness(one('stricthostkeychecking')),
    connectTimeoutMs: Number.isFinite(seconds) && seconds > 0 ? seconds * 1000 : null,
    proxy: proxyOf(one, tokens),
    keepaliveIntervalMs: aliveSeconds > 0 ? aliveSeconds * 1000 : null,
    keepaliveCountMax: Number(one('serveralivecountmax') ?? 3),
    certificateFiles: (settings.get('certificatefile') ?? [])
      .filter((file) => file.toLowerCase() !== 'none')
      .map((file) => path(unquote(file))),
    revokedKeysFile: files('revokedhostkeys', [])[0] ?? null,
    gssapi: isYes(one('gssapiauthentication')),
  };
}

const defaultIdentityFiles = ['~/.ssh/id_rsa', '~/.ssh/id_ecdsa', '~/.ssh/id_ed25519'];

function proxyOf(
  one: (key: string) => string | undefined,
  tokens: Readonly<Record<string, string>>,
): SshProxy | null {
  const value = (key: string) => {
    const text = one(key)?.trim();
    return text === undefined || text === '' || text.toLowerCase() === 'none' ? undefined : text;
  };
  const jump = value('proxyjump');
  if (jump !== undefined) return { kind: 'jump', hops: jump.split(',').map((hop) => hop.trim()) };
  const command = value('proxycommand');
  if (command === undefined) return null;
  const passesSocket = isYes(one('proxyusefdpass'));
  return { kind: 'command', command: expandTokens(command, tokens), passesSocket };
}

/** `ssh -G` prints true and false for yes and no. */
function isYes(value: string | undefined): boolean {
  return value === 'yes' || value === 'true';
}

function strictness(value: string | undefined): StrictHostKeyChecking {
  switch (value) {
    case 'yes':
    case 'true':
      return 'yes';
    case 'no':
    case 'off':
    case 'false':
      return 'no';
    case 'accept-new':
      return 'accept-new';
    default:
      return 'ask';
  }
}

function agentSocket(
  value: string | undefined,
  environment: NodeJS.ProcessEnv,
  path: (value: string) => string,
): string | null {
  if (value?.toLowerCase() === 'none') return null;
  if (value === undefined || value === 'SSH_AUTH_SOCK') return defaultAgentSocket(environment);
  // A lone $NAME names the variable that holds the path.
  const variable = /^\$(\w+)$/.exec(value)?.[1];
  if (variable !== undefined) return environment[variable] || null;
  return path(unquote(value));
}

/**
 * A list of files on one line, blank-separated and possibly quoted. `ssh -G` prints names with blanks without quotes: a
 * part that cannot start a path belongs to the name before it.
 */
function splitFileList(text: string): string[] {
  const files: string[] = [];
  for (const [, quoted, plain = ''] of text.matchAll(/"([^"]*)"|(\S+)/g)) {
    const last = files.at(-1);
    if (quoted !== undefined) files.push(quoted);
    else if (last === undefined || /^([/~%$]|[A-Za-z]:|none$)/i.test(plain)) files.push(plain);
    else files[files.length - 1] = `${last} ${plain}`;
  }
  return files;
}

function unquote(text: string): string {
  return /^"(.*)"$/.exec(text)?.[1] ?? text;
}

/** `~`, `%` tokens and `${NAME}`. A token that is not known stays as it is. */
function expandPath(
  text: string,
  environment: NodeJS.ProcessEnv,
  tokens: Readonly<Record<string, string>>,
): string {
  const home = tokens['d'] ?? '';
  const expanded = expandTokens(text, tokens).replace(
    /\$\{(\w+)\}/g,
    (all, variable: string) => environment[variable] ?? all,
  );
  if (expanded === '~') return home;
  return /^~[/\\]/.test(expanded) ? join(home, expanded.slice(2)) : expanded;
}

function expandTokens(text: string, tokens: Readonly<Record<string, string>>): string {
  return text.replace(/%(.)/g, (all, token: string) => tokens[token] ?? all);
}
