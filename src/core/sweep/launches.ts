/** The engine starts of a plan's grid: GPUs, arrangements and flags. */
import type { FlagValue } from '../engine/deployment.ts';
import { findServerLaunch, gpusOfFlags } from '../engine/serverLaunches.ts';
import { GiB } from '../units.ts';
import type { Content } from './contentHash.ts';
import type { SweepPlan } from './planSchema.ts';
import type { Arrangement, Cell } from './run.ts';

/** A start of the grid: everything but the load. */
export interface Launch {
  readonly flags: Cell['flags'];
  /** Of the flags, those that differ from launch to launch, without what is searched. */
  readonly varied: Cell['flags'];
  readonly gpuCount: number;
  readonly writtenGpuCount: number;
  readonly arrangement: Arrangement;
  /** Its place among the candidates, where the plan searches for a flag. */
  readonly candidate?: { readonly index: number; readonly words: string };
}

export function gpuCounts({ gpuCount }: SweepPlan): readonly number[] {
  return typeof gpuCount === 'number' ? [gpuCount] : gpuCount;
}

/** GPUs of the largest engine. */
export function mostGpus(plan: SweepPlan): number {
  const parallel = findServerLaunch(plan.engine.name)?.parallelFlags.flat() ?? [];
  // What does not speak of GPUs need not be multiplied out.
  const matrix = Object.fromEntries(Object.entries(plan.matrix).filter(([flag]) => parallel.includes(flag)));
  return launchesOf({ ...plan, matrix }, undefined).reduce(
    (most, { gpuCount }) => Math.max(most, gpuCount),
    Math.max(...gpuCounts(plan)),
  );
}

/** GPUs, arrangements, flags, and the flag that is searched for; the last varies fastest. */
export function launchesOf(
  plan: SweepPlan,
  search: { readonly flag: string | undefined; readonly values: readonly number[] | undefined } | undefined,
): Launch[] {
  const launch = findServerLaunch(plan.engine.name);
  const tensorParallel = launch?.parallelFlags[0]?.[0];
  const arrangements = plan.engine.arrangements?.map(arrangementOf) ?? [{ of: { copies: 1 }, flags: {} }];
  const searched = search?.values ?? [undefined];
  const several = Array.isArray(plan.gpuCount);
  const launches: Launch[] = [];
  for (const written of gpuCounts(plan)) {
    for (const { of: arrangement, flags: overrides } of arrangements) {
      for (const varied of combinations(plan.matrix)) {
        for (const [index, value] of searched.entries()) {
          const found = value === undefined || search?.flag === undefined ? {} : { [search.flag]: value };
          const said = { ...plan.deployment.flags, ...varied, ...overrides, ...found };
          const asked = launch === undefined ? 1 : gpusOfFlags(launch, said);
          // A list of counts is a part of the grid, so it must make a difference: without a word on it, tensor parallel.
          const flags =
            several && asked === 1 && written > 1 && tensorParallel !== undefined
              ? { ...said, [tensorParallel]: written }
              : said;
          launches.push({
            flags,
            varied: { ...varied, ...overrides },
            gpuCount: Math.max(written, asked),
            writtenGpuCount: written,
            arrangement,
            ...(value === undefined ? {} : { candidate: { index, words: `${search?.flag ?? ''} ${value}` } }),
          });
        }
      }
    }
  }
  return launches;
}

export function arrangementOf({ copies, sharing, memoryGiB, threadPercentage, flags }: WrittenArrangement): {
  of: Arrangement;
  flags: Cell['flags'];
} {
  const shared = sharing ?? (copies > 1 ? 'time-slicing' : undefined);
  return {
    of: {
      copies,
      ...(shared === undefined ? {} : { sharing: shared }),
      ...(memoryGiB === undefined ? {} : { memoryLimitBytes: Math.round(memoryGiB * GiB) }),
      ...(threadPercentage === undefined ? {} : { threadPercentage }),
    },
    flags: flags ?? {},
  };
}

type WrittenArrangement = (SweepPlan['engine']['arrangements'] & {})[number];

export function isPlain({ copies, sharing }: Arrangement): boolean {
  return copies === 1 && sharing === undefined;
}

/** `2 copies under MPS`; empty for one engine alone. */
export function arrangementLabel({
  copies,
  sharing,
  memoryLimitBytes,
  threadPercentage,
}: Arrangement): string {
  const engines = copies === 1 ? '1 copy' : `${copies} copies`;
  const parts = [
    sharing === 'mps' ? `${engines} under MPS` : copies === 1 ? engines : `${engines} time-sliced`,
  ];
  if (memoryLimitBytes !== undefined) parts.push(`${Number((memoryLimitBytes / GiB).toFixed(2))} GiB each`);
  if (threadPercentage !== undefined) parts.push(`${threadPercentage} % of the multiprocessors`);
  return parts.join(', ');
}

/** What sets a launch apart within its plan. */
export function launchLabel(plan: SweepPlan, { varied, gpuCount, arrangement }: Launch): string {
  return joined([
    Array.isArray(plan.gpuCount) ? `${gpuCount} ${gpuCount === 1 ? 'GPU' : 'GPUs'}` : '',
    (plan.engine.arrangements?.length ?? 1) > 1 ? arrangementLabel(arrangement) : '',
    ...Object.entries(varied).map(([name, value]) => `${name} ${valueText(value)}`),
  ]);
}

function valueText(value: FlagValue): string {
  return Array.isArray(value) ? value.join(' ') : String(value);
}

/**
 * Everything that makes an engine start what it is. What the host adds (port, key) is not part of it. What is left out of a plan is left
 * out here too: the ids of earlier plans stay.
 */
export function engineContent(plan: SweepPlan, { flags, writtenGpuCount, arrangement }: Launch): Content {
  const { command, container, endpoint, healthPath } = plan.engine.launch ?? {};
  return {
    engine: plan.engine.name,
    version: plan.engine.version ?? null,
    command: command ?? null,
    environment: plan.engine.environment,
    model: plan.model,
    gpuCount: writtenGpuCount,
    flags,
    ...(container === undefined ? {} : { container: contentOf(container) }),
    ...(endpoint === undefined ? {} : { endpoint }),
    ...(healthPath === undefined ? {} : { healthPath }),
    ...(isPlain(arrangement) ? {} : { arrangement: contentOf(arrangement) }),
  };
}

/** What JSON would hold of it. */
export function contentOf(value: object): Content {
  return JSON.parse(JSON.stringify(value)) as Content;
}

/** The product of the matrix, its first flag slowest. */
function combinations(matrix: Readonly<Record<string, readonly FlagValue[]>>): Record<string, FlagValue>[] {
  let found: Record<string, FlagValue>[] = [{}];
  for (const [name, values] of Object.entries(matrix)) {
    found = found.flatMap((flags) => values.map((value) => ({ ...flags, [name]: value })));
  }
  return found;
}

export function joined(parts: readonly string[]): string {
  return parts.filter((part) => part !== '').join(', ');
}
