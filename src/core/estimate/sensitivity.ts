import { calibratedEngine } from '../calibration/calibrated.ts';
import type { FlagValue } from '../engine/deployment.ts';
import type { Engine, EngineEvaluation, FixCandidate } from '../engine/engine.ts';
import { findEngine } from '../engine/engines.ts';
import { edited } from './fixes.ts';
import { gpusNeeded } from './gpusNeeded.ts';
import { judge } from './judge.ts';
import type { EstimateRequest, VerdictOutcome } from './types.ts';

/** What one flag's change does to the KV cache. */
export interface FlagSensitivity {
  readonly flag: string;
  /** As the engine resolves it now; null where it has no value. */
  readonly from: FlagValue | null;
  readonly to: FlagValue;
  /** "GPU KV cache size" after the change, in tokens. */
  readonly kvTokens: number;
  readonly kvTokensDelta: number;
  /** "Maximum concurrency" after the change. */
  readonly maxConcurrency: number;
  readonly outcome: VerdictOutcome;
  /** GPUs that the change needs. */
  readonly gpuCount: number;
}

/**
 * What each flag that moves the KV cache would gain or cost, one change at a time, the largest gain first. Two dozen evaluations: for
 * whoever asks, not for every keystroke. Empty for an engine that is not covered.
 */
export function estimateSensitivity(request: EstimateRequest): readonly FlagSensitivity[] {
  const engine = engineOf(request);
  if (engine === undefined) return [];
  const now = engine.evaluate(request);
  if (now.obstacle?.kind === 'flag-value') return [];
  return engine
    .variations(request, now)
    .map((variation) => effectOf(engine, request, now, variation))
    .sort((left, right) => right.kvTokensDelta - left.kvTokensDelta);
}

/** As `estimateSensitivity`, for values of one flag, in their order; on as many GPUs as each needs. */
export function flagEffects(
  request: EstimateRequest,
  flag: string,
  values: readonly FlagValue[],
): readonly FlagSensitivity[] {
  const engine = engineOf(request);
  if (engine === undefined || values.length === 0) return [];
  const now = engine.evaluate(request);
  if (now.obstacle?.kind === 'flag-value') return [];
  const from = request.deployment.flags[flag] ?? null;
  return values.map((to) => {
    const gpuCount = Math.max(request.gpuCount, gpusNeeded({ ...now.resolved, [flag]: to }));
    return effectOf(engine, request, now, { flag, from, to, gpuCount });
  });
}

function engineOf({ deployment, calibration }: EstimateRequest): Engine | undefined {
  const engine = findEngine(deployment.engine);
  return engine === undefined || calibration === undefined ? engine : calibratedEngine(engine, calibration);
}

function effectOf(
  engine: Engine,
  request: EstimateRequest,
  now: EngineEvaluation,
  variation: FixCandidate,
): FlagSensitivity {
  const after = engine.evaluate(edited(request, [variation]));
  return {
    flag: variation.flag,
    from: now.resolved[variation.flag] ?? null,
    to: variation.to,
    kvTokens: after.kv.tokens,
    kvTokensDelta: after.kv.tokens - now.kv.tokens,
    maxConcurrency: after.kv.maxConcurrency,
    outcome: judge(after).outcome,
    gpuCount: variation.gpuCount,
  };
}
