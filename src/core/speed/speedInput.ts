import type { Device } from '../device/device.ts';
import type { EstimateLoad } from '../estimate/types.ts';
import type { ModelFacts } from '../model/facts.ts';
import type { CacheReads } from './cacheReads.ts';

/** Element types that matrix products run in. */
export type ComputeType = 'bfloat16' | 'float16' | 'fp8' | 'fp4';

/** Weights that one step reads together. */
export interface WeightReads {
  /** Of one tensor-parallel rank, over all pipeline stages. */
  readonly bytes: number;
  /** Of the whole model. */
  readonly parameters: number;
  readonly computeType: ComputeType;
}

/** Experts that tokens are routed to. A step reads only those that some token of it chose. */
export interface ExpertReads extends WeightReads {
  readonly experts: number;
  /** That one token is routed to. */
  readonly activeExperts: number;
  /** Ranks that share them: tensor x data parallel. */
  readonly ranks: number;
  /** Layers that have them. */
  readonly layers: number;
}

/** What speed is computed from: the deployment as the engine resolved it. */
export interface SpeedInput {
  /** Name of the engine: what of a GPU's peaks it reaches. */
  readonly engine: string;
  readonly model: ModelFacts;
  readonly device: Device;
  /** GPUs of the whole deployment: what is paid for. */
  readonly gpuCount: number;
  readonly load: EstimateLoad;
  /** Weights that every token passes: attention, dense MLPs, shared experts, routers, norms. */
  readonly dense: WeightReads;
  readonly experts: ExpertReads | undefined;
  /** The output layer, which reads the embedding where they are tied. Prompts pass it once, at their last token. */
  readonly head: WeightReads;
  /** What a step reads of one request's cache, a rank. */
  readonly cache: CacheReads;
  /** Weights in host memory, which each step reads over the bus, bytes a rank. */
  readonly hostBytes: number;
  /** Tokens that the KV cache of one data-parallel replica holds. */
  readonly kvTokens: number;
  readonly tensorParallelSize: number;
  readonly pipelineParallelSize: number;
  /** Replicas that share the load, each with its own cache. */
  readonly dataParallelSize: number;
  /** Of one replica. */
  readonly maxNumSeqs: number;
  /** Most tokens of a step: longer prompts are cut. */
  readonly maxNumBatchedTokens: number;
  readonly eager: boolean;
  /** True where the next step is scheduled while this one runs: most of a sequence's cost on the host is then hidden. */
  readonly asyncScheduling: boolean;
  /** True where draft tokens are proposed. What they save is not estimated. */
  readonly speculative: boolean;
}
