/** A plan, put together with what is known of the host, becomes the request that starts it. The terminal and the editor both go through here. */
import type { Calibration } from '../core/calibration/calibration.ts';
import { closestDeviceName, findDevice } from '../core/device/catalogue.ts';
import { findEngine } from '../core/engine/engines.ts';
import { findServerLaunch } from '../core/engine/serverLaunches.ts';
import type { ModelFacts } from '../core/model/facts.ts';
import { failure, type Problem, type Result, success } from '../core/result.ts';
import { mostGpus } from '../core/sweep/launches.ts';
import type { PlanContext } from '../core/sweep/planContext.ts';
import type { SweepPlan } from '../core/sweep/planSchema.ts';
import type { RunContext } from '../core/sweep/results.ts';
import type { Arrangement, Cell, RunMode, Search, TraceEntry } from '../core/sweep/run.ts';
import type { KnownStart } from '../core/sweep/startTimes.ts';
import {
  agentProtocol,
  type CellRequest,
  type EngineLaunch,
  type ProbeRecord,
  type RunRequest,
  type SchedulerRequest,
} from './agent.ts';
import { engineLaunch, launchCommand } from './engineLaunch.ts';
import type { ClientEnvironment } from './runEnvironment.ts';

/** A cell may take so much longer than expected before it is ended, plus a fixed allowance. */
const DEADLINE_FACTOR = 10;
const DEADLINE_ALLOWANCE_SECONDS = 300;

export interface PlanSituation {
  readonly mode: RunMode;
  /** null where the model's config.json is not at hand. */
  readonly model: ModelFacts | null;
  /** null where no host was asked: a rehearsal, and a plan that is only shown, count with the plan's GPU. */
  readonly probe: ProbeRecord | null;
  readonly calibration?: Calibration;
  readonly starts?: readonly KnownStart[];
  readonly traces?: ReadonlyMap<string, readonly TraceEntry[]>;
}

export interface ResolvedPlanContext extends PlanContext {
  /** Device id where the catalogue has it, else the driver's name. */
  readonly deviceName: string;
  /** Jobs of the plan's scheduler run it. False where it names none, and in a rehearsal on a host that has none. */
  readonly scheduled: boolean;
}

/**
 * What a plan's predictions count with, for this host. Problems, at the plan's keys: `plan.gpu-missing`, `plan.gpu-unknown`,
 * `plan.model-unknown` and `plan.cannot-rehearse` (a rehearsal simulates from estimates), `host.no-gpu`, `host.no-slurm`.
 */
export function planContext(plan: SweepPlan, situation: PlanSituation): Result<ResolvedPlanContext> {
  const slurm = situation.probe?.slurm;
  if (plan.scheduler !== undefined && slurm === null && situation.mode === 'measured') {
    const message = 'The host has no Slurm: name a login node under hosts, or leave scheduler out.';
    return failure({ code: 'host.no-slurm', message, path: ['scheduler'] });
  }
  const context =
    situation.mode === 'rehearsal' ? rehearsalContext(plan, situation) : measuredContext(plan, situation);
  if (!context.ok || plan.scheduler === undefined) return context;
  const scheduled = situation.mode === 'measured' || (slurm !== null && slurm !== undefined);
  const left = 'The rehearsal runs without the scheduler: the host has no Slurm.';
  const warning: Problem = { code: 'host.no-slurm', message: left, path: ['scheduler'] };
  return success(
    { ...context.value, scheduled },
    scheduled ? context.warnings : [...context.warnings, warning],
  );
}

function rehearsalContext(plan: SweepPlan, situation: PlanSituation): Result<ResolvedPlanContext> {
  const { model } = situation;
  const problems: Problem[] = [];
  if (findEngine(plan.engine.name)?.isServer !== true) {
    const message = `${findServerLaunch(plan.engine.name)?.label ?? plan.engine.name} is not estimated, so it cannot be simulated: only vLLM can be rehearsed.`;
    problems.push({ code: 'plan.cannot-rehearse', message, path: ['engine', 'name'] });
  }
  const device = plan.gpu === undefined ? undefined : findDevice(plan.gpu);
  if (plan.gpu === undefined) {
    const message = 'A rehearsal counts with an estimated GPU: add gpu, for example gpu: h100-sxm-80gb.';
    problems.push({ code: 'plan.gpu-missing', message, path: ['hosts'] });
  } else if (device === undefined) problems.push(unknownGpu(plan.gpu));
  if (model === null) {
    const message = `A rehearsal needs the model's facts: "${plan.model}" is no model that Loadline knows, and no folder with a config.json.`;
    problems.push({ code: 'plan.model-unknown', message, path: ['model'] });
  }
  if (device === undefined || model === null || problems.length > 0) return failure(...problems);
  return success({
    ...moreOf(situation),
    mode: 'rehearsal',
    model,
    device,
    deviceName: device.id,
    scheduled: false,
  });
}

function measuredContext(plan: SweepPlan, situation: PlanSituation): Result<ResolvedPlanContext> {
  const { model, probe } = situation;
  const more = { ...moreOf(situation), mode: 'measured' as const, model, scheduled: false };
  const warnings: Problem[] = [];
  if (model === null) {
    const message = `Nothing is known of the model "${plan.model}": cells run without a prediction.`;
    warnings.push({ code: 'plan.model-unknown', message, path: ['model'] });
  }
  const indices = gpuIndices(plan);
  const gpus = probe?.gpus ?? [];
  const chosen = indices.map((index) => gpus.find((gpu) => gpu.index === index));
  const [first] = chosen;
  const missing = indices.filter((_, at) => chosen[at] === undefined);
  // A cluster's GPUs are those of its jobs, and an endpoint holds its own: this host need not have them.
  const elsewhere =
    probe === null || plan.scheduler !== undefined || plan.engine.launch?.endpoint !== undefined;
  if (first === undefined || missing.length > 0) {
    if (elsewhere) {
      const named = plan.gpu === undefined ? undefined : findDevice(plan.gpu);
      if (plan.gpu === undefined) {
        const message = 'Which GPU it runs on is not known: cells run without a prediction. Add gpu.';
        warnings.push({ code: 'plan.gpu-missing', message, path: ['hosts'] });
      } else if (named === undefined) return failure(unknownGpu(plan.gpu));
      return success({ ...more, device: named ?? null, deviceName: named?.id ?? 'not known' }, warnings);
    }
    const has =
      gpus.length === 0
        ? 'no GPU that its driver shows'
        : `${gpus.length === 1 ? 'GPU' : 'GPUs'} ${gpus.map(({ index }) => index).join(', ')}`;
    const wanted = `${indices.length === 1 ? 'GPU' : 'GPUs'} ${indices.join(', ')}`;
    const message = `The host has ${has}; the plan wants ${wanted}. A rehearsal needs none.`;
    return failure({
      code: 'host.no-gpu',
      message,
      path: plan.gpuIndices === undefined ? ['gpuCount'] : ['gpuIndices'],
    });
  }
  const device = findDevice(first.name) ?? null;
  if (device === null) {
    const message = `${first.name} is not in the catalogue: cells run without a prediction.`;
    warnings.push({ code: 'host.gpu-unknown', message });
  }
  if (plan.gpu !== undefined && findDevice(plan.gpu)?.id !== device?.id) {
    const message = `The plan names ${plan.gpu}, the host has ${first.name}: predictions are for the latter.`;
    warnings.push({ code: 'host.other-gpu', message, path: ['gpu'] });
  }
  return success({ ...more, device, deviceName: device?.id ?? first.name }, warnings);
}

function unknownGpu(name: string): Problem {
  const near = closestDeviceName(name);
  const hint =
    near === undefined ? "Give an id such as h100-sxm-80gb, or the driver's name." : `Did you mean ${near}?`;
  const message = `The GPU "${name}" is not known. ${hint}`;
  return { code: 'plan.gpu-unknown', message, path: ['gpu'] };
}

function gpuIndices(plan: SweepPlan): readonly number[] {
  return plan.gpuIndices ?? Array.from({ length: mostGpus(plan) }, (_, index) => index);
}

/** What planContext hands on as it is. */
function moreOf({ calibration, starts, traces }: PlanSituation) {
  return {
    ...(calibration === undefined ? {} : { calibration }),
    ...(starts === undefined ? {} : { starts }),
    ...(traces === undefined ? {} : { traces }),
  };
}

export interface RunRequestInput {
  readonly plan: SweepPlan;
  readonly planText: string;
  /** From expandSweep with this context. */
  readonly cells: readonly Cell[];
  readonly searches?: readonly Search[];
  readonly context: ResolvedPlanContext;
  /** As the user calls it. */
  readonly host: string;
  /** The plan runs on other hosts at the same time: the name of the run then says on which. */
  readonly oneOfSeveral?: boolean;
  readonly startedAt: Date;
  readonly loadlineVersion: string;
  readonly gitCommit: string | null;
}

export interface PreparedRun {
  readonly request: RunRequest;
  readonly context: RunContext;
}

/** Problems: `plan.nothing-to-run` (every cell is predicted not to fit), `plan.too-few-gpus`. */
export function prepareRun(input: RunRequestInput): Result<PreparedRun> {
  const { plan, cells, context } = input;
  const running = cells.filter(({ skipped }) => !skipped);
  const [first] = cells;
  if (running.length === 0) {
    const reason = (first?.prediction?.reason ?? 'the reason is not known').replace(/\.$/, '');
    const message = `Every cell is predicted not to fit: ${reason}. Write predictedNotToFit: probe to try all the same.`;
    return failure({ code: 'plan.nothing-to-run', message, path: ['deployment'] });
  }
  const simulated = context.mode === 'rehearsal';
  const held = simulated || plan.engine.launch?.endpoint !== undefined ? [] : gpuIndices(plan);
  const greedy = running.find(({ gpuCount = 1 }) => held.length > 0 && gpuCount > held.length);
  if (greedy !== undefined) {
    const message = `${greedy.label} needs ${greedy.gpuCount} GPUs, and gpuIndices names ${held.length}.`;
    return failure({ code: 'plan.too-few-gpus', message, path: ['gpuIndices'] });
  }
  const runContext = contextOf(input);
  const launches = new Map(running.map((cell) => [cell.engineKey, engineLaunch(plan, cell, context)]));
  const environment: ClientEnvironment = {
    schema: 1,
    loadline: input.loadlineVersion,
    gitCommit: input.gitCommit,
    context: runContext,
    commands: [...launches.values()].flatMap((launch) => {
      const command = launchCommand(launch);
      return command === undefined ? [] : [command];
    }),
  };
  const { stop, allowForeignProcesses } = plan;
  const scheduler = context.scheduled ? plan.scheduler : undefined;
  const request: RunRequest = {
    protocol: agentProtocol,
    run: runContext.run,
    name: plan.name,
    simulated,
    plan: input.planText,
    environment: { ...environment },
    gpus: held,
    telemetry:
      plan.telemetry === 'off'
        ? null
        : {
            intervalMs: plan.telemetry.intervalMs,
            device: { kind: 'auto' },
            // Measured cells are disturbed as little as can be; a rehearsal measures nothing.
            mode: simulated ? 'live' : 'quiet',
          },
    leaseSeconds: stop.unfollowedHours * 3600,
    cells: running.flatMap((cell) => cellRequest(plan, cell, launches.get(cell.engineKey), held)),
    ...(runContext.searches === undefined ? {} : { searches: runContext.searches }),
    ...(scheduler === undefined ? {} : { scheduler: withoutUndefined(scheduler) }),
    ...(allowForeignProcesses === undefined ? {} : { allowForeignProcesses }),
    ...(stop.failures === undefined ? {} : { mostFailures: stop.failures }),
  };
  return success({ request, context: runContext });
}

function withoutUndefined(scheduler: SweepPlan['scheduler'] & {}): SchedulerRequest {
  const { type, partition, gres, time, account, cpus, memory, arrayLimit } = scheduler;
  return {
    type,
    ...(partition === undefined ? {} : { partition }),
    ...(gres === undefined ? {} : { gres }),
    ...(time === undefined ? {} : { time }),
    ...(account === undefined ? {} : { account }),
    ...(cpus === undefined ? {} : { cpus }),
    ...(memory === undefined ? {} : { memory }),
    ...(arrayLimit === undefined ? {} : { arrayLimit }),
  };
}

/** `20261123T212233Z-chat`, with `-simulated` for a rehearsal: the name of the run and of its folder on both sides. */
export function runName(planName: string, mode: RunMode, startedAt: Date, host?: string): string {
  const time = startedAt.toISOString().replace(/[-:]/g, '').replace(/\.\d+/, '');
  const where = host === undefined ? '' : `-${host.replace(/[^A-Za-z0-9._-]+/g, '-').slice(0, 80)}`;
  return `${time}-${planName}${where}${mode === 'rehearsal' ? '-simulated' : ''}`;
}

function contextOf({
  plan,
  cells,
  searches,
  context,
  host,
  oneOfSeveral,
  startedAt,
}: RunRequestInput): RunContext {
  return {
    run: runName(plan.name, context.mode, startedAt, oneOfSeveral === true ? host : undefined),
    name: plan.name,
    mode: context.mode,
    host,
    engine: { name: plan.engine.name, version: plan.engine.version ?? null },
    model: plan.model,
    device: context.deviceName,
    question: plan.question ?? null,
    serviceLevel: serviceLevelOf(plan),
    repeats: plan.repeats,
    ...(plan.gpuDollarsPerHour === undefined ? {} : { gpuDollarsPerHour: plan.gpuDollarsPerHour }),
    cells: cells.map(withoutEntries),
    ...(searches === undefined || searches.length === 0 ? {} : { searches }),
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

/** A trace is in the request of its cells; results need its size alone. */
function withoutEntries(cell: Cell): Cell {
  return cell.load.profile === 'trace' ? { ...cell, load: { ...cell.load, entries: [] } } : cell;
}

function cellRequest(
  plan: SweepPlan,
  cell: Cell,
  engine: EngineLaunch | undefined,
  held: readonly number[],
): CellRequest[] {
  if (engine === undefined) return [];
  const { id, label, engineKey, load, expectedSeconds, gpuCount = 1, arrangement } = cell;
  const deadlineSeconds =
    plan.stop.cellSeconds ?? DEADLINE_ALLOWANCE_SECONDS + DEADLINE_FACTOR * expectedSeconds;
  return [
    {
      ...{ id, label, engineKey, engine, load, trials: plan.repeats, expectedSeconds, deadlineSeconds },
      ...(held.length > gpuCount ? { gpus: held.slice(0, gpuCount) } : {}),
      ...(arrangement === undefined ? {} : arrangementRequest(arrangement, engine.kind === 'simulated')),
    },
  ];
}

function arrangementRequest(
  { copies, sharing, memoryLimitBytes, threadPercentage }: Arrangement,
  simulated: boolean,
): Partial<CellRequest> {
  // Simulated engines share no GPU: what MPS would do to them is in their parameters.
  if (simulated) return { copies };
  const limits = {
    ...(memoryLimitBytes === undefined ? {} : { memoryLimitBytes }),
    ...(threadPercentage === undefined ? {} : { threadPercentage }),
  };
  return {
    copies,
    ...(sharing === undefined ? {} : { sharing }),
    ...(sharing === 'mps' ? { mps: limits } : {}),
  };
}
