/** A plan as it will run, before anything does: its cells with what is predicted of them, its cost and its commands. */
import type { VerdictOutcome } from '../estimate/types.ts';
import type { ExpandedPlan } from './cells.ts';
import type { SweepPlan } from './planSchema.ts';
import { duration } from './reportFigures.ts';
import type { RunMode } from './run.ts';
import { expectedSteps, type Schedule, scheduleOf } from './schedule.ts';

/** `loadline sweep --dry-run --json`. Seconds. */
export interface PlanPreview {
  readonly schema: 1;
  readonly name: string;
  readonly question: string | null;
  readonly mode: RunMode;
  readonly hosts: readonly string[];
  readonly engine: string;
  readonly model: string;
  /** Device id; null where it is not known. */
  readonly device: string | null;
  readonly cells: readonly PreviewCell[];
  readonly searches: readonly PreviewSearch[];
  readonly schedule: Schedule;
  /** Whose queue the run waits in; left out where it waits in none. */
  readonly scheduler?: 'slurm';
  /** Distinct command lines, in order; empty in a rehearsal. */
  readonly commands: readonly string[];
}

export interface PreviewCell {
  readonly id: string;
  readonly label: string;
  /** `unknown` where nothing is predicted. */
  readonly predicted: VerdictOutcome;
  readonly reason: string | null;
  readonly skipped: boolean;
  readonly expectedSeconds: number;
  readonly gpuCount: number;
  readonly engineKey: string;
}

export interface PreviewSearch {
  readonly label: string;
  readonly goal: string;
  readonly candidates: number;
  readonly expectedSteps: number;
}

export function planPreview(
  plan: SweepPlan,
  expanded: ExpandedPlan,
  about: { readonly mode: RunMode; readonly device: string | null; readonly hosts: readonly string[] },
  commands: readonly string[],
): PlanPreview {
  return {
    schema: 1,
    name: plan.name,
    question: plan.question ?? null,
    mode: about.mode,
    hosts: about.hosts,
    engine: plan.engine.name,
    model: plan.model,
    device: about.device,
    cells: expanded.cells.map((cell) => ({
      id: cell.id,
      label: cell.label,
      predicted: cell.prediction?.outcome ?? 'unknown',
      reason: cell.prediction?.reason ?? null,
      skipped: cell.skipped,
      expectedSeconds: cell.expectedSeconds,
      gpuCount: cell.gpuCount ?? 1,
      engineKey: cell.engineKey,
    })),
    searches: expanded.searches.map(({ label, goal, cells }) => ({
      label,
      goal: goal.kind,
      candidates: cells.length,
      expectedSteps: expectedSteps(cells.length),
    })),
    schedule: scheduleOf(expanded),
    ...(plan.scheduler === undefined ? {} : { scheduler: plan.scheduler.type }),
    commands: [...new Set(commands)],
  };
}

/** `24 cells, about 1 h 50 min, 1.80 GPU-h; 4 engine starts (24 without ordering)` */
export function scheduleLine({ schedule, mode, hosts, scheduler }: PlanPreview): string {
  const { cells, expectedCells, starts, startsUnordered, seconds, gpuHours } = schedule;
  const several = hosts.length > 1 ? ` on each of ${hosts.length} hosts` : '';
  const searched = expectedCells < cells ? ` (a search runs about ${expectedCells} of them)` : '';
  const cost = mode === 'measured' ? `, ${gpuHours.toFixed(2)} GPU-h` : '';
  const saved = startsUnordered > starts ? ` (${startsUnordered} without ordering)` : '';
  const word = starts === 1 ? 'start' : 'starts';
  const queue = scheduler === undefined ? '' : "; the time in Slurm's queue is not counted";
  return `${cells} cells${searched}, about ${duration(seconds)}${cost}${several}; ${starts} engine ${word}${saved}${queue}`;
}

/** What stands in no command that is shown; nothing where all of them run already. */
export function addedLine({ commands }: PlanPreview): string | undefined {
  return commands.every((command) => command.startsWith('(runs already)'))
    ? undefined
    : 'Added on the host: a free port on 127.0.0.1, a random key in the environment of an engine that takes one there, and to a container its name, labels, network, mounts and GPUs.';
}

/** How the time of the starts is known. */
export function startsLine({ schedule }: PlanPreview): string {
  return `Start-up times: ${schedule.startsBecause.join('; ')}.`;
}

export function searchLines({ searches }: PlanPreview): string[] {
  return searches.map(
    ({ label, goal, candidates, expectedSteps: steps }) =>
      `search for ${goal} (${label}): about ${steps} of ${candidates} candidates are run`,
  );
}
