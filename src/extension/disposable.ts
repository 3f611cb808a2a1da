import type { Disposable } from 'vscode';

/** What holds other disposables and ends with them. `dispose` may be called more than once. */
export abstract class DisposableStore implements Disposable {
  readonly #held: Disposable[] = [];
  #disposed = false;

  protected get isDisposed(): boolean {
    return this.#disposed;
  }

  /** Hands `disposable` back, to be disposed with this, last first; at once where this is over. */
  protected register<T extends Disposable>(disposable: T): T {
    if (this.#disposed) disposable.dispose();
    else this.#held.push(disposable);
    return disposable;
  }

  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    for (const disposable of this.#held.splice(0).reverse()) disposable.dispose();
  }
}
