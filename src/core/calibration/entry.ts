import { findDevice } from '../device/catalogue.ts';
import {
  comparedTerms,
  LOGGED_HALF_WIDTH_BYTES,
  type MeasuredStart,
  tightestOf,
} from '../estimate/compare.ts';
import type { DeploymentEstimate } from '../estimate/types.ts';
import { type CalibrationEntry, minorVersion, type TermResidual } from './calibration.ts';

/**
 * A measured start beside the estimate that was made for it without calibration. Undefined where the log has no term that the
 * estimate has too.
 */
export function calibrationEntry(
  measured: MeasuredStart,
  predicted: DeploymentEstimate,
  source: Pick<CalibrationEntry, 'kind' | 'source'>,
): CalibrationEntry | undefined {
  const rank = tightestOf(predicted);
  const residuals = comparedTerms.flatMap(({ id, field }): TermResidual[] => {
    const term = rank?.terms.find((one) => one.id === id);
    const measuredBytes = measured[field];
    if (term === undefined || measuredBytes === null || measuredBytes < 0) return [];
    const resolutionBytes = measured.resolution?.[field] ?? LOGGED_HALF_WIDTH_BYTES;
    return [{ term: id, predictedBytes: term.bytes, measuredBytes, resolutionBytes }];
  });
  if (rank === undefined || residuals.length === 0) return undefined;
  return {
    gpu: gpuName(predicted.device),
    engine: predicted.engine,
    version: minorVersion(predicted.engineVersion),
    family: predicted.model.modelType,
    model: predicted.model.id,
    ranks: predicted.perRank.length,
    ...source,
    residuals,
    availableKvBytes:
      measured.availableKvBytes === null
        ? null
        : { predicted: rank.availableKvBytes, measured: measured.availableKvBytes },
  };
}

/** The driver's name where the catalogue has one: what every host with that GPU reports. */
export function gpuName(deviceId: string): string {
  return findDevice(deviceId)?.driverNames[0] ?? deviceId;
}
