import type { Memento, SecretStorage } from 'vscode';

const listKey = 'loadline.rememberedSecrets';

/**
 * Passwords and passphrases that a person asked to remember, in the editor's secret storage. The names of what is kept (never the
 * secrets) stand in the global state, as the storage cannot list them.
 */
export class Secrets {
  readonly #storage: SecretStorage;
  readonly #state: Memento;

  constructor(storage: SecretStorage, state: Memento) {
    this.#storage = storage;
    this.#state = state;
  }

  async get(name: string): Promise<string | undefined> {
    return this.#storage.get(name);
  }

  async remember(name: string, secret: string): Promise<void> {
    await this.#storage.store(name, secret);
    await this.#state.update(listKey, [...new Set([...this.remembered(), name])]);
  }

  async forget(name: string): Promise<void> {
    await this.#storage.delete(name);
    await this.#state.update(
      listKey,
      this.remembered().filter((other) => other !== name),
    );
  }

  /** Names of what is kept. */
  remembered(): readonly string[] {
    return this.#state.get<readonly string[]>(listKey) ?? [];
  }
}
