/** What is predicted of a cell: its verdict, and how long it takes. */
import type { Deployment } from '../engine/deployment.ts';
import { findEngine } from '../engine/engines.ts';
import { draftOf } from '../engine/vllm/draftModel.ts';
import { estimate } from '../estimate/estimate.ts';
import type { DeploymentEstimate, EstimateRequest } from '../estimate/types.ts';
import { GiB } from '../units.ts';
import { meanTokens } from './load.ts';
import type { PlanContext } from './planContext.ts';
import type { SweepPlan } from './planSchema.ts';
import type { Arrangement, Cell, LoadProfile } from './run.ts';

/** A trial of a cell without a prediction. A guess, used for the ETA alone. */
const UNPREDICTED_TRIAL_SECONDS = 120;

/** What MPS takes off a pinned limit before an engine sees it as free: 20 GiB show as 19.50 (H100, driver 580.159.04, 2026-11-21). */
const MPS_OVERHEAD_BYTES = 0.5 * GiB;

/** A point of the grid before anything is known of it. */
export interface CellPoint {
  readonly flags: Cell['flags'];
  readonly load: LoadProfile;
  readonly gpuCount: number;
  readonly arrangement: Arrangement;
}

/** The deployment of a cell, as each of its engines is launched. */
export function cellDeployment(plan: SweepPlan, flags: Cell['flags']): Deployment {
  return {
    engine: plan.engine.name,
    ...(plan.engine.version === undefined ? {} : { engineVersion: plan.engine.version }),
    entrypoint: 'serve',
    model: plan.model,
    flags,
  };
}

/**
 * What the estimator is asked for the last of a cell's engines to start, which finds least memory free; null where model or device is not
 * known, or Loadline has no estimate of the engine.
 */
export function cellEstimateRequest(
  plan: SweepPlan,
  { flags, load, gpuCount, arrangement }: CellPoint,
  context: PlanContext,
): EstimateRequest | null {
  if (context.model === null || context.device === null) return null;
  if (findEngine(plan.engine.name)?.isServer !== true) return null;
  const deployment = cellDeployment(plan, flags);
  const request: EstimateRequest = {
    source: plan.name,
    deployment,
    model: context.model,
    ...draftOf(deployment),
    device: context.device,
    gpuCount,
    load: {
      batch: Math.max(1, Math.ceil(requestsAtOnce(load) / arrangement.copies)),
      inputTokens: meanTokens(load.input),
      outputTokens: meanTokens(load.output),
    },
    ...(context.cudaTotalBytes === undefined ? {} : { cudaTotalBytes: context.cudaTotalBytes }),
    ...(context.calibration === undefined ? {} : { calibration: context.calibration }),
  };
  const freeBytes = freeForLast(request, arrangement);
  return freeBytes === undefined ? request : { ...request, freeBytes };
}

/** What the last of several copies finds free on its GPU, bytes; undefined where it is alone and has no limit. */
function freeForLast(
  request: EstimateRequest,
  { copies, memoryLimitBytes }: Arrangement,
): number | undefined {
  if (copies === 1 && memoryLimitBytes === undefined) return undefined;
  const [rank] = estimate(request, { fixes: false }).perRank;
  if (rank === undefined) return undefined;
  const uncharged = rank.terms.reduce((sum, { bytes, charged }) => sum + (charged ? 0 : bytes), 0);
  const left = rank.totalBytes - (copies - 1) * (rank.requestedBytes + uncharged);
  const limit = memoryLimitBytes === undefined ? left : memoryLimitBytes - MPS_OVERHEAD_BYTES;
  return Math.max(0, Math.min(left, limit));
}

/** Seconds of one trial: waves of requests in flight, each as long as one request; what an engine cannot run at once waits for its turn. */
export function trialSeconds({ load, arrangement }: CellPoint, estimated: DeploymentEstimate | null): number {
  const { seconds } = load;
  if (estimated === null) return seconds ?? UNPREDICTED_TRIAL_SECONDS;
  const { speed, kv } = estimated;
  // Copies take turns on their GPU.
  const requestMs = (speed.ttftMs + speed.tpotMs * Math.max(0, speed.outputTokens - 1)) * arrangement.copies;
  const room = Math.max(1, Math.floor(kv.tokens / Math.max(1, speed.inputTokens + speed.outputTokens)));
  const atOnce = Math.min(requestsAtOnce(load), room * arrangement.copies);
  const waves = ((load.requests + load.warmupRequests) / atOnce) * (requestMs / 1000);
  const served = waves * (load.turns?.count ?? 1);
  const sent = sendingSeconds(load);
  const all = Math.max(served, sent);
  if (!Number.isFinite(all)) return seconds ?? UNPREDICTED_TRIAL_SECONDS;
  return seconds === undefined ? all : Math.min(all, seconds);
}

/** Until the last request is due. */
function sendingSeconds(load: LoadProfile): number {
  if (load.profile === 'open-loop') return load.requests / load.requestsPerSecond;
  if (load.profile === 'trace') {
    return (load.entries.at(-1)?.atMs ?? 0) / 1000 / (load.speed ?? 1);
  }
  return 0;
}

/** Requests in flight, as far as the load sets it: an estimate of speed is for so many. Of a rate it is a guess: ten seconds of arrivals. */
function requestsAtOnce(load: LoadProfile): number {
  switch (load.profile) {
    case 'closed-loop':
      return load.concurrency;
    case 'open-loop':
      return Math.min(load.maxConcurrency ?? Infinity, Math.max(1, Math.ceil(load.requestsPerSecond * 10)));
    case 'trace':
      return 32;
    case 'offline':
      return load.requests;
  }
}
