/** A plan's grid: every engine start of the matrix, under every load. */

import type { Device } from '../device/device.ts';
import type { Deployment, FlagValue } from '../engine/deployment.ts';
import { draftOf } from '../engine/vllm/draftModel.ts';
import { estimate } from '../estimate/estimate.ts';
import type { DeploymentEstimate, EstimateLoad, EstimateRequest } from '../estimate/types.ts';
import type { ModelFacts } from '../model/facts.ts';
import { failure, type Problem, type Result, success } from '../result.ts';
import { type Content, contentHash } from './contentHash.ts';
import { levelLabel, loadLabels, meanTokens } from './load.ts';
import type { PlanLoad, SweepPlan } from './planSchema.ts';
import type { Cell, LengthDistribution, LoadProfile, RunMode } from './run.ts';

/** What predictions count with, beside the plan. Null where it is not known: cells then have no prediction. */
export interface PlanContext {
  readonly model: ModelFacts | null;
  readonly device: Device | null;
  readonly mode: RunMode;
  /** As a live host reports it; wins over the catalogue. */
  readonly cudaTotalBytes?: number;
}

/** Requests that a p95 needs and some room for failures; ten for each in flight keep ramp and drain under a tenth. */
const LEAST_REQUESTS = 150;
const REQUESTS_PER_CONCURRENCY = 10;
const WARMUP_PER_CONCURRENCY = 2;

/** Engine start, seconds: a rehearsal compresses it; weights, compilation and graphs of a real one take minutes. A guess, used for the ETA alone. */
const START_SECONDS: Readonly<Record<RunMode, number>> = { rehearsal: 2, measured: 120 };
/** A trial of a cell without a prediction. A guess, used for the ETA alone. */
const UNPREDICTED_TRIAL_SECONDS = 120;

const MOST_CELLS = 10_000;

/**
 * Cells in the order in which they run: all loads of an engine start together, so that each is started once. The ids follow from the
 * content alone. Problems: `plan.no-cells`, `plan.too-many-cells`, `plan.longer-than-context`; warnings: `plan.duplicate-cell`.
 */
export function expandPlan(plan: SweepPlan, context: PlanContext): Result<readonly Cell[]> {
  const loads = plan.load.flatMap((written, index) => loadProfiles(written).map((load) => ({ load, index })));
  const labelOf = loadLabels(loads.map(({ load }) => load));
  const size = Object.values(plan.matrix).reduce((product, values) => product * values.length, loads.length);
  if (size > MOST_CELLS) {
    return failure({
      code: 'plan.too-many-cells',
      message: `The grid has ${size} cells; at most ${MOST_CELLS} make a run. Leave out values, or split the plan.`,
      path: ['matrix'],
    });
  }
  const cells = new Map<string, Cell>();
  const warnings: Problem[] = [];
  const tooLong = new Map<number, Problem>();
  for (const varied of combinations(plan.matrix)) {
    const flags = { ...plan.deployment.flags, ...varied };
    const engine = engineContent(plan, flags);
    const engineKey = contentHash(engine);
    let started = false;
    for (const { load, index } of loads) {
      if (isExcluded(plan, flags, load)) continue;
      const id = contentHash({ engine, load: loadContent(load) });
      const label = cellLabel(varied, load, labelOf(load));
      if (cells.has(id)) {
        warnings.push({
          code: 'plan.duplicate-cell',
          message: `${label} is in the plan twice; it runs once.`,
          path: ['load'],
        });
        continue;
      }
      const estimated = estimateCell(plan, flags, load, context);
      const prediction =
        estimated === null ? null : { outcome: estimated.verdict.outcome, reason: estimated.verdict.reason };
      const skipped = prediction?.outcome === 'does-not-fit' && plan.predictedNotToFit === 'skip';
      const contextTokens = estimated?.kv.maxModelLen ?? flags['max-model-len'];
      if (!skipped && !tooLong.has(index) && exceeds(load, contextTokens)) {
        tooLong.set(index, longerThanContext(label, load, contextTokens, index));
      }
      const trialSeconds =
        estimated === null ? UNPREDICTED_TRIAL_SECONDS : expectedTrialSeconds(load, estimated);
      const startSeconds = started ? 0 : START_SECONDS[context.mode];
      const expectedSeconds = skipped ? 0 : startSeconds + plan.repeats * trialSeconds;
      cells.set(id, { id, label, engineKey, flags, load, prediction, skipped, expectedSeconds });
      started ||= !skipped;
    }
  }
  if (tooLong.size > 0) return failure(...tooLong.values());
  return cells.size > 0
    ? success([...cells.values()], warnings)
    : failure({ code: 'plan.no-cells', message: 'exclude leaves no cell to run.', path: ['exclude'] });
}

/** The deployment of a cell, as the engine is launched. */
export function cellDeployment(plan: SweepPlan, flags: Cell['flags']): Deployment {
  return {
    engine: plan.engine.name,
    ...(plan.engine.version === undefined ? {} : { engineVersion: plan.engine.version }),
    entrypoint: 'serve',
    model: plan.model,
    flags,
  };
}

/** What the estimator is asked for a cell; null where model or device is not known. */
export function cellEstimateRequest(
  plan: SweepPlan,
  flags: Cell['flags'],
  load: LoadProfile,
  context: PlanContext,
): EstimateRequest | null {
  if (context.model === null || context.device === null) return null;
  const speedLoad: EstimateLoad = {
    batch: requestsAtOnce(load),
    inputTokens: meanTokens(load.input),
    outputTokens: meanTokens(load.output),
  };
  const deployment = cellDeployment(plan, flags);
  return {
    source: plan.name,
    deployment,
    model: context.model,
    ...draftOf(deployment),
    device: context.device,
    gpuCount: plan.gpuCount,
    load: speedLoad,
    ...(context.cudaTotalBytes === undefined ? {} : { cudaTotalBytes: context.cudaTotalBytes }),
  };
}

function estimateCell(
  plan: SweepPlan,
  flags: Cell['flags'],
  load: LoadProfile,
  context: PlanContext,
): DeploymentEstimate | null {
  const request = cellEstimateRequest(plan, flags, load, context);
  return request === null ? null : estimate(request, { fixes: false });
}

/** Whether the engine would refuse the mean request. A context that is not known (`auto`, -1) refuses none. */
function exceeds(load: LoadProfile, contextTokens: FlagValue | undefined): contextTokens is number {
  return (
    typeof contextTokens === 'number' &&
    contextTokens > 0 &&
    meanTokens(load.input) + meanTokens(load.output) > contextTokens
  );
}

function longerThanContext(
  label: string,
  { input, output }: LoadProfile,
  contextTokens: number,
  index: number,
): Problem {
  const message = `${label}: ${meanTokens(input)} tokens in and ${meanTokens(output)} out are more than the ${contextTokens} tokens of the context, so the engine would refuse the requests. Make them shorter, or max-model-len larger.`;
  return { code: 'plan.longer-than-context', message, path: ['load', index, 'input'] };
}

/** Waves of requests in flight, each as long as one request; what the engine cannot run at once waits for its turn. */
function expectedTrialSeconds(load: LoadProfile, { speed, kv }: DeploymentEstimate): number {
  const requestMs = speed.ttftMs + speed.tpotMs * Math.max(0, speed.outputTokens - 1);
  const room = Math.max(1, Math.floor(kv.tokens / Math.max(1, speed.inputTokens + speed.outputTokens)));
  const atOnce = Math.min(requestsAtOnce(load), room);
  const seconds = (((load.requests + load.warmupRequests) / atOnce) * requestMs) / 1000;
  return Number.isFinite(seconds) ? seconds : UNPREDICTED_TRIAL_SECONDS;
}

/** Everything that makes an engine start what it is. What the host adds (port, key) is not part of it. */
function engineContent(plan: SweepPlan, flags: Cell['flags']) {
  return {
    engine: plan.engine.name,
    version: plan.engine.version ?? null,
    command: plan.engine.launch?.command ?? null,
    environment: plan.engine.environment,
    model: plan.model,
    gpuCount: plan.gpuCount,
    flags,
  };
}

/** A load as content: what JSON would hold of it. */
function loadContent(load: LoadProfile): Content {
  return JSON.parse(JSON.stringify(load)) as Content;
}

/** Requests that are in flight, as far as the load sets it: estimates of speed are for so many. */
function requestsAtOnce(load: LoadProfile): number {
  return load.profile === 'closed-loop' ? load.concurrency : load.requests;
}

function loadProfiles(load: PlanLoad): LoadProfile[] {
  const concurrencies = typeof load.concurrency === 'number' ? [load.concurrency] : load.concurrency;
  return concurrencies.map((concurrency) => ({
    profile: load.profile,
    concurrency,
    requests: load.requests ?? Math.max(LEAST_REQUESTS, REQUESTS_PER_CONCURRENCY * concurrency),
    warmupRequests: load.warmupRequests ?? WARMUP_PER_CONCURRENCY * concurrency,
    input: lengthDistribution(load.input),
    output: lengthDistribution(load.output),
    api: load.api,
    prompt: load.prompt ?? (load.api === 'chat' ? 'text' : 'token-ids'),
    seed: load.seed,
  }));
}

function lengthDistribution(lengths: PlanLoad['input']): LengthDistribution {
  return typeof lengths === 'number' ? { kind: 'fixed', tokens: lengths } : { kind: 'normal', ...lengths };
}

/** The product of the matrix, its first flag slowest. */
function combinations(matrix: Readonly<Record<string, readonly FlagValue[]>>): Record<string, FlagValue>[] {
  let found: Record<string, FlagValue>[] = [{}];
  for (const [name, values] of Object.entries(matrix)) {
    found = found.flatMap((flags) => values.map((value) => ({ ...flags, [name]: value })));
  }
  return found;
}

function isExcluded(plan: SweepPlan, flags: Cell['flags'], load: LoadProfile): boolean {
  return plan.exclude.some((entry) => {
    const conditions = Object.entries(entry);
    return (
      conditions.length > 0 &&
      conditions.every(([name, value]) =>
        name === 'concurrency' ? 'concurrency' in load && load.concurrency === value : flags[name] === value,
      )
    );
  });
}

/** What sets the cell apart within its plan: the varied flags, the concurrency, and what else of the load differs. */
function cellLabel(varied: Cell['flags'], load: LoadProfile, apart: string): string {
  const words = Object.entries(varied).map(
    ([name, value]) => `${name} ${Array.isArray(value) ? value.join(' ') : String(value)}`,
  );
  words.push(levelLabel(load));
  if (apart !== '') words.push(apart);
  return words.join(', ');
}
