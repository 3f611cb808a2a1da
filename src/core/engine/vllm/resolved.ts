import type { PipelineStage } from '../../memory/pipeline.ts';
import type { Problem } from '../../result.ts';
import type { FlagValue } from '../deployment.ts';
import type { CapturedGraphs } from './graphs.ts';
import type { KvFlags } from './kvFlags.ts';
import type { LoraSlots } from './lora.ts';
import type { ExpertPadding } from './quantization.ts';
import type { Speculation } from './speculation.ts';
import type { ModelRunner, VllmProfile } from './versions/profile.ts';

/** A deployment with every default filled in, as the engine would resolve it. */
export interface ResolvedVllm {
  readonly profile: VllmProfile;
  readonly runner: ModelRunner;
  readonly totalBytes: number;
  /** Free when the engine takes its snapshot, where a host or the user says it. */
  readonly freeBytes: number | undefined;
  /** null: the longest that fits (`--max-model-len auto`). */
  readonly maxModelLen: number | null;
  /** The longest that the release takes of the model, where nothing lifts that. */
  readonly longestContext: number;
  readonly gpuMemoryUtilization: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  /** False where a step takes whole prompts. */
  readonly chunkedPrefill: boolean;
  readonly tensorParallelSize: number;
  readonly pipelineParallelSize: number;
  readonly dataParallelSize: number;
  /** Ranks that a request's keys and values are spread over. */
  readonly contextParallelSize: number;
  readonly prefillContextParallelSize: number;
  /** Layers of each pipeline stage. */
  readonly stages: readonly PipelineStage[];
  /** True where ranks have whole experts. */
  readonly expertParallel: boolean;
  /** Bytes of an element of weights and activations: 2 or 4. */
  readonly elementBytes: 2 | 4;
  readonly computeType: 'bfloat16' | 'float16';
  /** What is asked of the KV cache. */
  readonly kv: KvFlags;
  /** As written, or the release's default; a backend or a hybrid may want more. */
  readonly blockSize: number;
  /** Neither compiled nor captured. */
  readonly eager: boolean;
  readonly graphs: CapturedGraphs;
  readonly asyncScheduling: boolean;
  readonly prefixCaching: boolean;
  /** Steps whose tokens may be in flight at once: what a sliding-window layer keeps beyond its window. */
  readonly concurrentSteps: number;
  /** False where no image, video or sound is taken: the encoder is not loaded. */
  readonly encoder: boolean;
  readonly encoderReplicated: boolean;
  readonly lora: LoraSlots | undefined;
  readonly speculation: Speculation | undefined;
  /** Weights that are kept in host memory, a GPU. */
  readonly offloadBytes: number;
  readonly quantization: string | undefined;
  /** Bytes of a weight of a quantised linear layer; undefined where nothing is quantised. */
  readonly quantizedWeightBytes: number | undefined;
  /** How far below and above a quantised weight may be, as parts of it: 0 where nothing is quantised. */
  readonly quantizedWeightBand: { readonly below: number; readonly above: number };
  /** What experts of 4-bit floats are padded to; undefined where they are not. */
  readonly expertPadding: ExpertPadding | undefined;
  readonly kvCacheMemoryBytes: number | undefined;
  readonly blocksOverride: number | undefined;
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly warnings: readonly Problem[];
  /** Values that the engine would not take: nothing can be said before they are corrected. */
  readonly unusable: readonly Problem[];
}
