import { homedir } from 'node:os';
import { join } from 'node:path';
import { parseDestination } from './destination.ts';
import type { SshRoute } from './sshRoute.ts';

/**
 * What holds for every ssh process of a connection, those of ProxyJump too: no questions but through our askpass, no key of
 * a host taken without one, nothing written to the user's known_hosts, nothing forwarded and nothing that outlives us.
 */
const always = [
  'ControlMaster no',
  'ControlPath none',
  'ControlPersist no',
  'UpdateHostKeys no',
  'CheckHostIP no',
  'HashKnownHosts no',
  'VerifyHostKeyDNS no',
  'NoHostAuthenticationForLocalhost no',
  'BatchMode no',
  'ClearAllForwardings yes',
  'ForwardAgent no',
  'ForwardX11 no',
  'Tunnel no',
  'PermitLocalCommand no',
  'RemoteCommand none',
  'RequestTTY no',
  'EscapeChar none',
  'LogLevel INFO',
] as const;

const keepaliveSeconds = 15;

/**
 * A config that says the above first (the first value counts) and then includes the user's own. `knownHosts` takes the keys
 * that a person accepts, and is thrown away with the connection.
 */
export function opensshConfig(route: SshRoute, knownHosts: string, configFile: string | undefined): string {
  const files = new Set(route.flatMap((target) => target.knownHostsFiles));
  const perHost = route.flatMap((target) => [
    `Match originalhost ${quoted(parseDestination(target.name).host)}`,
    `  StrictHostKeyChecking ${target.strictHostKeyChecking === 'yes' ? 'yes' : 'ask'}`,
    `  ServerAliveInterval ${(target.keepaliveIntervalMs ?? keepaliveSeconds * 1000) / 1000}`,
    `  ServerAliveCountMax ${target.keepaliveCountMax}`,
  ]);
  const included =
    configFile === undefined ? [join(homedir(), '.ssh', 'config'), '/etc/ssh/ssh_config'] : [configFile];
  return [
    ...perHost,
    'Host *',
    ...always.map((line) => `  ${line}`),
    '  StrictHostKeyChecking ask',
    `  UserKnownHostsFile ${[knownHosts, ...files].map(quoted).join(' ')}`,
    '  GlobalKnownHostsFile none',
    ...included.map((file) => `  Include ${quoted(file)}`),
    '',
  ].join('\n');
}

/** OpenSSH has no way to write a quote inside quotes. */
function quoted(word: string): string {
  return `"${word.replaceAll('"', '')}"`;
}
