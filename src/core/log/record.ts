/** What a start-up log of an engine says, in bytes; null where it does not say it. */
import type { FlagValue } from '../engine/deployment.ts';

export type LogEngine = 'vllm' | 'sglang' | 'llama.cpp' | 'tgi' | 'tensorrt-llm';

/**
 * `refused`: the engine's own checks said no. `oom`: the GPU's memory ran out. `failed`: anything else ended it.
 * `unknown`: the log ends before it is told.
 */
export type LogOutcome = 'started' | 'refused' | 'oom' | 'failed' | 'unknown';

export type LogErrorClass =
  | 'free-memory-below-requested'
  | 'no-kv-memory'
  | 'max-model-len'
  | 'mamba-blocks'
  | 'bad-flag'
  | 'tensor-parallel'
  | 'unsupported-model'
  | 'sampler-warmup-oom'
  | 'oom'
  | 'memory-profiling-race'
  | 'gated-model'
  | 'not-found'
  | 'port-in-use'
  | 'killed'
  | 'nccl'
  | 'driver'
  | 'other';

/** What the engine was doing when memory ran out. */
export type OomPhase = 'load' | 'profile' | 'capture' | 'warm-up' | 'serving';

/** The memory terms that one worker process logs. */
export const termNames = [
  'weightsBytes',
  'activationPeakBytes',
  'nonTorchBytes',
  'graphBytes',
  'graphEstimateBytes',
  'availableKvBytes',
  'requestedBytes',
  'totalBytes',
  'freeBytes',
] as const;

export type TermName = (typeof termNames)[number];

export type LoggedTerms = Readonly<Record<TermName, number | null>>;

export interface LoggedRank extends LoggedTerms {
  /** As the log names the process: `Worker_TP0`, `TP1`; empty where it names none. */
  readonly process: string;
}

/** One start of an engine: an element of `loadline log --json`. Bytes, tokens, seconds. */
export interface LogRecord extends LoggedTerms {
  readonly engine: LogEngine;
  readonly version: string | null;
  readonly kvTokens: number | null;
  readonly maxConcurrency: number | null;
  readonly maxModelLen: number | null;
  readonly outcome: LogOutcome;
  readonly errorClass: LogErrorClass | null;
  /** 1-based line at which the start begins. */
  readonly line: number;
  /** 1-based line of the first line that tells what went wrong. */
  readonly errorLine: number | null;
  /** With an error class of memory running out. */
  readonly phase: OomPhase | null;
  readonly gpuMemoryUtilization: number | null;
  readonly numGpuBlocks: number | null;
  readonly blockSize: number | null;
  readonly model: string | null;
  /** As the engine logged them, names with dashes. Values that may be secrets are left out. */
  readonly flags: Readonly<Record<string, FlagValue>>;
  /** `cuda`, or the driver's name of the GPU, as far as the log goes. */
  readonly device: string | null;
  readonly startupSeconds: number | null;
  /** Half of the last printed digit of each term, in bytes: how far the truth may be from it. */
  readonly resolution: Readonly<Partial<Record<TermName, number>>>;
  /** Each worker's own terms, in the order in which they came. The record has those of the worker with the least KV memory. */
  readonly perRank: readonly LoggedRank[];
}
