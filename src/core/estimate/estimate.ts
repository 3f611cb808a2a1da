import { calibratedEngine, entriesFor } from '../calibration/calibrated.ts';
import { correctedSpeed } from '../calibration/correctSpeed.ts';
import type { Engine, EngineEvaluation } from '../engine/engine.ts';
import { findEngine } from '../engine/engines.ts';
import type { Problem } from '../result.ts';
import { estimateSpeed } from '../speed/estimateSpeed.ts';
import { crossChecks } from './crossChecks.ts';
import { verifiedFixes } from './fixes.ts';
import { bandWarning, judge } from './judge.ts';
import type { DeploymentEstimate, EstimateRequest, SpeedEstimate, Verdict } from './types.ts';

export interface EstimateOptions {
  /** False leaves `verdict.fixes` empty and cross-checks out: for sweeps over many points. Default true. */
  readonly fixes?: boolean;
}

/**
 * Memory, KV cache, speed and verdict of one deployment. Pure and fast enough for a slider; fixes are looked for only where it does
 * not fit or is tight. Bad flag values do not throw: the verdict is then `unknown` and says which.
 * An engine that is not known is estimated as vLLM, with the warning `engine.unknown` and the verdict `unknown`.
 */
export function estimate(request: EstimateRequest, options: EstimateOptions = {}): DeploymentEstimate {
  const { deployment, model, device } = request;
  const known = findEngine(deployment.engine);
  const bare = known ?? vllmEngine();
  const { calibration } = request;
  const engine = calibration === undefined ? bare : calibratedEngine(bare, calibration);
  const evaluation = engine.evaluate(request);
  const judged: Omit<Verdict, 'fixes'> =
    known === undefined
      ? { outcome: 'unknown', reason: `the engine "${deployment.engine}" is not covered yet` }
      : judge(evaluation);
  const wantsFixes =
    options.fixes !== false && (judged.outcome === 'does-not-fit' || judged.outcome === 'tight');
  return {
    source: request.source,
    model: {
      id: model.id,
      modelType: model.modelType,
      parameters: model.parameters.total,
      parametersByKind: model.parameters,
    },
    engine: deployment.engine,
    engineVersion: evaluation.engineVersion,
    device: device.id,
    gpuCount: request.gpuCount,
    resolved: evaluation.resolved,
    perRank: evaluation.perRank,
    kv: evaluation.kv,
    speed: speedOf(engine, request, evaluation),
    verdict: {
      ...judged,
      fixes: wantsFixes ? verifiedFixes(engine, request, evaluation, judged.outcome) : [],
    },
    ...(options.fixes === false ? undefined : { crossChecks: crossChecks(evaluation) }),
    warnings: warningsOf(evaluation, known === undefined ? deployment.engine : undefined),
  };
}

function speedOf(engine: Engine, request: EstimateRequest, evaluation: EngineEvaluation): SpeedEstimate {
  if (evaluation.staticBatch !== undefined) return evaluation.staticBatch.speed;
  const speed = estimateSpeed(evaluation.speed);
  const { calibration, model } = request;
  return calibration === undefined
    ? speed
    : correctedSpeed(speed, model.id, entriesFor(engine, request, evaluation, calibration));
}

function warningsOf(evaluation: EngineEvaluation, unknownEngine: string | undefined): readonly Problem[] {
  const close = bandWarning(evaluation);
  if (close === undefined && unknownEngine === undefined) return evaluation.warnings;
  const warnings = [...evaluation.warnings];
  if (close !== undefined) warnings.push(close);
  if (unknownEngine !== undefined) {
    warnings.unshift({
      code: 'engine.unknown',
      message: `The engine "${unknownEngine}" is not covered yet; the figures are vLLM's.`,
    });
  }
  return warnings;
}

function vllmEngine() {
  const engine = findEngine('vllm');
  if (engine === undefined) throw new Error('the vLLM engine is not registered');
  return engine;
}
