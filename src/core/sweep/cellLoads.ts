/** The loads of a plan, each level a profile of its own. */
import { findServerLaunch } from '../engine/serverLaunches.ts';
import type { PlanLoad, SweepPlan } from './planSchema.ts';
import type { LengthDistribution, LoadBase, LoadProfile, TraceEntry } from './run.ts';

/** The 130 that a p95 needs, with room for warm-up, drain and failures; ten for each in flight keep ramp and drain under a tenth. */
const LEAST_REQUESTS = 200;
const REQUESTS_PER_CONCURRENCY = 10;
const WARMUP_PER_CONCURRENCY = 2;
/** A minute of arrivals. */
const OPEN_LOOP_SECONDS = 60;
const OPEN_LOOP_WARMUP = 8;

export interface PlannedLoad {
  readonly load: LoadProfile;
  /** In the plan's `load`. */
  readonly index: number;
  /** Its place among the candidates, where the plan searches for the level. */
  readonly candidate?: number;
}

/** `candidates`: levels that are searched for, instead of those that the loads give. Null where a trace was not read. */
export function plannedLoads(
  plan: SweepPlan,
  candidates: readonly number[] | undefined,
  traces: ReadonlyMap<string, readonly TraceEntry[]>,
): readonly PlannedLoad[] {
  const takesTokenIds = findServerLaunch(plan.engine.name)?.takesTokenIds !== false;
  const profilesOf = (written: PlanLoad, level: number | undefined) =>
    loadProfiles(written, { level, traces, takesTokenIds });
  return plan.load.flatMap((written, index) => {
    if (candidates === undefined) return profilesOf(written, undefined).map((load) => ({ load, index }));
    return candidates.flatMap((level, candidate) =>
      profilesOf(written, level).map((load) => ({ load, index, candidate })),
    );
  });
}

function loadProfiles(
  written: PlanLoad,
  {
    level,
    traces,
    takesTokenIds,
  }: {
    readonly level: number | undefined;
    readonly traces: ReadonlyMap<string, readonly TraceEntry[]>;
    readonly takesTokenIds: boolean;
  },
): LoadProfile[] {
  switch (written.profile) {
    case 'closed-loop':
      return list(level ?? written.concurrency).map((concurrency) => ({
        profile: written.profile,
        concurrency,
        ...given({ rampSeconds: written.rampSeconds }),
        ...base(written, {
          requests: Math.max(LEAST_REQUESTS, REQUESTS_PER_CONCURRENCY * concurrency),
          warmup: WARMUP_PER_CONCURRENCY * concurrency,
          takesTokenIds,
        }),
        ...drawn(written),
      }));
    case 'open-loop':
      return list(level ?? written.requestsPerSecond).map((requestsPerSecond) => ({
        profile: written.profile,
        requestsPerSecond,
        arrivals: written.arrivals,
        ...given({
          burstiness: written.burstiness,
          maxConcurrency: written.maxConcurrency,
          ramp: written.ramp,
        }),
        ...base(written, {
          requests: Math.max(
            LEAST_REQUESTS,
            Math.ceil(requestsPerSecond * (written.seconds ?? OPEN_LOOP_SECONDS)),
          ),
          warmup: OPEN_LOOP_WARMUP,
          takesTokenIds,
        }),
        ...drawn(written),
      }));
    case 'trace': {
      const entries = traces.get(written.trace) ?? [];
      return list(written.speed ?? 1).map((speed) => ({
        profile: written.profile,
        entries,
        ...(speed === 1 ? {} : { speed }),
        ...base(written, { requests: Math.max(1, entries.length), warmup: 0, takesTokenIds }),
        input: meanOf(entries.map(({ inputTokens }) => inputTokens)),
        output: meanOf(entries.map(({ outputTokens }) => outputTokens)),
      }));
    }
    case 'offline':
      return list(written.requests ?? LEAST_REQUESTS).map((requests) => ({
        profile: written.profile,
        ...base({ ...written, requests }, { requests, warmup: 0, takesTokenIds }),
        ...drawn(written),
      }));
  }
}

/** Keys in the order in which they always were: ids do not depend on it, but what is kept reads better. */
function base(
  written: Omit<PlanLoad, 'profile' | 'requests'> & { readonly requests?: number | undefined },
  by: { readonly requests: number; readonly warmup: number; readonly takesTokenIds: boolean },
): Omit<LoadBase, 'input' | 'output'> {
  const { takesTokenIds } = by;
  return {
    requests: written.requests ?? by.requests,
    warmupRequests: written.warmupRequests ?? by.warmup,
    api: written.api,
    prompt: written.prompt ?? (written.api === 'chat' || !takesTokenIds ? 'text' : 'token-ids'),
    seed: written.seed,
    ...given({
      seconds: written.seconds,
      sharedPrefix: written.sharedPrefix,
      processes: written.processes,
      stream: written.stream,
    }),
  };
}

function drawn(
  written: Exclude<PlanLoad, { profile: 'trace' }>,
): Pick<LoadBase, 'input' | 'output' | 'turns'> {
  const { turns } = written;
  return {
    input: lengthDistribution(written.input),
    output: lengthDistribution(written.output),
    ...(turns === undefined ? {} : { turns: { count: turns.count, ...given({ thinkMs: turns.thinkMs }) } }),
  };
}

function lengthDistribution(lengths: Exclude<PlanLoad, { profile: 'trace' }>['input']): LengthDistribution {
  if (typeof lengths === 'number') return { kind: 'fixed', tokens: lengths };
  if ('values' in lengths) return { kind: 'empirical', values: lengths.values };
  if ('least' in lengths) return { kind: 'uniform', least: lengths.least, most: lengths.most };
  const { mean, deviation } = lengths;
  return { kind: 'distribution' in lengths ? 'lognormal' : 'normal', mean, deviation };
}

/** What a trace's requests come to on the whole; estimates count with it, the load generator with the entries. */
function meanOf(tokens: readonly number[]): LengthDistribution {
  const sum = tokens.reduce((total, value) => total + value, 0);
  return { kind: 'fixed', tokens: Math.max(1, Math.round(sum / Math.max(1, tokens.length))) };
}

function list(levels: number | readonly number[] | undefined): readonly number[] {
  if (levels === undefined) return [];
  return typeof levels === 'number' ? [levels] : levels;
}

type Given<T> = { readonly [Key in keyof T]?: Exclude<T[Key], undefined> };

/** Without the keys that are not given: what is left out must not count for a cell's id. */
function given<T extends object>(values: T): Given<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Given<T>;
}
