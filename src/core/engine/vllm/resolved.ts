import type { Problem } from '../../result.ts';
import type { FlagValue } from '../deployment.ts';
import type { VllmProfile } from './versions/profile.ts';

/** A deployment with every default filled in, as the engine would resolve it. */
export interface ResolvedVllm {
  readonly profile: VllmProfile;
  readonly totalBytes: number;
  /** null: the longest that fits (`--max-model-len auto`). */
  readonly maxModelLen: number | null;
  readonly gpuMemoryUtilization: number;
  readonly maxNumSeqs: number;
  readonly maxNumBatchedTokens: number;
  readonly tensorParallelSize: number;
  readonly pipelineParallelSize: number;
  readonly dataParallelSize: number;
  /** Bytes of an element of weights and activations: 2 or 4. */
  readonly elementBytes: 2 | 4;
  readonly computeType: 'bfloat16' | 'float16';
  readonly kvElementBytes: 1 | 2 | 4;
  readonly blockSize: number;
  readonly eager: boolean;
  readonly asyncScheduling: boolean;
  readonly quantization: string | undefined;
  /** Bytes of a weight of a quantised linear layer; undefined where nothing is quantised. */
  readonly quantizedWeightBytes: number | undefined;
  /** How far below and above a quantised weight may be, as parts of it: 0 where nothing is quantised. */
  readonly quantizedWeightBand: { readonly below: number; readonly above: number };
  readonly kvCacheMemoryBytes: number | undefined;
  readonly blocksOverride: number | undefined;
  readonly flags: Readonly<Record<string, FlagValue>>;
  readonly warnings: readonly Problem[];
  /** Values that the engine would not take: nothing can be said before they are corrected. */
  readonly unusable: readonly Problem[];
}
