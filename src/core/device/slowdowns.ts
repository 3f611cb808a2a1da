import { slowingReasons } from './slowdown.ts';

/** Of the host's time, milliseconds. */
export interface Stretch {
  readonly fromMs: number;
  toMs: number;
}

export type KeptSlowdowns = readonly (readonly [bit: number, stretches: readonly Readonly<Stretch>[]])[];

/** Stretches that are kept of a reason; a GPU at its power cap may come and go with each sample. */
const mostStretches = 20_000;

/** When a GPU was slowed down, by reason. A gap ends a stretch: what was not sampled is not known. */
export class Slowdowns {
  readonly #stretches = new Map<number, Stretch[]>();
  #open = new Map<number, Stretch>();

  /** Bits of NVML's clocks-event reasons; null: not known. */
  take(timeMs: number, bits: number | null): void {
    for (const [bit] of slowingReasons) {
      const open = this.#open.get(bit);
      if (open !== undefined) open.toMs = timeMs;
      const holds = bits !== null && (bits & bit) !== 0;
      if (!holds) this.#open.delete(bit);
      else if (open === undefined) this.#begin(bit, timeMs);
    }
  }

  gap(): void {
    this.#open = new Map();
  }

  /** Ascending; stretches that reach into the time. */
  of(bit: number, fromMs: number, toMs: number): readonly Stretch[] {
    return (this.#stretches.get(bit) ?? []).filter((one) => one.toMs >= fromMs && one.fromMs <= toMs);
  }

  /** All of a time, by reason, for another `Slowdowns` to go on with; stretches closer than `apartMs` are one. */
  export(fromMs: number, toMs: number, apartMs: number): KeptSlowdowns {
    return slowingReasons.map(([bit]) => {
      const merged: Stretch[] = [];
      for (const { fromMs: from, toMs: to } of this.of(bit, fromMs, toMs)) {
        const last = merged.at(-1);
        if (last !== undefined && from - last.toMs < apartMs) last.toMs = Math.max(last.toMs, to);
        else merged.push({ fromMs: from, toMs: to });
      }
      return [bit, merged];
    });
  }

  static from(kept: KeptSlowdowns): Slowdowns {
    const slowdowns = new Slowdowns();
    for (const [bit, stretches] of kept)
      slowdowns.#stretches.set(
        bit,
        stretches.map(({ fromMs, toMs }) => ({ fromMs, toMs })),
      );
    return slowdowns;
  }

  #begin(bit: number, timeMs: number): void {
    const stretch: Stretch = { fromMs: timeMs, toMs: timeMs };
    const known = this.#stretches.get(bit) ?? [];
    known.push(stretch);
    if (known.length > 1.1 * mostStretches) known.splice(0, known.length - mostStretches);
    this.#stretches.set(bit, known);
    this.#open.set(bit, stretch);
  }
}
