/** A reading of a counter that only grows: bytes, nanojoules, nanoseconds throttled. */
export interface CounterReading {
  readonly timeMs: number;
  /** null: not known at this tick. */
  readonly value: number | null;
}

/**
 * Rates per second between successive readings of a growing counter. NaN where a rate cannot be told: at the
 * first reading, after an unknown one, where no time has passed, and where the counter fell (it was reset).
 */
export class CounterRate {
  #previous: { readonly timeMs: number; readonly value: number } | undefined;

  next({ timeMs, value }: CounterReading): number {
    const previous = this.#previous;
    this.#previous = value === null ? undefined : { timeMs, value };
    if (previous === undefined || value === null) return Number.NaN;
    const seconds = (timeMs - previous.timeMs) / 1000;
    return seconds > 0 && value >= previous.value ? (value - previous.value) / seconds : Number.NaN;
  }
}
