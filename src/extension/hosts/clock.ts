import type { RemoteHost } from '../../remote/host.ts';

/** This machine's wall clock minus the host's, milliseconds, and how far off that may be. */
export interface ClockOffset {
  readonly offsetMs: number;
  readonly errorMs: number;
}

const rounds = 3;

/**
 * Asks the host what time it is and takes the round with the least travel: the answer was made somewhere in it. null where
 * the host's `date` has no milliseconds.
 */
export async function measureClockOffset(host: RemoteHost): Promise<ClockOffset | null> {
  if (host.kind === 'this-machine') return { offsetMs: 0, errorMs: 0 };
  let best: ClockOffset | null = null;
  for (let round = 0; round < rounds; round++) {
    const sent = Date.now();
    const { stdout } = await host.exec(['date', '+%s%3N'], { timeoutMs: 10_000 });
    const received = Date.now();
    if (!/^\d{13}\s*$/.test(stdout)) return null;
    const errorMs = (received - sent) / 2;
    if (best === null || errorMs < best.errorMs)
      best = { offsetMs: (sent + received) / 2 - Number(stdout), errorMs };
  }
  return best;
}
