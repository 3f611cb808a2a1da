import type { FlagValue } from '../engine/deployment.ts';
import type { SpeedBound, VerdictOutcome } from '../estimate/types.ts';

import type {
  CellEngineMetrics,
  CellInterval,
  CellTelemetry,
  FlagBeside,
  ForeignOrigin,
  Knee,
  MemoryBeside,
  OutlyingTrial,
  SearchResult,
  SpeedBeside,
  Why,
} from './cellResult.ts';
import type { LoadResult } from './loadResult.ts';
import type { Question } from './planSchema.ts';

/** What one GPU costs an hour, US dollars. */
export interface HourlyPrice {
  readonly dollarsPerHour: number;
  readonly source: string;
}

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
  readonly prediction: CellPrediction | null;
  /** Not run: predicted not to fit and the plan says skip. */
  readonly skipped: boolean;
  readonly expectedSeconds: number;
  /** Of its engine's start, as the ETA counts it; left out where it is not known. */
  readonly expectedStartSeconds?: number;
  /** GPUs of its engine; left out in runs from before it was known. */
  readonly gpuCount?: number;
  /** Left out: one engine, alone on its GPUs. */
  readonly arrangement?: Arrangement;
}

export interface CellPrediction {
  readonly outcome: VerdictOutcome;
  readonly reason: string;
  /** Left out in runs from before they were kept. */
  readonly figures?: PredictedCell;
  /** Of the engine start: at its first cell alone. */
  readonly memory?: readonly PredictedMemory[];
  /** Flags that memory and speed hang on, as the estimate resolved them. Of the engine start: at its first cell alone. */
  readonly resolved?: Readonly<Record<string, FlagValue>>;
}

/** The estimate under the cell's load. */
export interface PredictedCell {
  readonly kvTokens: number;
  /** Of a closed loop alone: estimates of speed are for so many requests at once. */
  readonly ttftMs?: PredictedFigure;
  readonly tpotMs?: PredictedFigure;
  readonly systemTokensPerSecond?: PredictedFigure;
  readonly bound?: SpeedBound;
}

export interface PredictedFigure {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** A term of the rank with the least room. `available-kv`: what is left for the cache. */
export interface PredictedMemory {
  readonly term: string;
  readonly bytes: number;
  readonly lowBytes: number;
  readonly highBytes: number;
}

/** Tokens of a prompt or an answer. Draws are rounded, and truncated at one token. The same seed gives the same lengths for every configuration. */
export type LengthDistribution =
  | { readonly kind: 'fixed'; readonly tokens: number }
  | { readonly kind: 'normal'; readonly mean: number; readonly deviation: number }
  | { readonly kind: 'uniform'; readonly least: number; readonly most: number }
  /** Mean and deviation of the lengths themselves, not of their logarithms. */
  | { readonly kind: 'lognormal'; readonly mean: number; readonly deviation: number }
  | { readonly kind: 'empirical'; readonly values: readonly number[] };

export type LoadProfile = ClosedLoopProfile | OpenLoopProfile | TraceProfile | OfflineProfile;

/** What every load has. Prefill alone is an output of one token. */
export interface LoadBase {
  /** Measured requests; the most of them where `seconds` ends the trial. */
  readonly requests: number;
  readonly seconds?: number;
  readonly warmupRequests: number;
  readonly input: LengthDistribution;
  readonly output: LengthDistribution;
  readonly api: 'completions' | 'chat';
  readonly prompt: 'token-ids' | 'text';
  readonly seed: number;
  /** So many beginnings of so many tokens, which the prompts share. */
  readonly sharedPrefix?: { readonly tokens: number; readonly groups: number };
  /** Conversations: each turn carries what was said before it. */
  readonly turns?: { readonly count: number; readonly thinkMs?: number };
  /** Processes of the load generator. Left out: as many as it takes. */
  readonly processes?: number;
  /** Left out: answers are streamed. */
  readonly stream?: false;
}

/** Closed loop: `concurrency` requests always in flight. */
export interface ClosedLoopProfile extends LoadBase {
  readonly profile: 'closed-loop';
  readonly concurrency: number;
  /** The first requests are spread over so long. */
  readonly rampSeconds?: number;
}

/** Open loop: requests are sent when they are due, whatever became of those before them. */
export interface OpenLoopProfile extends LoadBase {
  readonly profile: 'open-loop';
  readonly requestsPerSecond: number;
  readonly arrivals: 'poisson' | 'constant' | 'gamma' | 'burst';
  /** Shape of the gamma distribution of the gaps; 1 is Poisson, less is burstier. */
  readonly burstiness?: number;
  readonly maxConcurrency?: number;
  readonly ramp?: {
    readonly fromRequestsPerSecond: number;
    readonly seconds: number;
    readonly shape: 'linear' | 'exponential';
  };
}

/** Requests as they were recorded, each at its time. */
export interface TraceProfile extends LoadBase {
  readonly profile: 'trace';
  readonly entries: readonly TraceEntry[];
  /** 2 replays it in half the time. */
  readonly speed?: number;
}

export interface TraceEntry {
  readonly atMs: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly session?: number;
}

/** All requests at once: the throughput of a batch. */
export interface OfflineProfile extends LoadBase {
  readonly profile: 'offline';
}

/** What sets the load's level, and where it stands; null where the axis has no single figure. */
export interface LoadLevel {
  readonly axis: 'concurrency' | 'requestsPerSecond' | 'trace' | 'offline';
  readonly value: number | null;
}

/** Engines side by side on the same GPUs, each a copy with its own port and key. */
export interface Arrangement {
  readonly copies: number;
  readonly sharing?: 'time-slicing' | 'mps';
  /** Of each copy, under MPS. */
  readonly memoryLimitBytes?: number;
  /** Of each copy's multiprocessors, under MPS: 1 to 100. */
  readonly threadPercentage?: number;
}

/** A value that is looked for: ordered candidates, of which only some are run. */
export interface Search {
  readonly id: string;
  readonly label: string;
  /** Cell ids, small to large. */
  readonly cells: readonly string[];
  readonly goal: SearchGoal;
  /** The flag that the cells differ in: a failure that says to raise or lower it says on which side the answer is. */
  readonly flag?: string;
  /** The cell that is predicted to be the answer: tried first, which saves tries where it is. */
  readonly expected?: string;
}

export type SearchGoal =
  | { readonly kind: 'smallest-that-starts' | 'largest-that-starts' }
  | { readonly kind: 'largest-within-slo'; readonly limits: ServiceLevel }
  /** Where more load gives less than `gain` of its share in throughput; left out: the agent's own. */
  | { readonly kind: 'knee'; readonly gain?: number };

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
  /** Requests in flight; null of a load that has no such number: open loop, trace, offline batch. */
  readonly concurrency: number | null;
  /** Of an open loop. */
  readonly requestsPerSecond?: number;
  /** Requests of an offline batch. */
  readonly batch?: number;
  /** GPUs of its engines together. */
  readonly gpuCount?: number;
  readonly arrangement?: Arrangement;
  /** What sets its load apart, beside the concurrency: `8000 in, 100 out`. Left out where the run has one load. */
  readonly load?: string;
  /** Repeats in order. */
  readonly trials: readonly LoadResult[];
  readonly meetsServiceLevel: boolean | null;
  readonly failure: CellFailure | null;
  readonly prediction: Cell['prediction'];
  readonly startedWallMs: number | null;
  readonly finishedWallMs: number | null;
  readonly interval?: CellInterval;
  readonly outliers?: readonly OutlyingTrial[];
  /** What sets its pace, and how that is known. */
  readonly why?: Why;
  readonly memory?: readonly MemoryBeside[];
  readonly resolved?: readonly FlagBeside[];
  readonly speed?: SpeedBeside;
  readonly telemetry?: CellTelemetry;
  readonly engineMetrics?: CellEngineMetrics;
  /** Not run: a search did not need it. */
  readonly passedOver?: { readonly search: string; readonly why: string };
}

/** What the engine itself was doing when it failed, by its log. */
export type EnginePhase = 'load' | 'profile' | 'capture' | 'warm-up' | 'serving';

/** A change of a flag that would keep a failure from coming back. */
export interface Remedy {
  readonly flag: string;
  readonly change: 'raise' | 'lower' | 'set' | 'remove';
  readonly to?: FlagValue;
  readonly why: string;
}

/** One copy of a cell's engine, as it became ready. */
export interface EngineInstance {
  readonly index: number;
  readonly pid: number | null;
  readonly gpus: readonly number[];
  readonly version: string | null;
  /** File name within the run folder. */
  readonly log: string;
  readonly steps?: {
    readonly processSeconds: number;
    readonly healthSeconds: number;
    readonly firstAnswerSeconds: number;
  };
}

/** How far Loadline's own knowledge of an engine was tried. */
export interface EngineSupport {
  /** Release, date and hardware of a real engine that it was seen to work with; null: none, and it is shown as *unverified*. */
  readonly verified: string | null;
  /** What is followed where nothing was seen. */
  readonly documentation: string;
}

export interface CellFailure {
  /** `out-of-memory`, `refused`, `timeout`, `crashed`, `load`, `cancelled`, `skipped` … */
  readonly kind: string;
  readonly phase: 'start' | 'ready' | 'warm-up' | 'load' | 'stop';
  readonly message: string;
  readonly logExcerpt: readonly string[];
  readonly enginePhase?: EnginePhase;
  readonly remedies?: readonly Remedy[];
  /** Copy of the engine, from 0. */
  readonly instance?: number;
}

/** `results.json`. Derived from plan and journal alone; can be made again from them at any time. */
export interface RunResults {
  readonly schema: 1;
  readonly run: string;
  readonly name: string;
  readonly mode: RunMode;
  readonly host: string;
  readonly engine: {
    readonly name: string;
    readonly version: string | null;
    /** Left out in runs from before it was known, and where none became ready. */
    readonly support?: EngineSupport;
  };
  readonly model: string;
  readonly device: string;
  readonly outcome: 'running' | 'completed' | 'cancelled' | 'failed' | 'interrupted';
  readonly serviceLevel: ServiceLevel | null;
  /** What the plan asks; left out where it asks nothing, and in older files. */
  readonly question?: Question;
  /** What one of its GPUs costs; left out where that is not known. */
  readonly price?: HourlyPrice;
  readonly cells: readonly CellResult[];
  /** The answer to the plan's question, in a sentence; null until it can be given. */
  readonly answer: string | null;
  readonly warnings: readonly string[];
  readonly searches?: readonly SearchResult[];
  readonly knees?: readonly Knee[];
  /** Another tool wrote them. */
  readonly origin?: ForeignOrigin;
  /** Name of the file with the engine's metrics, in the run folder. */
  readonly metricsFile?: string;
}
