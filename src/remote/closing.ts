import type { RemoteError } from './host.ts';

/** The one end of a connection, told once to each listener: also to one that comes after it. */
export class Closing {
  readonly #listeners = new Set<(error: RemoteError | null) => void>();
  #ended: { readonly error: RemoteError | null } | undefined;

  get ended(): { readonly error: RemoteError | null } | undefined {
    return this.#ended;
  }

  end(error: RemoteError | null): void {
    if (this.#ended) return;
    this.#ended = { error };
    const listeners = [...this.#listeners];
    this.#listeners.clear();
    for (const listener of listeners) listener(error);
  }

  listen(listener: (error: RemoteError | null) => void): { dispose(): void } {
    const ended = this.#ended;
    if (ended) queueMicrotask(() => listener(ended.error));
    else this.#listeners.add(listener);
    return { dispose: () => this.#listeners.delete(listener) };
  }
}
