import { readFile } from 'node:fs/promises';
import { type Prompter, type Remedy, RemoteError, type RemoteLog, useOpenssh } from './host.ts';
import {
  fingerprint,
  HostKnowledge,
  type KnownHostEntry,
  type KnownKey,
  keyTypeOf,
  knownHostsName,
  type OfferedKey,
  parseKnownHosts,
  parseRevokedKeys,
} from './knownHosts.ts';
import { where } from './openSocket.ts';
import type { SshTarget } from './sshConfig.ts';
import type { TrustStore } from './trustStore.ts';

/** Host key algorithms that ssh2 negotiates, in the order in which they are preferred, with the key type of each. */
const hostKeyAlgorithms = [
  { algorithm: 'ssh-ed25519', keyType: 'ssh-ed25519' },
  { algorithm: 'ecdsa-sha2-nistp256', keyType: 'ecdsa-sha2-nistp256' },
  { algorithm: 'ecdsa-sha2-nistp384', keyType: 'ecdsa-sha2-nistp384' },
  { algorithm: 'ecdsa-sha2-nistp521', keyType: 'ecdsa-sha2-nistp521' },
  { algorithm: 'rsa-sha2-512', keyType: 'ssh-rsa' },
  { algorithm: 'rsa-sha2-256', keyType: 'ssh-rsa' },
] as const;

export type HostKeyAlgorithm = (typeof hostKeyAlgorithms)[number]['algorithm'];

const negotiable: ReadonlySet<string> = new Set(hostKeyAlgorithms.map(({ keyType }) => keyType));

/** Decides about a host's key before anything of the user is sent to it. */
export class HostKeyCheck {
  readonly #target: SshTarget;
  readonly #knowledge: HostKnowledge;
  readonly #store: TrustStore;
  readonly #log: RemoteLog;
  readonly #acceptedTypes: ReadonlySet<string>;

  private constructor(
    target: SshTarget,
    knowledge: HostKnowledge,
    accepted: readonly OfferedKey[],
    store: TrustStore,
    log: RemoteLog,
  ) {
    this.#acceptedTypes = new Set(accepted.map(({ keyType }) => keyType));
    this.#target = target;
    this.#knowledge = knowledge;
    this.#store = store;
    this.#log = log;
  }

  /** Reads what is known of the target. RemoteError `known-hosts-unreadable` where that cannot be read: fails closed. `revokedKeys`: also those of RevokedHostKeys, which the ssh program reads by itself. */
  static async prepare(
    target: SshTarget,
    store: TrustStore,
    log: RemoteLog,
    { revokedKeys = true } = {},
  ): Promise<HostKeyCheck> {
    const entries: KnownHostEntry[] = [];
    for (const file of target.knownHostsFiles) entries.push(...(await readKnownHosts(file, target.name)));
    if (revokedKeys && target.revokedKeysFile !== null)
      entries.push(...(await readRevokedKeys(target.revokedKeysFile, target.name)));
    const accepted = await store.keysFor(lookupHost(target), target.port).catch((error: unknown) => {
      const said = error instanceof Error ? error.message : String(error);
      throw new RemoteError(
        'known-hosts-unreadable',
        target.name,
        `The key of ${target.name} cannot be checked, and nothing was sent. ${said}`,
        { cause: error },
      );
    });
    const name = target.hostKeyAlias?.toLowerCase() ?? knownHostsName(target.hostname, target.port);
    return new HostKeyCheck(target, new HostKnowledge(entries, name, accepted), accepted, store, log);
  }

  /** Those with a known key first, so that a host is not taken for a changed one because it showed another of its keys. */
  get algorithms(): HostKeyAlgorithm[] {
    const known = new Set(this.#knowledge.keyTypes);
    const isKnown = ({ keyType }: { keyType: string }) => known.has(keyType);
    return [
      ...hostKeyAlgorithms.filter(isKnown),
      ...hostKeyAlgorithms.filter((algorithm) => !isKnown(algorithm)),
    ].map(({ algorithm }) => algorithm);
  }

  get revokedPlaces(): readonly string[] {
    return this.#knowledge.revokedPlaces;
  }

  /** Algorithms of the keys that were accepted in Loadline. */
  get acceptedAlgorithms(): readonly HostKeyAlgorithm[] {
    return hostKeyAlgorithms
      .filter(({ keyType }) => this.#acceptedTypes.has(keyType))
      .map(({ algorithm }) => algorithm);
  }

  /** Returns where the key may be trusted; throws RemoteError `host-key-…` otherwise. A key that is accepted is kept. */
  async decide(key: Uint8Array, prompter: Prompter): Promise<void> {
    const offered = { keyType: keyTypeOf(key), fingerprint: fingerprint(key) };
    if ((await this.judge(offered, prompter)) === 'accepted') await this.remember(offered);
  }

  async remember({ keyType, fingerprint: shown }: OfferedKey): Promise<void> {
    const { name, port } = this.#target;
    await this.#store.add(lookupHost(this.#target), port, keyType, shown);
    this.#log.info(`${name}: host key ${keyType} ${shown} accepted and kept in ${this.#store.file}`);
  }

  /** How the keys that contradict the new one are forgotten, wherever they are kept. */
  #forgetting(known: readonly KnownKey[]): string {
    const [ours, others] = [known.filter(({ place }) => place === this.#store.file), known.length];
    const { hostname, port, hostKeyAlias } = this.#target;
    const kept = hostKeyAlias ?? knownHostsName(hostname, port);
    return [
      ...(ours.length > 0
        ? ['forget the known one (Forget Host Key in the view of GPU hosts, or its entry in that file)']
        : []),
      ...(ours.length < others
        ? [`remove the known one from that file (\`ssh-keygen -R "${kept}"\` where it is ~/.ssh/known_hosts)`]
        : []),
    ].join(' and ');
  }

  /** As `decide`; keeping it is left to the caller. An unknown key is accepted without a question where the config says so. */
  async judge(offered: OfferedKey, prompter: Prompter): Promise<'known' | 'accepted'> {
    const { name, port, strictHostKeyChecking } = this.#target;
    const verdict = this.#knowledge.judgeOffered(offered, negotiable);
    const { keyType, fingerprint: shown } = offered;
    const place = where(this.#target);
    switch (verdict.kind) {
      case 'known':
        this.#log.info(`${name}: host key ${keyType} ${shown} is known (${verdict.place})`);
        return 'known';
      case 'revoked':
        throw new RemoteError(
          'host-key-revoked',
          name,
          `The host key of ${place} is marked as revoked in ${verdict.place}: ${keyType} ${shown}. ` +
            'Nothing was sent. Ask whoever runs the host.',
        );
      case 'changed': {
        const known = verdict.known
          .map((one) => `  known:   ${one.keyType} ${one.fingerprint} (${one.place})`)
          .join('\n');
        throw new RemoteError(
          'host-key-changed',
          name,
          `The host key of ${place} has changed. Somebody may be in between, or the host was set up anew. ` +
            `Nothing was sent.\n  offered: ${keyType} ${shown}\n${known}\n` +
            `Ask whoever runs the host. If the new key is right, ${this.#forgetting(verdict.known)}, and connect again.`,
        );
      }
      case 'unknown':
        break;
    }
    const authority = verdict.certificateAuthority
      ? ` (${verdict.certificateAuthority} names a certificate authority for it; Loadline's own SSH client cannot check host certificates)`
      : '';
    if (strictHostKeyChecking === 'yes')
      throw new RemoteError(
        'host-key-unknown',
        name,
        `The host key of ${place} is not known${authority}: ${keyType} ${shown}. StrictHostKeyChecking is yes, so nothing was ` +
          `sent. Add the key to known_hosts after comparing the fingerprint, for instance by \`ssh\` to the host.${authority === '' ? '' : ` ${useOpenssh}`}`,
        remedyFor(authority),
      );
    if (strictHostKeyChecking !== 'ask') {
      this.#log.info(
        `${name}: host key ${keyType} ${shown} is new: StrictHostKeyChecking ${strictHostKeyChecking}`,
      );
      return 'accepted';
    }
    const accepted = await prompter.acceptUnknownHostKey({
      host: name,
      port,
      keyType,
      fingerprint: shown,
    });
    if (!accepted)
      throw new RemoteError(
        'host-key-unknown',
        name,
        `The host key of ${place} is not known${authority}: ${keyType} ${shown}. It was not accepted, and nothing was sent. ` +
          `Connect once with \`ssh\` and compare the fingerprint, or accept it here.${authority === '' ? '' : ` ${useOpenssh}`}`,
        remedyFor(authority),
      );
    return 'accepted';
  }
}

/** OpenSSH itself checks host certificates. */
function remedyFor(authority: string): { readonly remedy: Remedy | null } {
  return { remedy: authority === '' ? null : 'openssh-back-end' };
}

/** By which the keys of a host are kept. */
export function lookupHost(target: SshTarget): string {
  return target.hostKeyAlias ?? target.hostname;
}

async function readKnownHosts(file: string, host: string): Promise<readonly KnownHostEntry[]> {
  try {
    return parseKnownHosts(await readFile(file, 'utf8'), file);
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') return [];
    throw unreadable(file, host, error, 'the known host keys');
  }
}

/** As OpenSSH does: where this file cannot be read, no host can be trusted. */
async function readRevokedKeys(file: string, host: string): Promise<readonly KnownHostEntry[]> {
  let bytes: Buffer;
  try {
    bytes = await readFile(file);
  } catch (error) {
    throw unreadable(file, host, error, 'the revoked host keys');
  }
  if (bytes.toString('latin1', 0, 6) !== 'SSHKRL') return parseRevokedKeys(bytes.toString('utf8'), file);
  throw new RemoteError(
    'known-hosts-unreadable',
    host,
    `The revoked host keys in ${file} are in OpenSSH's binary form, which Loadline's own SSH client cannot read. Nothing was sent. ${useOpenssh}`,
    { remedy: 'openssh-back-end' },
  );
}

function unreadable(file: string, host: string, error: unknown, what: string): RemoteError {
  const reason = error instanceof Error ? error.message : String(error);
  return new RemoteError(
    'known-hosts-unreadable',
    host,
    `Cannot read ${what} in ${file} (${reason}), so the key of ${host} cannot be checked. Nothing was sent. Make the file readable or remove it.`,
    { cause: error },
  );
}
