/**
 * Draws at most one waiting thing a frame, in the order they asked; asking again while waiting changes
 * nothing. So eight charts that all have news cost eight short frames and not a long one.
 */
export class FrameQueue {
  readonly #waiting = new Map<object, () => void>();
  #asked = false;

  request(owner: object, draw: () => void): void {
    this.#waiting.set(owner, draw);
    this.#ask();
  }

  forget(owner: object): void {
    this.#waiting.delete(owner);
  }

  #ask(): void {
    if (this.#asked || this.#waiting.size === 0) return;
    this.#asked = true;
    requestAnimationFrame(() => {
      this.#asked = false;
      const next = this.#waiting.entries().next();
      if (next.done === true) return;
      const [owner, draw] = next.value;
      this.#waiting.delete(owner);
      this.#ask();
      draw();
    });
  }
}

/** Of the whole page. */
export const frames = new FrameQueue();
