import type { Prompter } from './host.ts';

/** A time limit that stands still while a person is asked something. */
export class Patience {
  #timer: NodeJS.Timeout | undefined;
  #questions = 0;
  #ended = false;

  constructor(
    readonly limitMs: number,
    readonly onExpired: () => void,
  ) {
    this.#run();
  }

  end(): void {
    this.#ended = true;
    clearTimeout(this.#timer);
  }

  /** The same prompter; while one of its questions is open, no time passes. The answer gives the full time again. */
  prompter(prompter: Prompter): Prompter {
    return {
      ...(prompter.notice ? { notice: prompter.notice.bind(prompter) } : {}),
      acceptUnknownHostKey: (question) => this.during(() => prompter.acceptUnknownHostKey(question)),
      passphrase: (question) => this.during(() => prompter.passphrase(question)),
      password: (question) => this.during(() => prompter.password(question)),
      keyboardInteractive: (question) => this.during(() => prompter.keyboardInteractive(question)),
    };
  }

  /** No time passes until the answer is there. */
  async during<T>(ask: () => Promise<T>): Promise<T> {
    this.#questions++;
    clearTimeout(this.#timer);
    try {
      return await ask();
    } finally {
      this.#questions--;
      this.#run();
    }
  }

  #run(): void {
    if (this.#ended || this.#questions > 0) return;
    this.#timer = setTimeout(this.onExpired, this.limitMs);
  }
}
