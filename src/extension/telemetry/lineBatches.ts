import type { TelemetryLine } from '../../protocol/agent.ts';

/** At most five messages a second to a page, whatever the number of hosts and their rates. */
const flushEveryMs = 200;
/** Hosts that are sampled together come together. */
const gatherMs = 20;

/** News of hosts on their way to a page: the first goes almost at once, what follows closely goes together. */
export class LineBatches {
  #waiting = new Map<string, TelemetryLine[]>();
  #timer: NodeJS.Timeout | undefined;
  #flushedMs = Number.NEGATIVE_INFINITY;

  constructor(readonly flush: (batches: ReadonlyMap<string, readonly TelemetryLine[]>) => void) {}

  /** No lines: only the host's state changed. */
  add(host: string, lines: readonly TelemetryLine[]): void {
    const waiting = this.#waiting.get(host) ?? [];
    for (const line of lines) waiting.push(line);
    this.#waiting.set(host, waiting);
    const sinceMs = performance.now() - this.#flushedMs;
    this.#timer ??= setTimeout(() => this.#flush(), Math.max(gatherMs, flushEveryMs - sinceMs));
  }

  /** What waits is told in another way, or to nobody. */
  clear(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#waiting.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    this.#flushedMs = performance.now();
    const batches = this.#waiting;
    this.#waiting = new Map();
    this.flush(batches);
  }
}
