/**
 * The error of a mean over time. Tokens of requests that run in one batch come and stall together, so a variance over requests or tokens
 * is far too small; the means of long stretches of time are nearly independent (method of batch means; Law, Simulation Modeling and
 * Analysis, 9.5.3).
 */
import type { BatchMeansError } from './loadResult.ts';
import { halfWidth95 } from './studentT.ts';

export const leastBatches = 10;
const MOST_BATCHES = 30;
/** Fewer times the mean E2E than this in a window, and no number of batches says anything. */
const LEAST_LENGTHS = 5;

/** How many batches of at least one mean E2E a window makes; ten shorter ones where it is a little short; null where it is far too short. */
export function batchCount(windowMs: number, meanE2eMs: number): number | null {
  if (!(windowMs > 0) || !(meanE2eMs > 0)) return null;
  const lengths = windowMs / meanE2eMs;
  if (lengths < LEAST_LENGTHS) return null;
  return Math.min(MOST_BATCHES, Math.max(leastBatches, Math.floor(lengths)));
}

/**
 * From the means of equally long, consecutive batches. What correlation is left between neighbours (short batches have some) widens the
 * error: variance of the mean x (1 + r) / (1 - r), r the lag-1 autocorrelation where it is positive, corrected for its bias of -1/n.
 * Undefined for fewer than two batches.
 */
export function batchMeansError(means: readonly number[]): BatchMeansError | undefined {
  const n = means.length;
  if (n < 2) return undefined;
  const mean = means.reduce((sum, value) => sum + value, 0) / n;
  const deviations = means.map((value) => value - mean);
  const squares = deviations.reduce((sum, value) => sum + value * value, 0);
  const products = deviations.slice(1).reduce((sum, value, at) => sum + value * (deviations[at] ?? 0), 0);
  const lag1 = squares > 0 ? products / squares + 1 / n : 0;
  const correlation = Math.min(0.9, Math.max(0, lag1));
  // An AR(1) of that correlation: its sum over all lags.
  const inflation = (1 + correlation) / (1 - correlation);
  const standardError = Math.sqrt((squares / (n - 1) / n) * inflation);
  const half = halfWidth95(n - 1) * standardError;
  return { standardError, low: mean - half, high: mean + half, batches: n };
}
