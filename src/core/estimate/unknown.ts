import type { Problem } from '../result.ts';
import type { UnknownEstimate } from './types.ts';

/** The place in the list of a deployment that could not be estimated: the model is not there, not covered, or torn. */
export function unknownEstimate(source: string, problem: Problem): UnknownEstimate {
  return {
    source,
    verdict: { outcome: 'unknown', reason: problem.message, fixes: [] },
    warnings: [problem],
  };
}
