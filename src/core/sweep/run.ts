import type { FlagValue } from '../engine/deployment.ts';
import type { VerdictOutcome } from '../estimate/types.ts';
import type { LoadResult } from './loadResult.ts';

/** `rehearsal`: the simulated engine. Every surface that shows such a run says *simulated*. */
export type RunMode = 'measured' | 'rehearsal';

export type CellState = 'waiting' | 'running' | 'done' | 'failed' | 'skipped';

/** A point of the grid, as it stands in the plan before anything runs. */
export interface Cell {
  /** Hash of the content (engine launch, flags, load): the same point has the same id in every run. */
  readonly id: string;
  readonly label: string;
  /** Cells that share this run on one engine start. */
  readonly engineKey: string;
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly load: LoadProfile;
  readonly prediction: { readonly outcome: VerdictOutcome; readonly reason: string } | null;
  /** Not run: predicted not to fit and the plan says skip. */
  readonly skipped: boolean;
  readonly expectedSeconds: number;
}

export type LengthDistribution =
  | { readonly kind: 'fixed'; readonly tokens: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly deviation: number };

/** Closed loop: `concurrency` requests always in flight. */
export interface LoadProfile {
  readonly profile: 'closed-loop';
  readonly concurrency: number;
  readonly requests: number;
  readonly warmupRequests: number;
  readonly input: LengthDistribution;
  readonly output: LengthDistribution;
  readonly api: 'completions' | 'chat';
  readonly prompt: 'token-ids' | 'text';
  readonly seed: number;
}

/** Limits that a cell must meet to count as an answer. */
export interface ServiceLevel {
  readonly ttftP95Ms?: number;
  readonly tpotP95Ms?: number;
  readonly perQueryTokensPerSecond?: number;
}

export interface CellResult {
  readonly cell: string;
  readonly label: string;
  readonly state: CellState;
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly concurrency: number;
  /** What sets its load apart, beside the concurrency: `8000 in, 100 out`. Left out where the run has one load. */
  readonly load?: string;
  /** Repeats in order. */
  readonly trials: readonly LoadResult[];
  readonly meetsServiceLevel: boolean | null;
  readonly failure: CellFailure | null;
  readonly prediction: Cell['prediction'];
  readonly startedWallMs: number | null;
  readonly finishedWallMs: number | null;
}

export interface CellFailure {
  /** `out-of-memory`, `refused`, `timeout`, `crashed`, `load`, `cancelled`, `skipped` … */
  readonly kind: string;
  readonly phase: 'start' | 'ready' | 'warm-up' | 'load' | 'stop';
  readonly message: string;
  readonly logExcerpt: readonly string[];
}

/** `results.json`. Derived from plan and journal alone; can be made again from them at any time. */
export interface RunResults {
  readonly schema: 1;
  readonly run: string;
  readonly name: string;
  readonly mode: RunMode;
  readonly host: string;
  readonly engine: { readonly name: string; readonly version: string | null };
  readonly model: string;
  readonly device: string;
  readonly outcome: 'running' | 'completed' | 'cancelled' | 'failed' | 'interrupted';
  readonly serviceLevel: ServiceLevel | null;
  readonly cells: readonly CellResult[];
  /** The answer to the plan's question, in a sentence; null until it can be given. */
  readonly answer: string | null;
  readonly warnings: readonly string[];
}
