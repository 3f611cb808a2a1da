import type { TelemetryGap, TelemetryHeader, TelemetryLine } from './agent.ts';

/**
 * Joins the streams of one host, sampled again after a cut, into one: what lies between the last record and the new
 * header is a gap with its cause. Times of the gap are those of the earlier stream's monotonic clock.
 */
export class TelemetryJoin {
  #header: TelemetryHeader | undefined;
  #lastMonotonicMs: number | undefined;
  #cause = 'sampling was stopped';

  /** Why the stream ended; said in the gap if another one begins. */
  broken(cause: string): void {
    this.#cause = cause;
  }

  /** The line, with the gap before it where a new stream begins. */
  take(line: TelemetryLine): readonly TelemetryLine[] {
    if (line.type === 'telemetry-header') {
      const gap = this.#gapBefore(line);
      this.#header = line;
      this.#lastMonotonicMs = undefined;
      return gap === undefined ? [line] : [gap, line];
    }
    if (line.type === 'telemetry') this.#lastMonotonicMs = line.monotonicMs;
    return [line];
  }

  #gapBefore(next: TelemetryHeader): TelemetryGap | undefined {
    const header = this.#header;
    if (header === undefined) return undefined;
    const fromMonotonicMs = this.#lastMonotonicMs ?? header.startedMonotonicMs;
    // The monotonic clock starts anew with the machine: only its wall clock spans both streams.
    const toMonotonicMs = next.startedWallMs - header.startedWallMs + header.startedMonotonicMs;
    if (toMonotonicMs <= fromMonotonicMs) return undefined;
    return {
      type: 'telemetry-gap',
      fromMonotonicMs,
      toMonotonicMs,
      missedTicks: Math.floor((toMonotonicMs - fromMonotonicMs) / header.intervalMs),
      cause: this.#cause,
    };
  }
}
