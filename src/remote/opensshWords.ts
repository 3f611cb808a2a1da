/** What the ssh program says, taken apart: the questions that it asks through its askpass, and why it gave up. OpenSSH 8.4 to 10. */

import type { RemoteErrorReason } from './host.ts';

export type SshQuestion =
  /** `name` as in known_hosts. `keyType` as ssh calls it: ED25519, ECDSA, RSA. */
  | {
      readonly kind: 'host-key';
      readonly name: string;
      readonly keyType: string;
      readonly fingerprint: string;
    }
  | { readonly kind: 'passphrase'; readonly keyFile: string }
  | { readonly kind: 'password'; readonly user: string }
  /** Nothing to answer: a security key waits to be touched. */
  | { readonly kind: 'notice'; readonly text: string }
  /** The host's own words (keyboard-interactive), a PIN, or something that we do not know. */
  | { readonly kind: 'other'; readonly prompt: string };

/** `hint`: the environment variable SSH_ASKPASS_PROMPT. */
export function readQuestion(prompt: string, hint: string): SshQuestion {
  if (hint === 'none') return { kind: 'notice', text: prompt.trim() };
  const [, name] = /authenticity of host '(\S+)(?: \([^']*\))?' can't be established/.exec(prompt) ?? [];
  const [, keyType, fingerprint] = /^(\S+) key fingerprint is:? (SHA256:[A-Za-z0-9+/]+)/m.exec(prompt) ?? [];
  if (name !== undefined && keyType !== undefined && fingerprint !== undefined)
    return { kind: 'host-key', name, keyType, fingerprint };
  const [, keyFile] = /^Enter passphrase for key '(.+)': ?$/s.exec(prompt) ?? [];
  if (keyFile !== undefined) return { kind: 'passphrase', keyFile };
  const [, user] = /^(\S+)@\S+'s password: ?$/s.exec(prompt) ?? [];
  if (user !== undefined) return { kind: 'password', user };
  // Since 8.5 `(user@host) ` stands before what the host asks.
  return { kind: 'other', prompt: prompt.replace(/^\(\S+@\S+\) /, '') };
}

export interface SshFailure {
  readonly reason: RemoteErrorReason;
  /** The key that was refused, where ssh names it. */
  readonly offered: { readonly keyType: string; readonly fingerprint: string } | null;
  /** The name in known_hosts that it was refused for. */
  readonly hostKeyName: string | null;
}

const reasons: readonly { readonly pattern: RegExp; readonly reason: RemoteErrorReason }[] = [
  {
    pattern: /REMOTE HOST IDENTIFICATION HAS CHANGED|differs from the key for the IP/,
    reason: 'host-key-changed',
  },
  { pattern: /REVOKED HOST KEY|host key .*revoked/i, reason: 'host-key-revoked' },
  { pattern: /Host key verification failed|requested strict checking/, reason: 'host-key-unknown' },
  {
    pattern: /Permission denied|Too many authentication failures|No more authentication methods/,
    reason: 'authentication',
  },
  { pattern: /timed out|timeout, server .* not responding/i, reason: 'timeout' },
  {
    pattern: /Bad configuration option|terminating, \d+ bad configuration|Bad owner or permissions|line \d+:/,
    reason: 'config',
  },
];

/** Why ssh ended before it was let in, by what it wrote to stderr. */
export function readFailure(stderr: string): SshFailure {
  const found = reasons.find(({ pattern }) => pattern.test(stderr));
  const key = /fingerprint for the (\S+) key sent by the remote host is\s+(SHA256:[A-Za-z0-9+/]+)/.exec(
    stderr,
  );
  const name =
    /Host key for (\S+) has changed/.exec(stderr) ??
    /host key for (\S+) (?:is marked|has changed)/i.exec(stderr);
  return {
    reason: found?.reason ?? 'unreachable',
    offered: key?.[1] && key[2] ? { keyType: key[1], fingerprint: key[2] } : null,
    hostKeyName: name?.[1] ?? null,
  };
}

/** ssh's names of key types, as far as they name one algorithm. */
export function algorithmOf(keyType: string): string {
  const names: Readonly<Record<string, string>> = { ED25519: 'ssh-ed25519', RSA: 'ssh-rsa' };
  return names[keyType] ?? keyType;
}
