import { readFile } from 'node:fs/promises';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { writeFileAtomically } from '../storage/atomicFile.ts';
import type { KnownKey } from './knownHosts.ts';

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
 * of a host and port. An entry that is not whole is dropped; a file that is not JSON throws: trust is never guessed.
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
      throw error;
    }
    const document: unknown = JSON.parse(text);
    const keys = (document as { keys?: unknown } | null)?.keys;
    if (!Array.isArray(keys)) throw new SyntaxError('it has no list of keys');
    return keys.filter(isTrustedKey);
  }

  #write(keys: readonly TrustedKey[]): Promise<void> {
    return writeFileAtomically(this.file, `${JSON.stringify({ schema: 1, keys }, null, 1)}\n`, {
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
