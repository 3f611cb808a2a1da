/** What results say of a cell beside its trials. Every part is left out where it is not known. */
import type { FlagValue } from '../engine/deployment.ts';
import type { IntervalMetric } from './loadResult.ts';

/** 95 % interval of a figure. */
export interface MetricInterval {
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  /** Repeats; 1: from batches within the only one. */
  readonly n: number;
  readonly standardError: number;
  /** Of one repeat: what its error has degrees of freedom by. */
  readonly batches?: number;
  /** Of five repeats or more: the central value that one odd run does not move. */
  readonly median?: number;
}

export type CellInterval = Readonly<Partial<Record<IntervalMetric, MetricInterval>>>;

/** A trial that stands apart from the others. It counts as they do. */
export interface OutlyingTrial {
  /** From 0. */
  readonly trial: number;
  readonly why: string;
}

/** What sets the pace of a cell. */
export const boundKinds = [
  'compute',
  'hbm',
  'pcie',
  'nvlink',
  'host',
  'kv',
  'client',
  'throttled',
  'unknown',
] as const;
export type BoundKind = (typeof boundKinds)[number];

export interface Why {
  readonly bound: BoundKind;
  /** A sentence each, the deciding one first, with the figure and where it is from. */
  readonly evidence: readonly string[];
}

/** A flag as the estimate resolved it, and as the engine's log says that it ran. */
export interface FlagBeside {
  readonly flag: string;
  readonly predicted: FlagValue;
  readonly logged: FlagValue;
}

/** A term of a rank's memory: as estimated before the run, and as the engine logged it. Bytes. */
export interface MemoryBeside {
  /** As in the estimate: `weights`, `activation-peak` …; `available-kv` for what is left for the cache. */
  readonly term: string;
  readonly predictedBytes: number;
  readonly lowBytes: number;
  readonly highBytes: number;
  readonly measuredBytes: number;
}

export interface Beside {
  readonly predicted: number;
  /** Ends of the estimate's band; the prediction itself where it has none. */
  readonly low: number;
  readonly high: number;
  readonly measured: number;
}

/** Predicted beside measured: means of the trials. */
export interface SpeedBeside {
  readonly ttftMs?: Beside;
  readonly tpotMs?: Beside;
  readonly systemTokensPerSecond?: Beside;
  readonly kvTokens?: Beside;
  /** From the start of the process to its first answer. Its prediction is the plan's ETA. */
  readonly startupSeconds?: Beside;
}

/** Telemetry over the trials' windows. Shares are 0 to 1, means over the cell's GPUs. */
export interface CellTelemetry {
  readonly fromWallMs: number;
  readonly toWallMs: number;
  readonly samples: number;
  readonly gpus: number;
  /** Of all GPUs together. */
  readonly meanWatts?: number;
  /** By the trapezoidal rule over the power samples; left out where they have a gap of more than 3 s. */
  readonly energyJoules?: number;
  readonly joulesPerOutputToken?: number;
  readonly utilization?: number;
  readonly smActive?: number;
  readonly tensorActive?: number;
  readonly dramActive?: number;
  /** Most of one GPU. */
  readonly memoryUsedBytes?: number;
  readonly smClockMHz?: number;
  readonly temperatureCelsius?: number;
  readonly pcieTxBytesPerSecond?: number;
  readonly pcieRxBytesPerSecond?: number;
  readonly nvlinkTxBytesPerSecond?: number;
  readonly nvlinkRxBytesPerSecond?: number;
  /** Share of the samples in which a reason to slow down was set, by its name. */
  readonly throttled?: Readonly<Record<string, number>>;
  /** Of the whole host, 0 to 1. */
  readonly hostCpu?: number;
}

/** What the engine said of itself at `/metrics` over the trials' windows. */
export interface CellEngineMetrics {
  readonly samples: number;
  readonly running?: number;
  readonly waiting?: number;
  /** Mean and most of the KV cache's use, 0 to 1. */
  readonly kvUsage?: number;
  readonly kvUsageMost?: number;
  readonly preemptions?: number;
  /** Share of prompt tokens that the prefix cache had. */
  readonly prefixHits?: number;
}

/** A search of the plan, as the run left it. */
export interface SearchResult {
  readonly id: string;
  readonly label: string;
  /** What is varied: a flag, `concurrency` or `requestsPerSecond`; left out in older runs. */
  readonly flag?: string;
  /** `smallest-that-starts` … */
  readonly goal: string;
  /** `stopped`: the run ended before the search did; a resume goes on with it. */
  readonly state: 'running' | 'finished' | 'stopped';
  /** Cell ids. */
  readonly found: string | null;
  readonly good: readonly string[];
  readonly bad: readonly string[];
  /** False where what is good and what is bad is not on two sides of one point. */
  readonly smooth: boolean;
  readonly why: string;
  readonly startsUsed: number;
  readonly startsOfGrid: number;
  readonly runsUsed: number;
  readonly runsOfGrid: number;
}

/** Where more load stops to give more throughput, along the loads of one engine start. */
export interface Knee {
  /** The flags' words, and what sets the load apart: empty where there is one ladder. */
  readonly group: string;
  readonly axis: 'concurrency' | 'requestsPerSecond';
  /** Cell at the knee; null where throughput still rises at the end of the ladder. */
  readonly cell: string | null;
  readonly value: number | null;
  /** Throughput there, or at the end of the ladder. */
  readonly systemTokensPerSecond: number;
  readonly regime: 'linear' | 'saturating' | 'saturated';
  readonly why: string;
}

/** Of results that another tool wrote. */
export interface ForeignOrigin {
  readonly tool: string;
  readonly version: string | null;
  readonly file: string;
  /** Definitions that differ from ours, and what could not be read. */
  readonly notes: readonly string[];
}
