/** How far a host's clocks are from the client's, by pings over the channel of `sample`. */

import type { TelemetryPong } from './agentTelemetry.ts';

/** Client minus host: add it to a time of the host. The truth is within `errorMs` of it, whatever the two ways took. */
export interface HostClock {
  readonly monotonicOffsetMs: number;
  readonly wallOffsetMs: number;
  /** Half the time that the ping was under way. */
  readonly errorMs: number;
}

/** Rounds that are looked back at: an old best round would hide that the clocks drift apart. */
const keptRounds = 8;

/**
 * Cristian's method with the clock filter of NTP (RFC 5905, section 10): of the last rounds the one with the shortest way
 * counts, for it leaves the least room for error. Times in milliseconds of one clock of the client.
 */
export class HostClockEstimator {
  readonly #sent = new Map<number, number>();
  readonly #rounds: HostClock[] = [];
  #next = 0;

  /** The number of a ping that leaves now. */
  ping(nowMs: number): number {
    const ping = this.#next++;
    this.#sent.set(ping, nowMs);
    // Pings that were never answered are forgotten.
    this.#sent.delete(ping - 2 * keptRounds);
    return ping;
  }

  /** Takes an answer that came now. Gives the estimate; null where the answer belongs to no ping of ours. */
  pong(
    { ping, receivedMonotonicMs, sentMonotonicMs, sentWallMs }: TelemetryPong,
    nowMs: number,
  ): HostClock | null {
    const sentMs = this.#sent.get(ping);
    if (sentMs === undefined) return null;
    this.#sent.delete(ping);
    const heldMs = sentMonotonicMs - receivedMonotonicMs;
    const monotonicOffsetMs = (sentMs - receivedMonotonicMs + (nowMs - sentMonotonicMs)) / 2;
    this.#rounds.push({
      monotonicOffsetMs,
      wallOffsetMs: monotonicOffsetMs + sentMonotonicMs - sentWallMs,
      errorMs: Math.max(0, (nowMs - sentMs - heldMs) / 2),
    });
    if (this.#rounds.length > keptRounds) this.#rounds.shift();
    return this.estimate;
  }

  get estimate(): HostClock | null {
    return this.#rounds.reduce<HostClock | null>(
      (best, round) => (best === null || round.errorMs <= best.errorMs ? round : best),
      null,
    );
  }
}
