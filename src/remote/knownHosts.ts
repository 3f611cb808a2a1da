/** known_hosts as text: parsing and matching. No files here; see hostKeyCheck.ts for the policy. */

import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

export interface KnownHostEntry {
  readonly marker: 'revoked' | 'cert-authority' | null;
  /** As written: a comma-separated list of patterns, or one hashed name. */
  readonly patterns: string;
  readonly keyType: string;
  readonly key: Uint8Array;
  /** `<file>:<line>`, for messages. */
  readonly place: string;
}

/** A line that is no entry is left out: it can make a host unknown, never known. */
export function parseKnownHosts(text: string, file: string): readonly KnownHostEntry[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const words = line.trim().split(/[ \t]+/);
    const first = words[0] ?? '';
    if (first === '' || first.startsWith('#')) return [];
    const marker = first === '@revoked' ? 'revoked' : first === '@cert-authority' ? 'cert-authority' : null;
    if (first.startsWith('@') && marker === null) return [];
    const [patterns, keyType, encoded] = marker === null ? words : words.slice(1);
    if (patterns === undefined || keyType === undefined || encoded === undefined) return [];
    const key = Buffer.from(encoded, 'base64');
    if (keyTypeOf(key) !== keyType) return [];
    return [{ marker, patterns, keyType, key, place: `${file}:${index + 1}` }];
  });
}

/** A list of public keys, one a line, that are revoked for every host (RevokedHostKeys). */
export function parseRevokedKeys(text: string, file: string): readonly KnownHostEntry[] {
  return text.split(/\r?\n/).flatMap((line, index) => {
    const [keyType = '', encoded = ''] = line.trim().split(/[ \t]+/);
    const key = Buffer.from(encoded, 'base64');
    if (keyType === '' || keyTypeOf(key) !== keyType) return [];
    return [{ marker: 'revoked' as const, patterns: '*', keyType, key, place: `${file}:${index + 1}` }];
  });
}

/** The name that a host has in known_hosts: lower case, the port in brackets where it is not 22. */
export function knownHostsName(hostname: string, port: number): string {
  const lower = hostname.toLowerCase();
  return port === 22 ? lower : `[${lower}]:${port}`;
}

/** Whether an entry of known_hosts is of this name, as `knownHostsName` gives it. */
export function matchesHost(patterns: string, name: string): boolean {
  return patterns.startsWith('|')
    ? matchesHashed(patterns, name)
    : matchesPatterns(patterns.toLowerCase(), name);
}

/** OpenSSH's pattern lists: a negated pattern that matches wins over all others. */
export function matchesPatterns(patterns: string, name: string): boolean {
  let matched = false;
  for (const pattern of patterns.split(',')) {
    const negated = pattern.startsWith('!');
    if (!wildcard(negated ? pattern.slice(1) : pattern).test(name)) continue;
    if (negated) return false;
    matched = true;
  }
  return matched;
}

/** `|1|salt|HMAC-SHA1 of the name`, both base64. */
function matchesHashed(hashed: string, name: string): boolean {
  const [, version, salt, hash, more] = hashed.split('|');
  if (version !== '1' || salt === undefined || hash === undefined || more !== undefined) return false;
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

function wildcard(pattern: string): RegExp {
  const source = pattern
    .replace(/[.+^${}()|[\]\\]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 's');
}

/** The algorithm that a public key in wire form names; empty where it is no key. */
export function keyTypeOf(key: Uint8Array): string {
  const bytes = Buffer.from(key.buffer, key.byteOffset, key.byteLength);
  if (bytes.length < 5) return '';
  const length = bytes.readUInt32BE(0);
  return length > 0 && length <= 64 && 4 + length <= bytes.length
    ? bytes.toString('latin1', 4, 4 + length)
    : '';
}

/** As `ssh-keygen -lf` prints it. */
export function fingerprint(key: Uint8Array): string {
  return `SHA256:${createHash('sha256').update(key).digest('base64').replace(/=+$/, '')}`;
}

export interface OfferedKey {
  readonly keyType: string;
  readonly fingerprint: string;
}

export interface KnownKey extends OfferedKey {
  readonly place: string;
}

export type HostKeyVerdict =
  | { readonly kind: 'known'; readonly place: string }
  /** `certificateAuthority`: a CA is known for the host, which says nothing of a plain key. */
  | { readonly kind: 'unknown'; readonly certificateAuthority: string | null }
  | { readonly kind: 'changed'; readonly known: readonly KnownKey[] }
  | { readonly kind: 'revoked'; readonly place: string };

/** What is known of one host: the entries of known_hosts that match its name, and the keys accepted before. */
export class HostKnowledge {
  readonly #keys: readonly KnownKey[];
  readonly #revoked: readonly KnownKey[];
  readonly #authorities: readonly string[];

  constructor(entries: readonly KnownHostEntry[], name: string, accepted: readonly KnownKey[]) {
    const own = entries.filter((entry) => matchesHost(entry.patterns, name));
    const keys = (marker: KnownHostEntry['marker']) =>
      own
        .filter((entry) => entry.marker === marker)
        .map(({ keyType, key, place }) => ({ keyType, fingerprint: fingerprint(key), place }));
    this.#keys = [...keys(null), ...accepted];
    this.#revoked = keys('revoked');
    this.#authorities = keys('cert-authority').map(({ place }) => place);
  }

  /** Where keys of this host are marked as revoked. */
  get revokedPlaces(): readonly string[] {
    return this.#revoked.map(({ place }) => place);
  }

  /** Key types that a host can prove itself with; those are asked for first, as OpenSSH does. */
  get keyTypes(): readonly string[] {
    const revoked = new Set(this.#revoked.map((key) => key.fingerprint));
    return [...new Set(this.#keys.filter((key) => !revoked.has(key.fingerprint)).map((key) => key.keyType))];
  }

  /**
   * A key of another type than those known is a changed one where a known type could have been shown (`negotiable`): the
   * known types were asked for first, so the host has them no longer.
   */
  judge(key: Uint8Array, negotiable: ReadonlySet<string>): HostKeyVerdict {
    return this.judgeOffered({ keyType: keyTypeOf(key), fingerprint: fingerprint(key) }, negotiable);
  }

  judgeOffered(
    { keyType: type, fingerprint: offered }: OfferedKey,
    negotiable: ReadonlySet<string>,
  ): HostKeyVerdict {
    const revoked = this.#revoked.find((known) => known.fingerprint === offered);
    if (revoked) return { kind: 'revoked', place: revoked.place };
    const same = this.#keys.find((known) => known.fingerprint === offered);
    if (same) return { kind: 'known', place: same.place };
    const contradicting = this.#keys.filter(
      (known) => known.keyType === type || negotiable.has(known.keyType),
    );
    if (contradicting.length > 0) return { kind: 'changed', known: contradicting };
    return { kind: 'unknown', certificateAuthority: this.#authorities[0] ?? null };
  }
}
