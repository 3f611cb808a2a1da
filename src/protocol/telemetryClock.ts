import type { TelemetryHeader } from './agent.ts';
import type { HostClock } from './agentClock.ts';

/**
 * What to add to the times of a stream (the host's wall clock at its start, going on by the monotonic one) to have the
 * client's, milliseconds: by the monotonic clocks, which nobody sets. Before the header has come, by the wall clocks.
 */
export function seriesOffsetMs(clock: HostClock, header: TelemetryHeader | null): number {
  return header === null
    ? clock.wallOffsetMs
    : clock.monotonicOffsetMs + header.startedMonotonicMs - header.startedWallMs;
}
