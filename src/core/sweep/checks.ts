/** Checks of the measurement itself: whether its figures can be true together. */
import type { LoadResult } from './loadResult.ts';

/**
 * Little's law for a closed loop: requests in flight = throughput x time in the system. Gives by how much the measured product misses the
 * concurrency, as a share of it; null where a figure is missing. Ramp and drain of a short trial cost some; beyond 10 % something is wrong.
 */
export function littlesLawResidual(trial: LoadResult, concurrency: number): number | null {
  const { systemTokensPerSecond, tokens, requests, e2eMs } = trial;
  if (systemTokensPerSecond === null || e2eMs.mean === null || requests.ok === null) return null;
  if (tokens.output === null || tokens.output === 0) return null;
  const seconds = tokens.output / systemTokensPerSecond;
  const inFlight = (requests.ok / seconds) * (e2eMs.mean / 1000);
  return Math.abs(concurrency - inFlight) / concurrency;
}

export const mostResidual = 0.1;

/** A service level speaks of the requests that were answered; beyond this share of failures it is missed, however fast the rest was. */
export const mostFailedShare = 0.01;

/** Failed requests, as a share of all. Failures that a file does not count are none here. */
export function failedShare({ requests }: LoadResult): number {
  const failed = requests.failed ?? 0;
  return failed / Math.max(1, (requests.ok ?? 0) + failed);
}

export function failsTooOften(trials: readonly LoadResult[]): boolean {
  return trials.some((trial) => failedShare(trial) > mostFailedShare);
}
