import type { EngineEvaluation } from '../engine/engine.ts';
import { findEngine } from '../engine/engines.ts';
import type { DeploymentEstimate, EstimateRequest } from '../estimate/types.ts';
import { decodeStep, prefillMs } from '../speed/roofline.ts';
import type { SimulatedEngine } from './simulatedEngine.ts';
import {
  captureHeadroomBytes,
  openingLines,
  outOfMemoryLines,
  profilingLines,
  readyLines,
  refusalLines,
  SIMULATED_PREFIX,
  tightestRank,
} from './simulatedLog.ts';

/** A rehearsal compresses the start, and its log says so. */
const STARTUP_SECONDS = 1;
const RELATIVE_NOISE = 0.03;

/**
 * Every parameter of the simulated engine for one deployment. It serves, refuses or runs out of memory where the estimate says that the
 * engine would, in the engine's own words, each line marked as simulated. A verdict of `unknown` refuses, with the reason.
 * `step` is the roofline made linear: weights and launch as the base, then a cost a sequence, a cached token and a prefilled token.
 */
export function simulateEngine(
  request: EstimateRequest,
  estimate: DeploymentEstimate,
  options: { readonly seed: number },
): SimulatedEngine {
  const evaluation = findEngine(request.deployment.engine)?.evaluate(request);
  const start =
    evaluation === undefined
      ? { outcome: 'refuses' as const, lines: [`ERROR ${estimate.verdict.reason}`] }
      : simulatedStart(request, evaluation);
  const { kv } = estimate;
  return {
    modelName: servedName(request),
    engineVersion: estimate.engineVersion,
    startupSeconds: STARTUP_SECONDS,
    start: start.outcome === 'serves' ? { outcome: 'serves' } : { outcome: start.outcome, exitCode: 1 },
    logLines: start.lines.map((line) => `${SIMULATED_PREFIX} ${line}`),
    maxModelLen: kv.maxModelLen,
    maxNumSeqs: wholeOr(estimate.resolved['max-num-seqs'], 1),
    maxNumBatchedTokens: wholeOr(estimate.resolved['max-num-batched-tokens'], kv.maxModelLen),
    // Room in tokens, as blocks of one full-attention group: what sliding-window layers save is in it.
    kvBlocks:
      start.outcome === 'serves'
        ? Math.max(Math.ceil(kv.maxModelLen / kv.blockSize), Math.floor(kv.tokens / kv.blockSize))
        : 0,
    blockSize: kv.blockSize,
    step: evaluation === undefined ? noSteps : stepCosts(evaluation),
    noise: { relativeDeviation: RELATIVE_NOISE, seed: options.seed },
  };
}

const noSteps: SimulatedEngine['step'] = {
  baseMs: 0,
  perSequenceMs: 0,
  perKvTokenMs: 0,
  perPrefillTokenMs: 0,
};

function simulatedStart(
  request: EstimateRequest,
  evaluation: EngineEvaluation,
): { outcome: SimulatedEngine['start']['outcome']; lines: string[] } {
  const { obstacle } = evaluation;
  const opening = openingLines(request, evaluation);
  const rank = tightestRank(evaluation);
  if (obstacle !== undefined && obstacle.kind !== 'weights') {
    return { outcome: 'refuses', lines: [...opening, ...refusalLines(request, evaluation, obstacle)] };
  }
  if (rank === undefined) return { outcome: 'refuses', lines: opening };
  if (obstacle !== undefined) {
    const weights = rank.terms.find((term) => term.id === 'weights')?.bytes ?? 0;
    return {
      outcome: 'out-of-memory',
      lines: [...opening, 'INFO Loading model', ...outOfMemoryLines(rank, weights, 0)],
    };
  }
  const headroom = captureHeadroomBytes(rank);
  if (headroom < 0) {
    const graphs = rank.terms.find((term) => term.id === 'graphs-uncharged')?.bytes ?? 0;
    const lines = [
      ...opening,
      ...profilingLines(evaluation),
      'INFO Capturing CUDA graphs',
      ...outOfMemoryLines(rank, graphs, graphs + headroom),
    ];
    return { outcome: 'out-of-memory', lines };
  }
  return {
    outcome: 'serves',
    lines: [...opening, ...profilingLines(evaluation), ...readyLines(evaluation)],
  };
}

function stepCosts({ speed }: EngineEvaluation): SimulatedEngine['step'] {
  const { inputTokens, outputTokens } = speed.load;
  const alone = decodeStep(speed, 1, 0).totalMs;
  const perSequenceMs = Math.max(0, decodeStep(speed, 2, 0).totalMs - alone);
  const context = inputTokens + outputTokens / 2;
  return {
    baseMs: alone - perSequenceMs,
    perSequenceMs,
    perKvTokenMs: Math.max(0, decodeStep(speed, 1, context).totalMs - alone) / context,
    perPrefillTokenMs:
      Math.max(0, prefillMs(speed, 2 * inputTokens) - prefillMs(speed, inputTokens)) / inputTokens,
  };
}

function servedName(request: EstimateRequest): string {
  const served = request.deployment.flags['served-model-name'];
  const name = Array.isArray(served) ? (served as readonly unknown[])[0] : served;
  return typeof name === 'string' && name !== '' ? name : (request.deployment.model ?? request.model.id);
}

function wholeOr(value: unknown, fallback: number): number {
  return typeof value === 'number' && Number.isInteger(value) ? value : fallback;
}
