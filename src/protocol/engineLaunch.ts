/** How the agent is told to start the engine of a cell: a command, a container, an endpoint that runs, or the simulated engine. */
import { commandText } from '../core/engine/commandLine.ts';
import { findServerLaunch, serverArguments } from '../core/engine/serverLaunches.ts';
import { estimate } from '../core/estimate/estimate.ts';
import { cellDeployment, cellEstimateRequest } from '../core/sweep/cellEstimate.ts';
import type { PlanContext } from '../core/sweep/planContext.ts';
import type { SweepPlan } from '../core/sweep/planSchema.ts';
import type { Arrangement, Cell, RunMode } from '../core/sweep/run.ts';
import { simulateEngine } from '../core/sweep/simulate.ts';
import type { SimulatedEngine } from '../core/sweep/simulatedEngine.ts';
import type { EngineLaunch } from './agent.ts';

/** Loading and compiling a large model takes long; a rehearsal starts in a second. */
const READY_SECONDS: Readonly<Record<RunMode, number>> = { rehearsal: 60, measured: 1800 };

/** What runs already answers at once; a gateway may be waking it up. */
const ENDPOINT_READY_SECONDS = 60;

/**
 * What two copies of an engine give together, against one alone, in a decode-like step: 0.92 time-sliced and 1.03 under MPS (the mean of
 * four shapes on one H100, driver 580.159.04, 2026-11-21).
 */
const SHARED_THROUGHPUT = { 'time-slicing': 0.92, mps: 1.03 } as const;

export function engineLaunch(plan: SweepPlan, cell: Cell, context: PlanContext): EngineLaunch {
  const { name, launch = {}, environment } = plan.engine;
  const readyTimeoutSeconds = READY_SECONDS[context.mode];
  const arrangement = cell.arrangement ?? { copies: 1 };
  if (context.mode === 'rehearsal') {
    const point = { flags: cell.flags, load: cell.load, gpuCount: cell.gpuCount ?? 1, arrangement };
    const request = cellEstimateRequest(plan, point, context);
    if (request !== null) {
      const estimated = estimate(request, { fixes: false });
      const parameters = simulateEngine(request, estimated, { seed: cell.load.seed });
      return { kind: 'simulated', name, parameters: shared(parameters, arrangement), readyTimeoutSeconds };
    }
  }
  const modelName = servedName(plan, cell.flags);
  const { command, container, endpoint, apiKeyFile = null, healthPath } = launch;
  if (endpoint !== undefined) {
    return {
      ...{ kind: 'endpoint', name, url: endpoint, apiKeyFile, modelName },
      readyTimeoutSeconds: ENDPOINT_READY_SECONDS,
    };
  }
  const server = findServerLaunch(name);
  const words = command ?? (container === undefined ? server?.command : server?.imageCommand) ?? [];
  const deployment = cellDeployment(plan, cell.flags);
  return {
    kind: 'command',
    name,
    argv: server === undefined ? words : serverArguments(server, deployment, words),
    environment,
    modelName,
    readyTimeoutSeconds,
    ...(container === undefined ? {} : { container: { ...container, arguments: container.arguments ?? [] } }),
    ...(healthPath === undefined ? {} : { healthPath }),
  };
}

/** Each of several copies is slower than one alone: they share the GPU. */
function shared(parameters: SimulatedEngine, { copies, sharing }: Arrangement): SimulatedEngine {
  if (copies === 1) return parameters;
  const factor = copies / SHARED_THROUGHPUT[sharing ?? 'time-slicing'];
  const { baseMs, perSequenceMs, perKvTokenMs, perPrefillTokenMs } = parameters.step;
  return {
    ...parameters,
    step: {
      baseMs: baseMs * factor,
      perSequenceMs: perSequenceMs * factor,
      perKvTokenMs: perKvTokenMs * factor,
      perPrefillTokenMs: perPrefillTokenMs * factor,
    },
  };
}

/** As requests name the model. */
function servedName(plan: SweepPlan, flags: Cell['flags']): string {
  for (const flag of ['served-model-name', 'served_model_name', 'alias']) {
    const served = flags[flag];
    const name: unknown = Array.isArray(served) ? served[0] : served;
    if (typeof name === 'string') return name;
  }
  return plan.model;
}

/**
 * The command line on the host, variables of the plan included, as far as the client knows it: the agent adds port, key and what binds a
 * container to them.
 */
export function launchCommand(launch: EngineLaunch): readonly string[] | undefined {
  if (launch.kind !== 'command') return undefined;
  const { argv, container, environment } = launch;
  const names = Object.keys(environment);
  const variables = names.map((name) => `${name}=${environment[name]}`);
  const given = variables.length === 0 ? [] : ['env', ...variables];
  if (container === undefined) return [...given, ...argv];
  const { runtime, image } = container;
  const handedOn = names.flatMap((name) => ['-e', name]);
  return [...given, runtime, 'run', '--rm', ...handedOn, ...container.arguments, image, ...argv];
}

/** The command line, or what stands in its place, to read. Undefined for the simulated engine. */
export function launchText(launch: EngineLaunch): string | undefined {
  if (launch.kind === 'endpoint') {
    // Whoever is asked before a run is to see which file's content goes where.
    const key = launch.apiKeyFile === null ? '' : `, with the key in ${launch.apiKeyFile}`;
    return `(runs already) ${launch.url}${key}`;
  }
  const command = launchCommand(launch);
  return command && commandText(command);
}
