import type { Engine, EngineEvaluation, FixCandidate } from '../engine/engine.ts';
import { blockedByMemory } from './blocked.ts';
import { judge } from './judge.ts';
import type { EstimateRequest, Fix, VerdictOutcome } from './types.ts';
import { grouped } from './words.ts';

const MOST_FIXES = 4;
const MOST_PAIRS = 3;

/**
 * The engine's candidates that help, each verified by evaluating the edited deployment; at most one a flag. Where no single edit
 * does, pairs of edits that do.
 */
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
    const fix = verified(engine, request, [candidate], outcome);
    if (fix !== undefined) fixes.push(fix);
  }
  if (fixes.length > 0 || outcome !== 'does-not-fit' || !blockedByMemory(evaluation.obstacle)) return fixes;
  return verifiedPairs(engine, request, evaluation);
}

/** A stronger single edit, if that does; else two together: a shorter context after one that frees memory, else two that free it. Gentlest first. */
function verifiedPairs(
  engine: Engine,
  request: EstimateRequest,
  evaluation: EngineEvaluation,
): readonly Fix[] {
  const edits = engine.memoryEdits(request, evaluation);
  const alone = edits.flatMap((edit) => verified(engine, request, [edit], 'does-not-fit') ?? []);
  if (alone.length > 0) return alone.slice(0, MOST_FIXES);
  const fixes: Fix[] = [];
  const attempt = (first: FixCandidate, second: FixCandidate) => {
    if (fixes.length === MOST_PAIRS || first.flag === second.flag) return;
    const fix = verified(engine, request, [first, second], 'does-not-fit');
    if (fix !== undefined) fixes.push(fix);
  };
  for (const edit of edits) {
    const { obstacle, kv } = engine.evaluate(edited(request, [edit]));
    if (obstacle?.kind !== 'max-model-len' || kv.largestMaxModelLen < kv.blockSize) continue;
    const from = request.deployment.flags['max-model-len'] ?? null;
    attempt(edit, { flag: 'max-model-len', from, to: kv.largestMaxModelLen, gpuCount: edit.gpuCount });
  }
  for (const [index, first] of edits.entries()) {
    for (const second of edits.slice(index + 1)) attempt(first, second);
  }
  return fixes;
}

function verified(
  engine: Engine,
  request: EstimateRequest,
  candidates: readonly [FixCandidate, ...FixCandidate[]],
  outcome: VerdictOutcome,
): Fix | undefined {
  const after = edited(request, candidates);
  const evaluation = engine.evaluate(after);
  const judged = judge(evaluation);
  // From "tight" only "fits" is an improvement; from "does not fit" both are.
  const helps = judged.outcome === 'fits' || (outcome === 'does-not-fit' && judged.outcome === 'tight');
  if (!helps) return undefined;
  const { kv } = evaluation;
  const [first, ...others] = candidates;
  const gpus = after.gpuCount > request.gpuCount ? `on ${after.gpuCount} GPUs ` : '';
  return {
    flag: first.flag,
    from: first.from,
    to: first.to,
    ...(others.length === 0 ? {} : { also: others.map(({ flag, from, to }) => ({ flag, from, to })) }),
    effect: `${gpus}${timesText(kv.maxConcurrency)} at ${grouped(kv.maxModelLen)} tokens${judged.outcome === 'tight' ? ' (tight)' : ''}`,
  };
}

/** The request with edits put in, on as many GPUs as they need. */
export function edited(request: EstimateRequest, candidates: readonly FixCandidate[]): EstimateRequest {
  const flags = { ...request.deployment.flags };
  let { gpuCount } = request;
  for (const candidate of candidates) {
    flags[candidate.flag] = candidate.to;
    gpuCount = Math.max(gpuCount, candidate.gpuCount);
  }
  return { ...request, gpuCount, deployment: { ...request.deployment, flags } };
}

function timesText(concurrency: number): string {
  return concurrency < 10 ? `${concurrency.toFixed(2)}x` : `${Math.floor(concurrency)}x`;
}
