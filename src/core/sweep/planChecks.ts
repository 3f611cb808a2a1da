/** What only the whole of a plan can tell: keys that do not go together. */
import { findEngine } from '../engine/engines.ts';
import type { ServerLaunch } from '../engine/serverLaunch.ts';
import type { Problem } from '../result.ts';
import { loadLevels } from './planFlags.ts';
import type { SweepPlan } from './planSchema.ts';
import { searchCandidates } from './searchCandidates.ts';
import { certifiedFrom } from './statistics.ts';

type Path = Problem['path'] & {};

const bad = (path: Path, message: string): Problem => ({ code: 'plan.bad-value', message, path });

export function launchProblems({ engine, matrix, gpuCount, search }: SweepPlan): Problem[] {
  const path = ['engine', 'launch'];
  const { command, container, endpoint, apiKeyFile, healthPath } = engine.launch ?? {};
  const problems: Problem[] = [];
  if (apiKeyFile !== undefined && endpoint === undefined) {
    problems.push(
      bad(
        [...path, 'apiKeyFile'],
        'apiKeyFile is of an endpoint: an engine that is started gets a key of its own.',
      ),
    );
  }
  if (healthPath !== undefined && engine.name !== 'command') {
    problems.push(
      bad(
        [...path, 'healthPath'],
        `healthPath is of engine.name: command; how ${engine.name} says that it is ready is known.`,
      ),
    );
  }
  if (endpoint !== undefined) {
    if (command !== undefined || container !== undefined) {
      const message = 'An endpoint runs already: leave out command and container.';
      problems.push(bad([...path, 'endpoint'], message));
    }
    const varied: readonly (readonly [boolean, Path])[] = [
      [Object.keys(matrix).length > 0, ['matrix']],
      [engine.arrangements !== undefined, ['engine', 'arrangements']],
      [Array.isArray(gpuCount), ['gpuCount']],
      [search !== undefined && !isLoadLevel(search.flag), ['search', 'flag']],
    ];
    for (const [is, at] of varied) {
      if (is) problems.push(bad(at, 'An endpoint is one engine as it runs: only the load can be varied.'));
    }
  } else if (engine.name === 'command') {
    if (command === undefined && container === undefined) {
      problems.push(
        bad(['engine', 'name'], 'A plain command needs engine.launch.command, as a list of words.'),
      );
    }
    if (healthPath === undefined) {
      const message =
        'A plain command needs engine.launch.healthPath: a path that answers 200 once it is ready.';
      problems.push(bad(['engine', 'name'], message));
    }
  }
  return problems;
}

export function arrangementProblems({ engine }: SweepPlan): Problem[] {
  return (engine.arrangements ?? []).flatMap((arrangement, index) => {
    const path = ['engine', 'arrangements', index];
    const { copies, sharing, memoryGiB, threadPercentage } = arrangement;
    const problems: Problem[] = [];
    if (copies === 1 && sharing === 'time-slicing') {
      problems.push(bad([...path, 'sharing'], 'One copy shares its GPU with none: leave sharing out.'));
    }
    for (const [name, value] of [
      ['memoryGiB', memoryGiB],
      ['threadPercentage', threadPercentage],
    ] as const) {
      if (value !== undefined && sharing !== 'mps') {
        problems.push(bad([...path, name], `${name} is a limit of MPS: write sharing: mps beside it.`));
      }
    }
    return problems;
  });
}

export function loadProblems(plan: SweepPlan): Problem[] {
  return plan.load.flatMap((load, index) => {
    const path = ['load', index];
    const problems: Problem[] = [];
    if (load.api === 'chat' && load.prompt === 'token-ids') {
      const message = 'The chat route takes no token ids: write prompt: text, or api: completions.';
      problems.push(bad([...path, 'prompt'], message));
    }
    if (load.profile === 'closed-loop')
      problems.push(...levelProblems(plan, 'concurrency', load.concurrency, path));
    if (load.profile === 'open-loop') {
      problems.push(...levelProblems(plan, 'requestsPerSecond', load.requestsPerSecond, path));
      if (load.burstiness !== undefined && load.arrivals !== 'gamma') {
        problems.push(bad([...path, 'burstiness'], 'burstiness is of arrivals: gamma.'));
      }
    }
    if (load.profile !== 'trace') {
      for (const side of ['input', 'output'] as const) {
        const lengths = load[side];
        if (typeof lengths === 'object' && 'least' in lengths && lengths.least > lengths.most) {
          problems.push(bad([...path, side], 'least is more than most.'));
        }
      }
      const shared = load.sharedPrefix?.tokens;
      if (shared !== undefined && typeof load.input === 'number' && shared >= load.input) {
        const message = `A shared prefix of ${shared} tokens leaves nothing of an input of ${load.input}.`;
        problems.push(bad([...path, 'sharedPrefix'], message));
      }
    }
    return problems;
  });
}

/** A level is given, or searched for; not both. */
function levelProblems({ search }: SweepPlan, name: string, level: unknown, path: Path): Problem[] {
  const searched = search?.flag === name;
  if (level === undefined && !searched) {
    const message = `${name} is missing: how much load this is.`;
    return [{ code: 'plan.missing-key', message, path }];
  }
  return level !== undefined && searched
    ? [bad([...path, name], `${name} is what search looks for: leave it out here.`)]
    : [];
}

function isLoadLevel(flag: string): boolean {
  return (loadLevels as readonly string[]).includes(flag);
}

export function searchProblems(plan: SweepPlan): Problem[] {
  const { search, load, slo, repeats } = plan;
  if (search === undefined) return [];
  const problems: Problem[] = [];
  const candidates = searchCandidates(search);
  if (!candidates.ok) problems.push(...candidates.problems);
  const starts = search.goal.endsWith('-starts');
  if (isLoadLevel(search.flag)) {
    const profile = search.flag === 'concurrency' ? 'closed-loop' : 'open-loop';
    if (!load.every((one) => one.profile === profile)) {
      problems.push(
        bad(['search', 'flag'], `${search.flag} is the level of profile: ${profile}: each load must be one.`),
      );
    }
    if (starts) {
      const message = `${search.goal} is of a flag: no load keeps an engine from starting.`;
      problems.push(bad(['search', 'goal'], message));
    }
    if (
      search.flag === 'concurrency' &&
      candidates.ok &&
      candidates.value.some((value) => value < 1 || !Number.isInteger(value))
    ) {
      problems.push(bad(['search', 'flag'], 'concurrency is a whole number of at least 1.'));
    }
  }
  if (starts && (load.length > 1 || load.some((one) => levelCount(one) > 1))) {
    const message = 'Whether an engine starts does not hang on the load: give one load with one level.';
    problems.push(bad(['load'], message));
  }
  if (search.goal === 'largest-within-slo' && Object.keys(slo ?? {}).length === 0) {
    problems.push(bad(['search', 'goal'], 'largest-within-slo needs slo: the limits that are to be met.'));
  }
  if (starts && repeats > 1) {
    problems.push(bad(['repeats'], 'A search for what starts takes one trial of each: leave repeats out.'));
  }
  return problems;
}

function levelCount(load: SweepPlan['load'][number]): number {
  const level =
    load.profile === 'closed-loop'
      ? load.concurrency
      : load.profile === 'open-loop'
        ? load.requestsPerSecond
        : load.profile === 'trace'
          ? load.speed
          : undefined;
  return Array.isArray(level) ? level.length : 1;
}

export function hostProblems({ hosts }: SweepPlan): Problem[] {
  return hosts.flatMap((host, index) =>
    hosts.indexOf(host) < index ? [bad(['hosts', index], `${host} is named twice.`)] : [],
  );
}

/** What is worth saying of an engine that a plan names. */
export function engineWarnings(plan: SweepPlan, launch: ServerLaunch): Problem[] {
  const path = ['engine', 'name'];
  const warnings: Problem[] = [];
  if (!launch.verified && plan.engine.launch?.endpoint === undefined) {
    const message = `${launch.label} was never run here (unverified): it is started as its documentation says, ${launch.documentation}.`;
    warnings.push({ code: 'plan.engine-unverified', message, path });
  }
  if (findEngine(launch.name)?.isServer !== true) {
    const message = `Memory and speed of ${launch.label} are not estimated: cells have no prediction, and cannot be rehearsed.`;
    warnings.push({ code: 'plan.engine-not-estimated', message, path });
  }
  return warnings;
}

export function answerWarnings(plan: SweepPlan): Problem[] {
  return [...serviceLevelWarnings(plan), ...sampleWarnings(plan)];
}

function serviceLevelWarnings(plan: SweepPlan): Problem[] {
  if (plan.question !== 'chat') return [];
  return plan.slo === undefined || Object.keys(plan.slo).length === 0
    ? [
        {
          code: 'plan.no-slo',
          message:
            'The chat question needs a service level: add slo, for example {ttftP95Ms: 500, perQueryTokensPerSecond: 10}.',
          path: ['question'],
        },
      ]
    : [];
}

/** Loads that are too short for the percentile which the service level asks of them: better known before the GPUs are used. */
function sampleWarnings({ slo = {}, load }: SweepPlan): Problem[] {
  const wanted = (['ttftP95Ms', 'tpotP95Ms'] as const).find((key) => slo[key] !== undefined);
  if (wanted === undefined) return [];
  return load.flatMap(({ requests }, at) => {
    const fewest = Math.min(...[requests ?? Number.POSITIVE_INFINITY].flat());
    if (fewest >= certifiedFrom.p95) return [];
    const message = `${fewest} requests certify no p95, so slo.${wanted} is not judged: ${certifiedFrom.p95} have to be completed between warm-up and drain. 200 are enough for most loads.`;
    return [{ code: 'plan.too-few-requests', message, path: ['load', at, 'requests'] }];
  });
}
