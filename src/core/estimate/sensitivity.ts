import { calibratedEngine } from '../calibration/calibrated.ts';
import type { FlagValue } from '../engine/deployment.ts';
import { findEngine } from '../engine/engine.ts';
import { edited } from './fixes.ts';
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
  const known = findEngine(request.deployment.engine);
  if (known === undefined) return [];
  const { calibration } = request;
  const engine = calibration === undefined ? known : calibratedEngine(known, calibration);
  const now = engine.evaluate(request);
  if (now.obstacle?.kind === 'flag-value') return [];
  return engine
    .variations(request, now)
    .map((variation): FlagSensitivity => {
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
    })
    .sort((left, right) => right.kvTokensDelta - left.kvTokensDelta);
}
