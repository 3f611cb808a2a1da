import { findDevice } from '../device/catalogue.ts';
import {
  comparedTerms,
  LOGGED_HALF_WIDTH_BYTES,
  type MeasuredStart,
  tightestOf,
} from '../estimate/compare.ts';
import type { DeploymentEstimate, MemoryTerm, RankEstimate } from '../estimate/types.ts';
import { type CalibrationEntry, minorVersion, type SpeedResidual, type TermResidual } from './calibration.ts';

/**
 * A measured start, with the loads that were measured then, beside the estimate that was made for it without calibration. Undefined
 * where nothing was measured that the estimate has too.
 */
export function calibrationEntry(
  measured: MeasuredStart,
  predicted: DeploymentEstimate,
  source: Pick<CalibrationEntry, 'kind' | 'source'>,
  speed: readonly SpeedResidual[] = [],
): CalibrationEntry | undefined {
  const rank = tightestOf(predicted);
  const residuals = comparedTerms.flatMap(({ id, field }): TermResidual[] => {
    const term = rank?.terms.find((one) => one.id === id);
    const measuredBytes = measured[field];
    if (term === undefined || measuredBytes === null || measuredBytes < 0) return [];
    const resolutionBytes = measured.resolution?.[field] ?? LOGGED_HALF_WIDTH_BYTES;
    return [{ term: id, predictedBytes: term.bytes, measuredBytes, resolutionBytes }];
  });
  if (rank === undefined) return undefined;
  const rest = peakFromRest(measured, predicted, rank, residuals);
  if (rest !== undefined) residuals.push(rest);
  if (residuals.length === 0 && speed.length === 0) return undefined;
  return {
    gpu: gpuName(predicted.device),
    engine: predicted.engine,
    version: minorVersion(predicted.engineVersion),
    family: predicted.model.modelType,
    model: predicted.model.id,
    ranks: predicted.perRank.length,
    ...source,
    residuals,
    ...(speed.length === 0 ? {} : { speed }),
    availableKvBytes:
      measured.availableKvBytes === null
        ? null
        : { predicted: rank.availableKvBytes, measured: measured.availableKvBytes },
    ...(measured.startupSeconds == null
      ? {}
      : {
          startup: {
            seconds: measured.startupSeconds,
            eager: predicted.resolved['enforce-eager'] === true,
          },
        }),
  };
}

/**
 * Where a log prints what is left for the KV cache but not the peak (vLLM at its usual log level before 0.26), the peak is what the
 * other charged terms leave of the difference: bytes, with the rounding of every figure that it is made of.
 */
function peakFromRest(
  measured: MeasuredStart,
  predicted: DeploymentEstimate,
  rank: RankEstimate,
  residuals: readonly TermResidual[],
): TermResidual | undefined {
  const { availableKvBytes, activationPeakBytes, requestedBytes, gpuMemoryUtilization } = measured;
  const peak = rank.terms.find(({ id }) => id === 'activation-peak');
  const isSized = predicted.resolved['kv-cache-memory-bytes'] !== undefined;
  if (availableKvBytes === null || activationPeakBytes !== null || peak === undefined || isSized)
    return undefined;
  const share = Number(predicted.resolved['gpu-memory-utilization']);
  const asked = rank.requestedBytes * ((gpuMemoryUtilization ?? share) / share);
  const others = rank.terms.filter((term) => term.charged && term.id !== peak.id);
  const known = residuals.filter(({ term }) => others.some(({ id }) => id === term));
  const bytesOf = (term: MemoryTerm) =>
    known.find((one) => one.term === term.id)?.measuredBytes ?? term.bytes;
  const measuredBytes =
    (requestedBytes ?? asked) - availableKvBytes - others.reduce((sum, term) => sum + bytesOf(term), 0);
  if (!(measuredBytes > 0)) return undefined;
  const roundings = [availableKvBytes, requestedBytes].filter((bytes) => bytes !== null).length;
  const resolutionBytes =
    roundings * LOGGED_HALF_WIDTH_BYTES + known.reduce((sum, one) => sum + one.resolutionBytes, 0);
  return {
    term: peak.id,
    predictedBytes: peak.bytes,
    measuredBytes: Math.round(measuredBytes),
    resolutionBytes,
  };
}

/** The driver's name where the catalogue has one: what every host with that GPU reports. */
export function gpuName(deviceId: string): string {
  return findDevice(deviceId)?.driverNames[0] ?? deviceId;
}
