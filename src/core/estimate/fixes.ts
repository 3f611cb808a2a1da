import type { Engine, EngineEvaluation } from '../engine/engine.ts';
import { judge } from './judge.ts';
import type { EstimateRequest, Fix, VerdictOutcome } from './types.ts';
import { grouped } from './words.ts';

const MOST_FIXES = 4;

/** The engine's candidates that help, each verified by evaluating the edited deployment; at most one a flag. */
export function verifiedFixes(
  engine: Engine,
  request: EstimateRequest,
  evaluation: EngineEvaluation,
  outcome: VerdictOutcome,
): readonly Fix[] {
  const fixes: Fix[] = [];
  for (const candidate of engine.fixCandidates(request, evaluation)) {
    if (fixes.length === MOST_FIXES) break;
    if (fixes.some((fix) => fix.flag === candidate.flag)) continue;
    const edited = engine.evaluate({
      ...request,
      gpuCount: candidate.gpuCount,
      deployment: {
        ...request.deployment,
        flags: { ...request.deployment.flags, [candidate.flag]: candidate.to },
      },
    });
    const after = judge(edited);
    // From "tight" only "fits" is an improvement; from "does not fit" both are.
    const helps = after.outcome === 'fits' || (outcome === 'does-not-fit' && after.outcome === 'tight');
    if (!helps) continue;
    const { kv } = edited;
    const gpus = candidate.gpuCount > request.gpuCount ? `on ${candidate.gpuCount} GPUs ` : '';
    fixes.push({
      flag: candidate.flag,
      from: candidate.from,
      to: candidate.to,
      effect: `${gpus}${timesText(kv.maxConcurrency)} at ${grouped(kv.maxModelLen)} tokens${after.outcome === 'tight' ? ' (tight)' : ''}`,
    });
  }
  return fixes;
}

function timesText(concurrency: number): string {
  return concurrency < 10 ? `${concurrency.toFixed(2)}x` : `${Math.floor(concurrency)}x`;
}
