import { entriesOf } from '../core/calibration/calibration.ts';
import { tightestOf } from '../core/estimate/compare.ts';
import type { DeploymentEstimate, EstimateRequest } from '../core/estimate/types.ts';

/** Ids of the terms that this workspace's calibration corrects or confirms. */
export function measuredTerms(
  { calibration }: EstimateRequest,
  estimate: DeploymentEstimate,
): ReadonlySet<string> {
  if (calibration === undefined) return new Set();
  const sources = new Set(entriesOf(calibration).map(({ source }) => source));
  const terms = tightestOf(estimate)?.terms ?? [];
  return new Set(
    terms.filter((term) => [...sources].some((source) => term.source.includes(source))).map(({ id }) => id),
  );
}
