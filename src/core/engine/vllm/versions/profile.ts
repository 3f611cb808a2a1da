import type { Device } from '../../../device/device.ts';
import type { PeakCoefficients } from '../../../memory/activationPeak.ts';
import type { Entrypoint } from '../../deployment.ts';

/** A figure that is known from observation: what was seen, and between which bounds. */
export interface ObservedBytes {
  readonly bytes: number;
  readonly lowBytes: number;
  readonly highBytes: number;
  readonly source: string;
}

/** How one release of vLLM accounts for memory. A new release is one file that states these. */
export interface VllmProfile {
  /** The release that it was read from and recorded with. */
  readonly version: string;
  readonly gpuMemoryUtilization: number;
  readonly blockSize: number;
  batchDefaults(
    device: Device,
    totalBytes: number,
    entrypoint: Entrypoint,
  ): { readonly maxNumBatchedTokens: number; readonly maxNumSeqs: number };
  /** Steps whose tokens may be in flight at once: what a sliding-window layer keeps beyond its window. */
  inFlightBatches(pipelineParallelSize: number, asyncScheduling: boolean): number;
  /** The activation peak of a dense decoder. */
  readonly peak: PeakCoefficients & {
    readonly source: string;
    /** What the upper end of the band rests on. */
    readonly floorSource: string;
  };
  /** Charged after the snapshot, a rank. */
  nonTorch(tensorParallelSize: number, pipelineParallelSize: number): ObservedBytes;
  /** Taken before the snapshot: the CUDA context, and NCCL where there are several ranks. Not charged. */
  context(tensorParallelSize: number): ObservedBytes;
  /** CUDA graphs of a dense decoder. */
  graphs(maxNumSeqs: number): ObservedBytes;
  /** Whether the graphs of a dense decoder are subtracted from the KV cache. */
  readonly graphsCharged: boolean;
  /** Added to the weights where the KV cache is fp8. */
  readonly fp8KvBytes: ObservedBytes;
  /** Beyond the parameters and the rotary table, loaded with the weights. */
  readonly weightsSlackBytes: number;
}
