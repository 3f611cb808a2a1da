import type { Calibration } from '../calibration/calibration.ts';
import type { Device } from '../device/device.ts';
import type { Deployment, FlagValue } from '../engine/deployment.ts';
import type { ModelFacts, ParametersByKind } from '../model/facts.ts';
import type { Problem } from '../result.ts';

/** How a number is known. */
export type Provenance = 'formula' | 'flag' | 'header' | 'log-line' | 'measured-run' | 'live';

/** One part of a rank's memory. Bytes with a band; `low = high = bytes` where it is exact. */
export interface MemoryTerm {
  /** `weights`, `activation-peak`, `non-torch`, `graphs` (charged), `graphs-uncharged` … */
  readonly id: string;
  readonly bytes: number;
  readonly lowBytes: number;
  readonly highBytes: number;
  /** The formula with its numbers filled in. */
  readonly formula: string;
  /** Paper, or the engine's file and version, or a recording. */
  readonly source: string;
  readonly provenance: Provenance;
  /** False for what the engine uses beyond what it asked for. */
  readonly charged: boolean;
}

export interface RankEstimate {
  readonly rank: number;
  readonly terms: readonly MemoryTerm[];
  /** gpu_memory_utilization x total, rounded up: vLLM's "requested". */
  readonly requestedBytes: number;
  readonly totalBytes: number;
  /** Free before the engine starts, where a host says it. */
  readonly freeBytes?: number;
  /** "Available KV cache memory". Negative where nothing is left. */
  readonly availableKvBytes: number;
}

export interface KvEstimate {
  readonly bytesPerTokenPerRank: number;
  readonly blockSize: number;
  readonly numBlocks: number;
  /** "GPU KV cache size". */
  readonly tokens: number;
  /** "Maximum concurrency for maxModelLen tokens per request". */
  readonly maxConcurrency: number;
  readonly maxModelLen: number;
  /** Bytes that one full-length request needs on a rank. */
  readonly oneRequestBytes: number;
  /** Largest max_model_len that fits, 0 where none does. */
  readonly largestMaxModelLen: number;
  /** Of an engine that takes one batch at a time: the largest that fits at `maxModelLen` tokens a request; one more runs out. */
  readonly maxBatch?: number;
}

/**
 * What sets the pace: `bandwidth` reading weights, `kv-traffic` reading the KV cache, `compute`, `launch` the engine's own cost a
 * step, `interconnect` the links between GPUs; `kv`: the cache has no room for the batch, so that requests wait.
 */
export type SpeedBound = 'bandwidth' | 'kv-traffic' | 'compute' | 'launch' | 'kv' | 'interconnect';

export interface SpeedEstimate {
  readonly batch: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly prefillTokensPerSecond: number;
  /** Of a request that comes while the others are under way. */
  readonly ttftMs: number;
  /** The mean where all of them come at once, as at the start of a load test: each waits for those before it. */
  readonly ttftAllAtOnceMs: number;
  readonly tpotMs: number;
  /** Output tokens per second of all requests while they decode. */
  readonly decodeTokensPerSecond: number;
  /** Output tokens per second over whole requests, their time to first token included: what a load test prints. */
  readonly systemTokensPerSecond: number;
  /** Weights that one decode step reads on a rank: of experts, those that are expected to be chosen. */
  readonly activeWeightBytes: number;
  /** US dollars per million tokens, prompts and outputs together, at the GPU's price an hour; null where none is known. */
  readonly dollarsPerMillionTokens: number | null;
  readonly dollarsPerMillionOutputTokens: number | null;
  readonly bound: SpeedBound;
  readonly bands: Readonly<
    Record<
      'prefillTokensPerSecond' | 'ttftMs' | 'tpotMs' | 'decodeTokensPerSecond' | 'systemTokensPerSecond',
      readonly [number, number]
    >
  >;
  /**
   * Where the efficiencies come from: our own recordings, published figures, or another generation of GPUs. `measured`: corrected by what
   * runs of this workspace measured.
   */
  readonly evidence: 'recorded' | 'fitted' | 'assumed' | 'measured';
  readonly formula: string;
  readonly source: string;
}

export type VerdictOutcome = 'fits' | 'tight' | 'does-not-fit' | 'unknown';

/** One edit that makes it fit, best first. */
export interface Fix {
  readonly flag: string;
  readonly from: FlagValue | null;
  readonly to: FlagValue;
  /** What must be edited with it, where one edit does not do. */
  readonly also?: readonly FlagEdit[];
  /** What it does, with the number: `57x at 8,192 tokens`. */
  readonly effect: string;
}

export interface FlagEdit {
  readonly flag: string;
  readonly from: FlagValue | null;
  readonly to: FlagValue;
}

export interface Verdict {
  readonly outcome: VerdictOutcome;
  /** One sentence with the numbers. */
  readonly reason: string;
  /** The flag whose value causes it, where one does: diagnostics stand on it. */
  readonly causeFlag?: string;
  readonly fixes: readonly Fix[];
}

/** The figures of the load that speed is estimated for. */
export interface EstimateLoad {
  readonly batch: number;
  readonly inputTokens: number;
  readonly outputTokens: number;
}

export interface EstimateRequest {
  /** What to call it: `serve.yaml:3`, `command line`. */
  readonly source: string;
  readonly deployment: Deployment;
  readonly model: ModelFacts;
  /** Of the model that proposes tokens, where the deployment names one and its facts are known (engine/vllm/draftModel.ts). */
  readonly draft?: ModelFacts;
  readonly device: Device;
  readonly gpuCount: number;
  readonly load?: EstimateLoad;
  /** Given outright; wins over `model.checkpoint` and the formula. Bytes of the whole model as it is loaded. */
  readonly weightsBytes?: number;
  /** From a live host; wins over the catalogue. Bytes. */
  readonly cudaTotalBytes?: number;
  /** From a live host: free on each GPU before the engine starts. Bytes. Left out: all but the CUDA context. */
  readonly freeBytes?: number;
  /** What was measured here before: corrects the terms that it speaks of. */
  readonly calibration?: Calibration;
}

/** One deployment's estimate: the element of `loadline fit --json`'s `deployments`. */
export interface DeploymentEstimate {
  readonly source: string;
  readonly model: {
    readonly id: string;
    readonly modelType: string;
    readonly parameters: number;
    readonly parametersByKind: ParametersByKind;
  };
  readonly engine: string;
  /** The profile's version where the deployment names none. */
  readonly engineVersion: string;
  readonly device: string;
  readonly gpuCount: number;
  /** Flags with defaults filled in, as the engine would resolve them. */
  readonly resolved: Readonly<Record<string, FlagValue>>;
  readonly perRank: readonly RankEstimate[];
  readonly kv: KvEstimate;
  readonly speed: SpeedEstimate;
  readonly verdict: Verdict;
  /** Rules of thumb beside the estimate, for whoever plans by them. */
  readonly crossChecks?: readonly CrossCheck[];
  readonly warnings: readonly Problem[];
}

export interface CrossCheck {
  /** `weights-80-20`, `weights-65-35`. */
  readonly name: string;
  /** Of all GPUs together. */
  readonly bytes: number;
  /** One sentence with the numbers. */
  readonly text: string;
}

/** A deployment that could not be estimated: same place in the list, and why. */
export interface UnknownEstimate {
  readonly source: string;
  readonly verdict: Verdict & { readonly outcome: 'unknown' };
  readonly warnings: readonly Problem[];
}

/** `loadline fit --json`. */
export interface EstimateDocument {
  readonly schema: 1;
  readonly deployments: readonly (DeploymentEstimate | UnknownEstimate)[];
}
