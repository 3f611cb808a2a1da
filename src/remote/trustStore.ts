import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { writeFileAtomically } from '../storage/atomicFile.ts';
import type { KnownKey } from './knownHosts.ts';

/** Of the file's form. */
const schema = 1;

/** The message names the file and says what to do. */
export class UnreadableTrustStore extends Error {
  override readonly name = 'UnreadableTrustStore';
}

/** A host key that a person accepted in Loadline. */
interface TrustedKey {
  readonly host: string;
  readonly port: number;
  readonly keyType: string;
  readonly fingerprint: string;
  readonly addedAt: string;
}

/** Where accepted keys are kept when nobody says otherwise: the user's state folder, on this machine only. */
export function defaultTrustStoreFile(environment: NodeJS.ProcessEnv = process.env): string {
  const given = environment['XDG_STATE_HOME'] ?? '';
  const state = isAbsolute(given) ? given : join(homedir(), '.local', 'state');
  return join(state, 'loadline', 'host-keys.json');
}

/**
 * Host keys accepted in Loadline, in a file of its own: known_hosts is read and never written. One key for each algorithm
 * of a host and port. A file that cannot be read whole throws UnreadableTrustStore, whoever asks: a key that was dropped
 * would make a changed host look like one that is new.
 */
export class TrustStore {
  constructor(readonly file: string) {}

  async keysFor(host: string, port: number): Promise<readonly KnownKey[]> {
    const wanted = host.toLowerCase();
    return (await this.#read())
      .filter((key) => key.host === wanted && key.port === port)
      .map(({ keyType, fingerprint }) => ({ keyType, fingerprint, place: this.file }));
  }

  async add(host: string, port: number, keyType: string, fingerprint: string): Promise<void> {
    const name = host.toLowerCase();
    const others = (await this.#read()).filter(
      (key) => !(key.host === name && key.port === port && key.keyType === keyType),
    );
    await this.#write([
      ...others,
      { host: name, port, keyType, fingerprint, addedAt: new Date().toISOString() },
    ]);
  }

  /** True if there was anything to forget. */
  async forget(host: string, port: number): Promise<boolean> {
    const all = await this.#read();
    const kept = all.filter((key) => !(key.host === host.toLowerCase() && key.port === port));
    if (kept.length === all.length) return false;
    await this.#write(kept);
    return true;
  }

  async #read(): Promise<readonly TrustedKey[]> {
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
      throw this.#unreadable(error instanceof Error ? error.message : String(error), { cause: error });
    }
    let document: unknown;
    try {
      document = JSON.parse(text);
    } catch (error) {
      throw this.#unreadable('it is no whole JSON', { cause: error });
    }
    const { schema: found, keys } = (document ?? {}) as {
      readonly schema?: unknown;
      readonly keys?: unknown;
    };
    if (found !== schema)
      throw this.#unreadable(
        `its schema is ${JSON.stringify(found) ?? 'not given'}, and ${schema} is expected`,
      );
    if (!Array.isArray(keys)) throw this.#unreadable('it has no list of keys');
    const damaged = keys.findIndex((key) => !isTrustedKey(key));
    if (damaged >= 0) throw this.#unreadable(`entry ${damaged + 1} of its keys is not whole`);
    return keys;
  }

  #unreadable(reason: string, options?: ErrorOptions): UnreadableTrustStore {
    return new UnreadableTrustStore(
      `Cannot read the host keys accepted in Loadline in ${this.file} (${reason}). Put the file back as it was, or remove it: ` +
        'Loadline then asks about the key of each host again, to be compared before it is accepted.',
      options,
    );
  }

  #write(keys: readonly TrustedKey[]): Promise<void> {
    return writeFileAtomically(this.file, `${JSON.stringify({ schema, keys }, null, 1)}\n`, {
      mode: 0o600,
    });
  }
}

function isTrustedKey(value: unknown): value is TrustedKey {
  if (typeof value !== 'object' || value === null) return false;
  const { host, port, keyType, fingerprint, addedAt } = value as Record<string, unknown>;
  return (
    typeof host === 'string' &&
    Number.isInteger(port) &&
    typeof keyType === 'string' &&
    typeof fingerprint === 'string' &&
    /^SHA256:[A-Za-z0-9+/]{43}$/.test(fingerprint) &&
    typeof addedAt === 'string'
  );
}
