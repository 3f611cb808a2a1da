import { RemoteError } from './host.ts';

/** A host as it was typed: an alias or a host name, with what else was given. Given values win over the config. */
export interface Destination {
  readonly host: string;
  readonly user: string | null;
  readonly port: number | null;
}

/** What ssh is given to mean this destination and nothing else: a list of words, which no shell reads. `before` stands before the host. */
export function sshArguments(
  { host, user, port }: Destination,
  {
    configFile,
    before = [],
  }: { readonly configFile?: string | undefined; readonly before?: readonly string[] },
): string[] {
  return [
    ...(configFile === undefined ? [] : ['-F', configFile]),
    ...(user === null ? [] : ['-l', user]),
    ...(port === null ? [] : ['-p', String(port)]),
    ...before,
    '--',
    host,
  ];
}

/** The characters that OpenSSH refuses in host names, and blanks. */
const forbidden = /[\s'"`$\\;&<>|(){}\p{Cc}]/u;

/** `[user@]host[:port]`, IPv6 in brackets. RemoteError `config` for what cannot be a host, options above all. */
export function parseDestination(name: string): Destination {
  const refuse = (why: string) =>
    new RemoteError('config', name, `'${name}' is not a host: ${why}. Give an SSH alias or user@host:port.`);
  const at = name.lastIndexOf('@');
  const user = at < 0 ? null : name.slice(0, at);
  const rest = name.slice(at + 1);
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(rest);
  // More than one colon without brackets is an IPv6 address without a port.
  const plain = /^([^:]*)(?::([^:]*))?$/.exec(rest);
  const [, host = '', portText] = bracketed ?? plain ?? [rest, rest];
  if (host === '') throw refuse('the host name is empty');
  if (host.startsWith('-') || user?.startsWith('-'))
    throw refuse('it starts with `-`, which ssh would read as an option');
  if (user === '') throw refuse('there is no user before the `@`');
  if (forbidden.test(host) || (user !== null && forbidden.test(user)))
    throw refuse('it contains a blank or a character that shells read as their own');
  if (portText === undefined) return { host, user, port: null };
  const port = /^\d{1,5}$/.test(portText) ? Number(portText) : 0;
  if (port < 1 || port > 65535) throw refuse(`'${portText}' is not a port (1 to 65535)`);
  return { host, user, port };
}
