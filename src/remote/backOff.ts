import { setTimeout as delay } from 'node:timers/promises';
import { RemoteError } from './host.ts';

const longestMs = 30_000;

/** Half a second, doubled up to 30 s; spread by a quarter, so that many do not come back at once. `spread`: 0 to 1. */
export function backOffMs(attempt: number, spread = Math.random()): number {
  return Math.min(longestMs, 500 * 2 ** attempt) * (0.75 + spread / 2);
}

/** What may be over the next time. A refused key, password or host key is not: trying again would only ask again. */
export function isPassing(error: unknown): error is RemoteError {
  return RemoteError.is(error) && ['lost', 'unreachable', 'timeout'].includes(error.reason);
}

export interface AgainOptions {
  readonly signal: AbortSignal;
  readonly backOff?: (attempt: number) => number;
  /** Before each wait. */
  readonly onWait?: (error: RemoteError, waitMs: number) => void;
}

/**
 * Connects anew after a loss, until it succeeds, the signal comes (RemoteError `cancelled`) or it fails for a reason that does
 * not pass. The first try comes after a wait too.
 */
export async function connectAgain<T>(
  lost: RemoteError,
  open: () => Promise<T>,
  { signal, backOff = backOffMs, onWait = () => {} }: AgainOptions,
): Promise<T> {
  let error = lost;
  for (let attempt = 0; ; attempt++) {
    const waitMs = backOff(attempt);
    onWait(error, waitMs);
    await delay(waitMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted)
      throw new RemoteError('cancelled', lost.host, `Connecting to ${lost.host} again was cancelled.`);
    try {
      return await open();
    } catch (reason) {
      if (!isPassing(reason)) throw reason;
      error = reason;
    }
  }
}
