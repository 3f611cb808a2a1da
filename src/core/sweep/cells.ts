/** A plan's grid: every engine start under every load, and what a search may choose from. */
import type { FlagValue } from '../engine/deployment.ts';
import { estimate } from '../estimate/estimate.ts';
import type { DeploymentEstimate } from '../estimate/types.ts';
import { hasState } from '../model/facts.ts';
import { failure, type Problem, type Result, success } from '../result.ts';
import { type CellPoint, cellEstimateRequest, trialSeconds } from './cellEstimate.ts';
import { type PlannedLoad, plannedLoads } from './cellLoads.ts';
import { type Content, contentHash } from './contentHash.ts';
import {
  contentOf,
  engineContent,
  gpuCounts,
  isPlain,
  joined,
  type Launch,
  launchesOf,
  launchLabel,
} from './launches.ts';
import { levelLabel, loadLabels, meanTokens } from './load.ts';
import type { PlanContext } from './planContext.ts';
import { loadLevels } from './planFlags.ts';
import type { SweepPlan } from './planSchema.ts';
import { cellPrediction } from './predicted.ts';
import type { Cell, LoadProfile, Search, SearchGoal } from './run.ts';
import { searchCandidates } from './searchCandidates.ts';
import { type StartTime, startTime } from './startTimes.ts';

const MOST_CELLS = 10_000;

/** A plan, expanded. */
export interface ExpandedPlan {
  /** In the order in which they run: all loads of an engine stand together, so that each is started once. */
  readonly cells: readonly Cell[];
  readonly searches: readonly Search[];
  /** How long each engine takes to start, by its key. */
  readonly starts: ReadonlyMap<string, StartTime>;
}

/** The cells alone. */
export function expandPlan(plan: SweepPlan, context: PlanContext): Result<readonly Cell[]> {
  const expanded = expandSweep(plan, context);
  return expanded.ok ? success(expanded.value.cells, expanded.warnings) : expanded;
}

/**
 * Cells, searches over them, and starts. Ids follow from the content alone. Problems: `plan.no-cells`, `plan.too-many-cells`,
 * `plan.longer-than-context`, `plan.trace-unread`; warnings: `plan.duplicate-cell`.
 */
export function expandSweep(plan: SweepPlan, context: PlanContext): Result<ExpandedPlan> {
  const unread = plan.load.findIndex((load) => load.profile === 'trace' && !context.traces?.has(load.trace));
  if (unread >= 0) {
    const message = 'The trace was not read: it must stand beside the plan.';
    return failure({ code: 'plan.trace-unread', message, path: ['load', unread, 'trace'] });
  }
  const grid = new Grid(plan, context);
  if (grid.size > MOST_CELLS) {
    return failure({
      code: 'plan.too-many-cells',
      message: `The grid has ${grid.size} cells; at most ${MOST_CELLS} make a run. Leave out values, or split the plan.`,
      path: ['matrix'],
    });
  }
  grid.fill();
  if (grid.tooLong.size > 0) return failure(...grid.tooLong.values());
  if (grid.cells.size === 0) {
    return failure({ code: 'plan.no-cells', message: 'exclude leaves no cell to run.', path: ['exclude'] });
  }
  return success(
    { cells: [...grid.cells.values()], searches: grid.searches(), starts: grid.starts },
    grid.warnings,
  );
}

interface Candidate {
  readonly id: string;
  /** By the estimate: it starts, or it is within the service level. */
  readonly predictedGood: boolean;
}

class Grid {
  readonly cells = new Map<string, Cell>();
  readonly starts = new Map<string, StartTime>();
  readonly warnings: Problem[] = [];
  readonly tooLong = new Map<number, Problem>();
  readonly size: number;
  readonly #plan: SweepPlan;
  readonly #context: PlanContext;
  readonly #loads: readonly PlannedLoad[];
  readonly #launches: readonly Launch[];
  readonly #labelOf: (load: LoadProfile) => string;
  /** Candidates of each search by their place, under the label of its combination. */
  readonly #found = new Map<string, Map<number, Candidate>>();
  readonly #started = new Set<string>();

  constructor(plan: SweepPlan, context: PlanContext) {
    this.#plan = plan;
    this.#context = context;
    const { search } = plan;
    const candidates = search && searchCandidates(search);
    const values = candidates?.ok ? candidates.value : undefined;
    const ofLoad = search !== undefined && (loadLevels as readonly string[]).includes(search.flag);
    this.#loads = plannedLoads(plan, ofLoad ? values : undefined, context.traces ?? new Map());
    this.#labelOf = loadLabels(this.#loads.map(({ load }) => load));
    const combinations = Object.values(plan.matrix).reduce((product, list) => product * list.length, 1);
    const dimensions = [
      gpuCounts(plan).length,
      plan.engine.arrangements?.length ?? 1,
      ofLoad ? 1 : (values?.length ?? 1),
      this.#loads.length,
    ];
    this.size = dimensions.reduce((product, length) => product * length, combinations);
    this.#launches =
      this.size > MOST_CELLS ? [] : launchesOf(plan, ofLoad ? undefined : { flag: search?.flag, values });
  }

  fill(): void {
    for (const launch of this.#launches) {
      const engine = engineContent(this.#plan, launch);
      const engineKey = contentHash(engine);
      for (const planned of this.#loads) this.#add(launch, engine, engineKey, planned);
    }
  }

  /** Ordered candidates, small to large. What exclude left out is none. */
  searches(): readonly Search[] {
    const { search } = this.#plan;
    if (search === undefined) return [];
    return [...this.#found].map(([label, places]) => {
      const ordered = [...places].sort(([a], [b]) => a - b).map(([, candidate]) => candidate);
      const cells = ordered.map(({ id }) => id);
      const goal = goalOf(this.#plan, search.goal);
      const good = ordered.filter(({ predictedGood }) => predictedGood);
      const expected = goal.kind === 'smallest-that-starts' ? good[0] : good.at(-1);
      return {
        id: contentHash({ goal: JSON.stringify(goal), cells }),
        label: `${search.flag}${label === '' ? '' : `, ${label}`}`,
        cells,
        goal,
        flag: search.flag,
        // A knee is not estimated.
        ...(expected === undefined || goal.kind === 'knee' ? {} : { expected: expected.id }),
      };
    });
  }

  #add(launch: Launch, engine: Content, engineKey: string, { load, index, candidate }: PlannedLoad): void {
    const plan = this.#plan;
    if (isExcluded(plan, launch, load)) return;
    const id = contentHash({ engine, load: contentOf(load) });
    const apart = [
      launchLabel(plan, launch),
      launch.candidate?.words ?? '',
      levelLabel(load),
      this.#labelOf(load),
    ];
    const label = joined(apart);
    const known = this.cells.get(id);
    if (known !== undefined) {
      const message = `${label} is in the plan twice; it runs once.`;
      this.warnings.push({ code: 'plan.duplicate-cell', message, path: ['load'] });
      return;
    }
    const point: CellPoint = { ...launch, load };
    const estimated = this.#estimate(point);
    const prediction = cellPrediction(estimated, load.profile, !this.#started.has(engineKey));
    const searched = launch.candidate?.index ?? candidate;
    // Whether it starts is what such a search asks: a prediction alone must not answer it.
    const asked = searched !== undefined && plan.search?.goal.endsWith('-starts') === true;
    const skipped = !asked && prediction?.outcome === 'does-not-fit' && plan.predictedNotToFit === 'skip';
    const context = estimated?.kv.maxModelLen ?? launch.flags['max-model-len'];
    if (!skipped && !asked && !this.tooLong.has(index) && exceeds(load, context)) {
      this.tooLong.set(index, longerThanContext(label, load, context, index));
    }
    const start = this.#startOf(engineKey, launch, estimated);
    const startSeconds = this.#started.has(engineKey) ? 0 : start.seconds * launch.arrangement.copies;
    const expectedSeconds = skipped ? 0 : startSeconds + plan.repeats * trialSeconds(point, estimated);
    if (!skipped) this.#started.add(engineKey);
    this.cells.set(id, {
      id,
      label,
      engineKey,
      flags: launch.flags,
      load,
      prediction,
      skipped,
      expectedSeconds,
      ...(startSeconds > 0 ? { expectedStartSeconds: startSeconds } : {}),
      gpuCount: launch.gpuCount,
      ...(isPlain(launch.arrangement) ? {} : { arrangement: launch.arrangement }),
    });
    if (searched === undefined || skipped) return;
    const combination = joined([
      launchLabel(plan, launch),
      candidate === undefined ? levelsApart(this.#loads, load) : '',
      this.#labelOf(load),
    ]);
    const places = this.#found.get(combination) ?? new Map<number, Candidate>();
    const predictedGood = estimated !== null && isPredictedGood(estimated, goalOf(plan, plan.search?.goal));
    this.#found.set(combination, places.set(searched, { id, predictedGood }));
  }

  #estimate(point: CellPoint): DeploymentEstimate | null {
    const request = cellEstimateRequest(this.#plan, point, this.#context);
    return request === null ? null : estimate(request, { fixes: false });
  }

  #startOf(engineKey: string, { flags }: Launch, estimated: DeploymentEstimate | null): StartTime {
    const known = this.starts.get(engineKey);
    if (known !== undefined) return known;
    const { engine, model } = this.#plan;
    const start: StartTime =
      engine.launch?.endpoint === undefined
        ? startTime(
            {
              engineKey,
              engine: engine.name,
              model,
              eager: flags['enforce-eager'] === true,
              estimate: estimated,
              hybrid: this.#context.model !== null && hasState(this.#context.model),
            },
            this.#context.mode,
            this.#context.starts ?? [],
          )
        : { seconds: 0, basis: 'none', because: 'it runs already' };
    this.starts.set(engineKey, start);
    return start;
  }
}

/** The level, where the loads of a search for a flag have several. */
function levelsApart(loads: readonly PlannedLoad[], load: LoadProfile): string {
  return new Set(loads.map((one) => levelLabel(one.load))).size > 1 ? levelLabel(load) : '';
}

function isPredictedGood({ verdict, speed }: DeploymentEstimate, goal: SearchGoal): boolean {
  if (verdict.outcome === 'does-not-fit' || verdict.outcome === 'unknown') return false;
  if (goal.kind !== 'largest-within-slo') return true;
  const { ttftP95Ms = Infinity, tpotP95Ms = Infinity, perQueryTokensPerSecond = 0 } = goal.limits;
  const seconds = (speed.ttftMs + speed.tpotMs * Math.max(0, speed.outputTokens - 1)) / 1000;
  return (
    speed.ttftMs <= ttftP95Ms &&
    speed.tpotMs <= tpotP95Ms &&
    speed.outputTokens / seconds >= perQueryTokensPerSecond
  );
}

function goalOf({ slo }: SweepPlan, goal: (SweepPlan['search'] & {})['goal'] = 'knee'): SearchGoal {
  if (goal !== 'largest-within-slo') return { kind: goal };
  const { ttftP95Ms, tpotP95Ms, perQueryTokensPerSecond } = slo ?? {};
  return {
    kind: goal,
    limits: {
      ...(ttftP95Ms === undefined ? {} : { ttftP95Ms }),
      ...(tpotP95Ms === undefined ? {} : { tpotP95Ms }),
      ...(perQueryTokensPerSecond === undefined ? {} : { perQueryTokensPerSecond }),
    },
  };
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
  { profile, input, output }: LoadProfile,
  contextTokens: number,
  index: number,
): Problem {
  const message = `${label}: ${meanTokens(input)} tokens in and ${meanTokens(output)} out are more than the ${contextTokens} tokens of the context, so the engine would refuse the requests. Make them shorter, or max-model-len larger.`;
  const path = ['load', index, profile === 'trace' ? 'trace' : 'input'];
  return { code: 'plan.longer-than-context', message, path };
}

function isExcluded(plan: SweepPlan, { flags, gpuCount, arrangement }: Launch, load: LoadProfile): boolean {
  const others: Readonly<Record<string, unknown>> = {
    concurrency: load.profile === 'closed-loop' ? load.concurrency : undefined,
    requestsPerSecond: load.profile === 'open-loop' ? load.requestsPerSecond : undefined,
    gpuCount,
    copies: arrangement.copies,
    sharing: arrangement.sharing,
  };
  return plan.exclude.some((entry) => {
    const conditions = Object.entries(entry);
    return (
      conditions.length > 0 &&
      conditions.every(([name, value]) =>
        Object.hasOwn(others, name) ? others[name] === value : flags[name] === value,
      )
    );
  });
}
