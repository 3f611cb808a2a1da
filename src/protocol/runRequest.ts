/** A plan, put together with what is known of the host, becomes the request that starts it. The terminal and the editor both go through here. */
import { findDevice } from '../core/device/catalogue.ts';
import { engineArguments } from '../core/engine/commandLine.ts';
import { estimate } from '../core/estimate/estimate.ts';
import type { ModelFacts } from '../core/model/facts.ts';
import { failure, type Problem, type Result, success } from '../core/result.ts';
import { cellDeployment, cellEstimateRequest, type PlanContext } from '../core/sweep/cells.ts';
import type { SweepPlan } from '../core/sweep/planSchema.ts';
import type { RunContext } from '../core/sweep/results.ts';
import type { Cell, RunMode } from '../core/sweep/run.ts';
import { simulateEngine } from '../core/sweep/simulate.ts';
import {
  agentProtocol,
  type CellRequest,
  type EngineLaunch,
  type ProbeRecord,
  type RunRequest,
} from './agent.ts';
import type { ClientEnvironment } from './runEnvironment.ts';

/** Loading and compiling a large model takes long; a rehearsal starts in a second. */
const READY_SECONDS: Readonly<Record<RunMode, number>> = { rehearsal: 60, measured: 1800 };
/** A cell may take so much longer than expected before it is ended, plus a fixed allowance. */
const DEADLINE_FACTOR = 10;
const DEADLINE_ALLOWANCE_SECONDS = 300;

export interface PlanSituation {
  readonly mode: RunMode;
  /** null where the model's config.json is not at hand. */
  readonly model: ModelFacts | null;
  /** null for a rehearsal, which counts with the plan's GPU. */
  readonly probe: ProbeRecord | null;
}

export interface ResolvedPlanContext extends PlanContext {
  /** Device id where the catalogue has it, else the driver's name. */
  readonly deviceName: string;
}

/**
 * What a plan's predictions count with, for this host. Problems, at the plan's keys: `plan.gpu-missing`, `plan.gpu-unknown`,
 * `plan.model-unknown` (a rehearsal simulates from estimates), `host.no-gpu`.
 */
export function planContext(plan: SweepPlan, situation: PlanSituation): Result<ResolvedPlanContext> {
  return situation.mode === 'rehearsal'
    ? rehearsalContext(plan, situation.model)
    : measuredContext(plan, situation);
}

function rehearsalContext(plan: SweepPlan, model: ModelFacts | null): Result<ResolvedPlanContext> {
  const problems: Problem[] = [];
  const device = plan.gpu === undefined ? undefined : findDevice(plan.gpu);
  if (plan.gpu === undefined) {
    const message = 'A rehearsal counts with an estimated GPU: add gpu, for example gpu: h100-sxm-80gb.';
    problems.push({ code: 'plan.gpu-missing', message, path: ['hosts'] });
  } else if (device === undefined) problems.push(unknownGpu(plan.gpu));
  if (model === null) {
    const message = `A rehearsal needs the model's facts: "${plan.model}" is no model that Loadline knows, and no folder with a config.json.`;
    problems.push({ code: 'plan.model-unknown', message, path: ['model'] });
  }
  if (device === undefined || model === null) return failure(...problems);
  return success({ mode: 'rehearsal', model, device, deviceName: device.id });
}

function measuredContext(plan: SweepPlan, { model, probe }: PlanSituation): Result<ResolvedPlanContext> {
  const indices = gpuIndices(plan);
  const gpus = probe?.gpus ?? [];
  const chosen = indices.map((index) => gpus.find((gpu) => gpu.index === index));
  const [first] = chosen;
  const missing = indices.filter((_, at) => chosen[at] === undefined);
  if (first === undefined || missing.length > 0) {
    const has =
      gpus.length === 0
        ? 'no GPU that its driver shows'
        : `GPUs ${gpus.map(({ index }) => index).join(', ')}`;
    const message = `The host has ${has}; the plan wants ${indices.join(', ')}. Rehearse the plan where there is none.`;
    return failure({
      code: 'host.no-gpu',
      message,
      path: plan.gpuIndices === undefined ? ['gpuCount'] : ['gpuIndices'],
    });
  }
  const device = findDevice(first.name) ?? null;
  const warnings: Problem[] = [];
  if (device === null) {
    const message = `${first.name} is not in the catalogue: cells run without a prediction.`;
    warnings.push({ code: 'host.gpu-unknown', message });
  }
  if (plan.gpu !== undefined && findDevice(plan.gpu)?.id !== device?.id) {
    const message = `The plan names ${plan.gpu}, the host has ${first.name}: predictions are for the latter.`;
    warnings.push({ code: 'host.other-gpu', message, path: ['gpu'] });
  }
  if (model === null) {
    const message = `Nothing is known of the model "${plan.model}": cells run without a prediction.`;
    warnings.push({ code: 'plan.model-unknown', message, path: ['model'] });
  }
  return success({ mode: 'measured', model, device, deviceName: device?.id ?? first.name }, warnings);
}

function unknownGpu(name: string): Problem {
  const message = `The GPU "${name}" is not known. Give an id such as h100-sxm-80gb, or the driver's name.`;
  return { code: 'plan.gpu-unknown', message, path: ['gpu'] };
}

function gpuIndices(plan: SweepPlan): readonly number[] {
  return plan.gpuIndices ?? Array.from({ length: plan.gpuCount }, (_, index) => index);
}

export interface RunRequestInput {
  readonly plan: SweepPlan;
  readonly planText: string;
  /** From expandPlan with this context. */
  readonly cells: readonly Cell[];
  readonly context: ResolvedPlanContext;
  /** As the user calls it. */
  readonly host: string;
  readonly startedAt: Date;
  readonly loadlineVersion: string;
  readonly gitCommit: string | null;
}

export interface PreparedRun {
  readonly request: RunRequest;
  readonly context: RunContext;
}

/** Problem `plan.nothing-to-run`: every cell is predicted not to fit. */
export function prepareRun(input: RunRequestInput): Result<PreparedRun> {
  const { plan, cells, context } = input;
  const running = cells.filter(({ skipped }) => !skipped);
  const [first] = cells;
  if (running.length === 0) {
    const message = `Every cell is predicted not to fit: ${first?.prediction?.reason ?? ''} Write predictedNotToFit: probe to try all the same.`;
    return failure({ code: 'plan.nothing-to-run', message, path: ['deployment'] });
  }
  const simulated = context.mode === 'rehearsal';
  const runContext = contextOf(input);
  const launches = new Map(running.map((cell) => [cell.engineKey, engineLaunch(plan, cell, context)]));
  const commands = [...launches.values()].flatMap((launch) =>
    launch.kind === 'command' ? [launch.argv] : [],
  );
  const environment: ClientEnvironment = {
    schema: 1,
    loadline: input.loadlineVersion,
    gitCommit: input.gitCommit,
    context: runContext,
    commands,
  };
  const request: RunRequest = {
    protocol: agentProtocol,
    run: runContext.run,
    name: plan.name,
    simulated,
    plan: input.planText,
    environment: { ...environment },
    gpus: simulated ? [] : gpuIndices(plan),
    telemetry:
      plan.telemetry === 'off'
        ? null
        : {
            intervalMs: plan.telemetry.intervalMs,
            device: { kind: 'auto' },
            // Measured cells are disturbed as little as can be; a rehearsal measures nothing.
            mode: simulated ? 'live' : 'quiet',
          },
    leaseSeconds: plan.stop.unfollowedHours * 3600,
    cells: running.flatMap((cell) => cellRequest(plan, cell, launches.get(cell.engineKey))),
  };
  return success({ request, context: runContext });
}

/** `20261123T212233Z-chat`, with `-simulated` for a rehearsal: the name of the run and of its folder on both sides. */
export function runName(planName: string, mode: RunMode, startedAt: Date): string {
  const time = startedAt.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
  return `${time}-${planName}${mode === 'rehearsal' ? '-simulated' : ''}`;
}

function contextOf({ plan, cells, context, host, startedAt }: RunRequestInput): RunContext {
  return {
    run: runName(plan.name, context.mode, startedAt),
    name: plan.name,
    mode: context.mode,
    host,
    engine: { name: plan.engine.name, version: plan.engine.version ?? null },
    model: plan.model,
    device: context.deviceName,
    question: plan.question ?? null,
    serviceLevel: serviceLevelOf(plan),
    repeats: plan.repeats,
    cells,
  };
}

function serviceLevelOf({ slo }: SweepPlan): RunContext['serviceLevel'] {
  if (slo === undefined) return null;
  const { ttftP95Ms, tpotP95Ms, perQueryTokensPerSecond } = slo;
  return {
    ...(ttftP95Ms === undefined ? {} : { ttftP95Ms }),
    ...(tpotP95Ms === undefined ? {} : { tpotP95Ms }),
    ...(perQueryTokensPerSecond === undefined ? {} : { perQueryTokensPerSecond }),
  };
}

function cellRequest(plan: SweepPlan, cell: Cell, engine: EngineLaunch | undefined): CellRequest[] {
  if (engine === undefined) return [];
  const { id, label, engineKey, load, expectedSeconds } = cell;
  const deadlineSeconds =
    plan.stop.cellSeconds ?? DEADLINE_ALLOWANCE_SECONDS + DEADLINE_FACTOR * expectedSeconds;
  return [{ id, label, engineKey, engine, load, trials: plan.repeats, expectedSeconds, deadlineSeconds }];
}

function engineLaunch(plan: SweepPlan, cell: Cell, context: PlanContext): EngineLaunch {
  const name = plan.engine.name;
  const readyTimeoutSeconds = READY_SECONDS[context.mode];
  const estimated =
    context.mode === 'rehearsal' ? cellEstimateRequest(plan, cell.flags, cell.load, context) : null;
  if (estimated !== null) {
    const parameters = simulateEngine(estimated, estimate(estimated, { fixes: false }), {
      seed: cell.load.seed,
    });
    return { kind: 'simulated', name, parameters, readyTimeoutSeconds };
  }
  const deployment = cellDeployment(plan, cell.flags);
  const served = cell.flags['served-model-name'];
  const servedName: unknown = Array.isArray(served) ? served[0] : served;
  return {
    kind: 'command',
    name,
    argv: engineArguments(deployment, plan.engine.launch?.command),
    environment: plan.engine.environment,
    modelName: typeof servedName === 'string' ? servedName : plan.model,
    readyTimeoutSeconds,
  };
}
