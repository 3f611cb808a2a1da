import type { DocumentEstimate, EstimatesResult, PlainRange } from '../../protocol/lsp.ts';
import type { AnalysedDeployment, DocumentAnalysis } from '../analysis.ts';
import { rangeIn } from '../places.ts';

/** What the calculator follows: every deployment with its request, its estimate and where its flags stand. */
export function documentEstimates(analysis: DocumentAnalysis): EstimatesResult {
  const { uri, version } = analysis.snapshot;
  return {
    uri,
    version,
    deployments: analysis.deployments.map((deployment) => documentEstimate(analysis, deployment)),
  };
}

function documentEstimate(
  { snapshot }: DocumentAnalysis,
  { index, located, request, estimate }: AnalysedDeployment,
): DocumentEstimate {
  const flagRanges: Record<string, PlainRange> = {};
  for (const [flag, { key, value }] of Object.entries(located.flags)) {
    flagRanges[flag] = rangeIn(snapshot, value ?? key);
  }
  if (located.model) flagRanges['model'] = rangeIn(snapshot, located.model);
  return { index, range: rangeIn(snapshot, located.range), flagRanges, request, estimate };
}
