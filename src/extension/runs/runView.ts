import type { RunProgress } from '../../core/sweep/progress.ts';
import type { RunResults } from '../../core/sweep/run.ts';

/** A run as views and panels see it. */
export interface RunView {
  /** Its name: `<UTC time>-<plan name>`. */
  readonly run: string;
  /** The workspace folder that has it, as a path. */
  readonly workspace: string;
  /** The run's folder there. */
  readonly directory: string;
  /** null until it is known where it runs. */
  readonly host: string | null;
  /** null until plan and environment are here. */
  readonly results: RunResults | null;
  readonly progress: RunProgress | null;
  /** Why the host cannot be reached; the run itself goes on. */
  readonly connection: string | null;
}

export type RunOutcome = RunResults['outcome'];

export function outcomeOf(view: RunView): RunOutcome {
  return view.results?.outcome ?? 'running';
}

export function isOver(view: RunView): boolean {
  return ['completed', 'cancelled', 'failed'].includes(outcomeOf(view));
}

/** Simulated, as far as is known: said wherever the run shows. */
export function isSimulated(view: RunView): boolean {
  return view.results?.mode === 'rehearsal';
}
