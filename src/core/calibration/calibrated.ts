import type { Engine, EngineEvaluation, Obstacle } from '../engine/engine.ts';
import type { EstimateRequest, RankEstimate } from '../estimate/types.ts';
import { gibAsLogged } from '../units.ts';
import { type Calibration, type CalibrationEntry, entriesOf, minorVersion } from './calibration.ts';
import { correctTerm } from './correctTerm.ts';
import { gpuName } from './entry.ts';

/** The engine, its evaluations corrected by what was measured: terms, KV cache and start-up checks. */
export function calibratedEngine(engine: Engine, calibration: Calibration): Engine {
  return {
    ...engine,
    canonicalFlag: (name) => engine.canonicalFlag(name),
    evaluate: (request) => correctedEvaluation(engine, request, calibration),
    fixCandidates: (request, evaluation) => engine.fixCandidates(request, evaluation),
  };
}

/** Checks that follow from how much KV memory there is. */
const kvChecks: ReadonlySet<Obstacle['kind']> = new Set(['no-kv-memory', 'max-model-len', 'mamba-blocks']);

function correctedEvaluation(
  engine: Engine,
  request: EstimateRequest,
  calibration: Calibration,
): EngineEvaluation {
  const evaluation = engine.evaluate(request);
  const entries = entriesFor(engine, request, evaluation, calibration);
  if (entries.length === 0) return evaluation;
  const isSized = evaluation.resolved['kv-cache-memory-bytes'] !== undefined;
  const perRank = evaluation.perRank.map((rank) => correctedRank(rank, request.model.id, entries, isSized));
  const corrected = { ...evaluation, perRank };
  return isSized ? corrected : withKvCache(engine, request, corrected);
}

/** What was measured of this kind of deployment. */
export function entriesFor(
  engine: Engine,
  { device, model }: EstimateRequest,
  { engineVersion, perRank }: EngineEvaluation,
  calibration: Calibration,
): readonly CalibrationEntry[] {
  const gpu = gpuName(device.id);
  const version = minorVersion(engineVersion);
  return entriesOf(calibration).filter(
    (entry) =>
      entry.gpu === gpu &&
      entry.engine === engine.name &&
      entry.version === version &&
      entry.family === model.modelType &&
      entry.ranks === perRank.length,
  );
}

function correctedRank(
  rank: RankEstimate,
  model: string,
  entries: readonly CalibrationEntry[],
  isSized: boolean,
): RankEstimate {
  const terms = rank.terms.map((term) => correctTerm(term, model, entries));
  let moreCharged = 0;
  for (const [at, term] of terms.entries()) {
    if (term.charged) moreCharged += term.bytes - (rank.terms[at]?.bytes ?? term.bytes);
  }
  return isSized
    ? { ...rank, terms, requestedBytes: rank.requestedBytes + moreCharged }
    : { ...rank, terms, availableKvBytes: rank.availableKvBytes - moreCharged };
}

/** Blocks, tokens and the checks on them, by the engine's own rules for a cache of the corrected size: of the rank with the least. */
function withKvCache(
  engine: Engine,
  request: EstimateRequest,
  evaluation: EngineEvaluation,
): EngineEvaluation {
  const available = Math.min(...evaluation.perRank.map((rank) => rank.availableKvBytes));
  const sized = engine.evaluate({
    ...request,
    deployment: {
      ...request.deployment,
      flags: { ...request.deployment.flags, 'kv-cache-memory-bytes': Math.max(1, Math.floor(available)) },
    },
  });
  // A length that follows from the cache follows from the corrected one.
  const length = sized.resolved['max-model-len'];
  return {
    ...evaluation,
    resolved:
      length === undefined ? evaluation.resolved : { ...evaluation.resolved, 'max-model-len': length },
    kv: sized.kv,
    speed: sized.speed,
    obstacle: correctedObstacle(evaluation.obstacle, sized.obstacle, available),
  };
}

function correctedObstacle(
  before: Obstacle | undefined,
  sized: Obstacle | undefined,
  availableBytes: number,
): Obstacle | undefined {
  if (before !== undefined && !kvChecks.has(before.kind)) return before;
  if (availableBytes <= 0) {
    return before?.kind === 'no-kv-memory'
      ? before
      : {
          kind: 'no-kv-memory',
          reason: `what was measured leaves ${gibAsLogged(availableBytes)} GiB for the KV cache`,
          causeFlag: 'gpu-memory-utilization',
        };
  }
  // Of a cache that is given outright the engine asks other things first; only what depends on its size counts here.
  return sized !== undefined && sized.kind !== 'no-kv-memory' ? sized : undefined;
}
