import type { PeakCoefficients } from '../../../memory/activationPeak.ts';
import type { Release } from './releases.ts';

/** A figure that is known from observation: what was seen, and between which bounds. */
export interface ObservedBytes {
  readonly bytes: number;
  readonly lowBytes: number;
  readonly highBytes: number;
  readonly source: string;
}

/** The engine's generations of code that runs the model: V0 (to 0.10), V1, and V2 (from 0.22 for some models, from 0.29 for all). */
export type ModelRunner = 'V0' | 'V1' | 'V2';

/** The coefficients of one runner's activation peak, with their source. */
export type RunnerPeak = PeakCoefficients & { readonly source: string };

/** How one release of vLLM accounts for memory: dated facts, put together in profiles.ts. */
export interface VllmProfile {
  /** The release that it was read from. */
  readonly version: Release;
  /** Its place in RELEASES. */
  readonly release: number;
  readonly gpuMemoryUtilization: number;
  /** Tokens in a block where nothing else asks for more. */
  readonly blockSize: number;
  /** Whether gpu_memory_utilization x total is rounded up, or cut. */
  readonly roundsRequestUp: boolean;
  /**
   * `profiled`: what torch allocates between loading the weights and the profile run is charged to nobody.
   * `consumed`: everything that went since the snapshot is charged.
   */
  readonly charging: 'profiled' | 'consumed';
  /** Whether NCCL's buffers come after the snapshot, and so are charged. */
  readonly ncclCharged: boolean;
  /** Whether tokens of a step that is still running are reckoned with in windows of the KV cache. */
  readonly inFlight: 'one-step' | 'concurrent-steps';
  /** Largest batch that graphs are captured for by default, on data-centre Blackwell and elsewhere. */
  readonly largestCapture: { readonly blackwell: number; readonly others: number };
  /** Whether a runner's CUDA graphs are estimated in the profile run and subtracted from the KV cache. */
  graphsCharged(runner: ModelRunner): boolean;
  peak(runner: ModelRunner): RunnerPeak;
}
